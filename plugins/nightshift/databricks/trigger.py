"""Waits in the triggerer for the end of a run: one question for each poll."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from airflow.providers.databricks.exceptions import DatabricksApiError
from airflow.providers.databricks.triggers.databricks import DatabricksExecutionTrigger
from airflow.sdk.exceptions import AirflowException
from airflow.triggers.base import TriggerEvent

from nightshift.databricks.runs import is_over

PATIENCE = 300.0  # seconds that a workspace may be away


class RunEnded(DatabricksExecutionTrigger):
    """The provider's own asks twice at the end, and gives up when a connection is cut.

    That a run is cancelled when somebody clears or fails its task, is the provider's `on_kill`.
    """

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (f"{__name__}.{type(self).__name__}", super().serialize()[1])

    async def run(self) -> AsyncIterator[TriggerEvent]:
        heard, run = time.monotonic(), dict[str, Any]()
        async with self.hook:
            while not (run and is_over(run)):
                await asyncio.sleep(self.polling_period_seconds)
                try:
                    run = await self.hook.a_get_run(self.run_id)
                    heard = time.monotonic()
                except DatabricksApiError:  # an answer, and a clear one
                    raise
                except (aiohttp.ClientError, TimeoutError, AirflowException) as error:
                    if time.monotonic() > heard + PATIENCE:
                        raise
                    self.log.warning("The workspace does not answer: %r", error)
        tasks = [task["run_id"] for task in run["tasks"]]
        event = {"run": self.run_id, "state": run["state"], "tasks": tasks}
        yield TriggerEvent(event)  # type: ignore[no-untyped-call] # Airflow's own gap


class AnotherEnded(RunEnded):
    """The run is not ours: it goes on, whatever becomes of the task that waits for its end."""

    async def on_kill(self) -> None:
        return
