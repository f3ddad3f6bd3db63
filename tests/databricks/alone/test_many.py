"""Many runs that are waited for at once."""

import asyncio
import json
import subprocess
import sys
import time
from importlib import import_module
from typing import Any

from nightshift.databricks.trigger import RunEnded
from nightshift.settings import CHECKOUT
from spark_jobs.declare import EVERY_NIGHT
from tests.databricks.alone.conftest import Task
from tests.databricks.alone.test_once import Began, Tell, states, until
from tests.databricks.fake.runs import Run
from tests.databricks.fake.server import Workspace

TEN = [(stage, use_case) for stage in EVERY_NIGHT[:5] for use_case in ("bike_sharing", "wine_quality")]
MANY, SECONDS, EVERY = 100, 6.0, 2


def test_a_hundred_runs_are_asked_for_once_a_poll_and_fit_into_300_mb(fake: Workspace) -> None:
    for number in range(1, MANY + 1):
        body: dict[str, Any] = {"run_name": f"nightshift main.bikes a train {number}", "tasks": [{"task_key": "train"}]}
        fake.runs.all[number] = Run(number, -number, body, time.time(), life="RUNNING")
    ended, megabytes = held_by_a_process_of_their_own()
    assert ended == 0
    asked = [len(times) for times in fake.runs.polls.values()]
    assert len(asked) == MANY
    assert max(asked) <= SECONDS / EVERY + 1
    assert {run.result for run in fake.runs.all.values()} == {""}
    print(f"{megabytes} MB at most, of a process with its Airflow")
    assert megabytes < 300


def held_by_a_process_of_their_own() -> tuple[int, int]:
    command = [sys.executable, "-m", "tests.databricks.alone.watches", str(MANY), str(SECONDS), str(EVERY)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ended, megabytes = done.stdout.splitlines()[-1].split()
    return int(ended), int(megabytes)


def test_a_triggerer_that_starts_anew_takes_up_the_ten_runs_it_was_waiting_for(
    fake: Workspace, tell: Tell, began: Began
) -> None:
    tasks = [Task(stage=stage, use_case=use_case) for stage, use_case in TEN]
    landing = fake.files.root / "volume" / "landing"
    for stage in {stage for stage, _ in TEN}:
        tell(stage, wait=120)
    deferred = [task.begin([str(task.stage), task.use_case]) for task in tasks]
    kept = [one.trigger.serialize() for one in deferred]
    until(lambda: len(began()) == len(TEN))
    asyncio.run(_ended_early([_made(*one) for one in kept]))
    assert states(fake) == ["RUNNING"] * len(TEN)
    (landing / "go on").touch()
    for one, again in zip(deferred, kept, strict=True):
        one.trigger = _made(*again)
    assert [task.resume(one) for task, one in zip(tasks, deferred, strict=True)] == [{"rows": {"rides": 24}}] * len(TEN)
    assert len(began()) == len(fake.runs.all) == len(TEN)


def _made(path: str, kwargs: dict[str, Any]) -> Any:
    """As a triggerer makes it, of what the database holds."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)(**json.loads(json.dumps(kwargs)))


async def _ended_early(triggers: list[Any]) -> None:
    """A triggerer that ends cancels what waits in it."""
    watches = [asyncio.create_task(_ended(one)) for one in triggers]
    done, _ = await asyncio.wait(watches, timeout=1)
    assert done == set()
    for watch in watches:
        watch.cancel()
    await asyncio.gather(*watches, return_exceptions=True)


async def _ended(trigger: RunEnded) -> None:
    async for _ in trigger.run():
        return
