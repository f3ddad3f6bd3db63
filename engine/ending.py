"""Ends work that nobody waits for any more, and does not let go before it has ended.

Spark ends an execution by interrupting its thread, once. Hadoop can lose that while it makes a folder, and then the
work lives on, commits included. Its Spark jobs are therefore cancelled as well, again and again, until the thread has
ended; until then the execution stays known as one that runs, and a next try waits for it.

A stream runs beside all executions. It is ended when nobody asks after it any more: its client does so all the time.
(Whoever takes its session ends it too, by Spark's own doing, and waits for that as long as `stopTimeout` says.)
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
        self._heard: dict[str, tuple[int, Any]] = {}  # when somebody last listened in a session, and the session
        self._unwanted: set[str] = set()  # once and for all: a client that comes back finds its query cancelled

    def look(self) -> None:
        """Once; called several times a second."""
        executions = self._manager.listExecuteHolders()
        listed = {one.jobTag(): one for one in map(executions.apply, range(executions.size()))}
        self._known |= listed
        now = self._now()
        for execution in listed.values():
            since, name = execution.lastAttachedRpcTimeNs(), execution.sessionHolder().sessionId()
            last = since.get() if since.isDefined() else now
            self._heard[name] = (max(last, self._heard.get(name, (last,))[0]), execution.session())
        self._heard = {
            name: (since, session)
            for name, (since, session) in self._heard.items()
            if now - since <= PATIENCE or _streams_go_on(session)
        }
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


def _streams_go_on(session: Any) -> bool:
    """After each of them was told to stop. One that does not within its time is told again."""
    try:
        for query in session.streams().active():
            LOG.warning("nobody asks after the stream %s any more: it is ended", query.id())
            query.stop()
        return bool(len(session.streams().active()))
    except Py4JJavaError as error:
        LOG.warning("ending a stream: %s; it is tried again", error)
        return True
