"""Ends work that nobody waits for any more, and does not let go before it has ended.

Spark ends an execution by interrupting its thread, once. Hadoop can lose that while it makes a folder, and then the
work lives on, commits included. Its Spark jobs are therefore cancelled as well, again and again, until the thread has
ended; until then the execution stays known as one that runs, and a next try waits for it.
"""

import logging
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark import SparkContext

from spark_jobs.declare.job import OVER

LOG = logging.getLogger(__name__)

PATIENCE = 2.5e9  # nanoseconds that work goes on while no client listens; one that lives asks again every second


class Ending:
    def __init__(self, context: SparkContext) -> None:
        self._context = context
        java: Any = context._jvm
        service = getattr(java.org.apache.spark.sql.connect.service, "SparkConnectService$")
        self._manager = getattr(service, "MODULE$").executionManager()
        self._now = java.System.nanoTime
        self._known: dict[str, Any] = {}
        self._unwanted: set[str] = set()  # once and for all: a client that comes back finds its query cancelled

    def look(self) -> None:
        """Once; called several times a second."""
        executions = self._manager.listExecuteHolders()
        listed = {one.jobTag(): one for one in map(executions.apply, range(executions.size()))}
        self._known |= listed
        now = self._now()
        for tag, execution in self._known.items():
            if tag in self._unwanted or tag not in listed or self._left(execution, now):
                self._unwanted.add(tag)
                self._end(tag, execution)
        self._known = {t: one for t, one in self._known.items() if t in listed or one.isExecuteThreadRunnerAlive()}
        self._unwanted &= self._known.keys()

    def _left(self, execution: Any, now: int) -> bool:
        since = execution.lastAttachedRpcTimeNs()
        if since.isDefined() and now - since.get() > PATIENCE:
            return True
        return bool(execution.session().conf().get(OVER, "") == "true")

    def _end(self, tag: str, execution: Any) -> None:
        if not execution.isExecuteThreadRunnerAlive():
            return
        try:
            execution.interrupt()
            self._context.cancelJobsWithTag(tag)
        except Py4JJavaError as error:
            LOG.warning("ending %s: %s; it is tried again", tag, error)
