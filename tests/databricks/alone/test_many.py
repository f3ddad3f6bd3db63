"""A hundred runs that are waited for at once."""

import asyncio
import resource
import time
from typing import Any

from nightshift.databricks.trigger import RunEnded
from tests.databricks.fake.runs import Run
from tests.databricks.fake.server import Workspace

MANY, SECONDS, EVERY = 100, 6.0, 2


def test_a_hundred_runs_are_asked_for_once_a_poll_and_fit_into_300_mb(fake: Workspace) -> None:
    for number in range(1, MANY + 1):
        body: dict[str, Any] = {"run_name": f"nightshift main.bikes a train {number}", "tasks": [{"task_key": "train"}]}
        fake.runs.all[number] = Run(number, -number, body, time.time(), life="RUNNING")
    asyncio.run(_all_of_them())
    asked = [len(times) for times in fake.runs.polls.values()]
    assert len(asked) == MANY
    assert max(asked) <= SECONDS / EVERY + 1
    assert {run.result for run in fake.runs.all.values()} == {""}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak:.0f} MB at most, of this process with its Airflow and the fake")
    assert peak < 300


async def _all_of_them() -> None:
    """As the triggerer holds them, and ends them when it ends itself: no run is cancelled then."""
    watches = [asyncio.create_task(_ended(RunEnded(n, "databricks_default", EVERY))) for n in range(1, MANY + 1)]
    _, open_still = await asyncio.wait(watches, timeout=SECONDS)
    for watch in open_still:
        watch.cancel()
    assert len(open_still) == MANY
    await asyncio.gather(*open_still, return_exceptions=True)


async def _ended(trigger: RunEnded) -> None:
    async for _ in trigger.run():
        return
