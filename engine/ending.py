"""Ends work that nobody waits for any more, and does not let go before it has ended.

Spark ends an abandoned execution by interrupting its thread, once. While that thread plans, the interruption can be
lost on the way, and then the work lives on, commits included. Its jobs are therefore cancelled as well, again and
again, and until its thread has ended the execution stays known as one that runs: a next try waits for it.
"""

from typing import Any

from pyspark import SparkContext

from spark_jobs.declare.job import OVER

PATIENCE = 2.5e9  # nanoseconds that work goes on while no client listens; one that lives asks again every second


class Ending:
    def __init__(self, context: SparkContext) -> None:
        self._context = context
        java: Any = context._jvm
        service = getattr(java.org.apache.spark.sql.connect.service, "SparkConnectService$")
        self._manager = getattr(service, "MODULE$").executionManager()
        self._now = java.System.nanoTime

    def look(self) -> None:
        """Once; called several times a second."""
        executions = self._manager.listExecuteHolders()
        now = self._now()
        for execution in map(executions.apply, range(executions.size())):
            if self._unwanted(execution, now):
                self._end(execution)

    def _unwanted(self, execution: Any, now: int) -> bool:
        left = execution.lastAttachedRpcTimeNs()
        if left.isDefined() and now - left.get() > PATIENCE:
            return True
        return bool(execution.session().conf().get(OVER, "") == "true")

    def _end(self, execution: Any) -> None:
        if execution.isExecuteThreadRunnerAlive():
            execution.interrupt()
            self._context.cancelJobsWithTag(execution.jobTag())
        else:
            self._manager.removeExecuteHolder(execution.key(), True)
