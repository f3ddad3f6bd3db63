"""Whoever dies, and whatever a person does: of a stage there is one run at a time, and none is left over.

What runs is tiny here: it waits until it is told to go on.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from local.airflow_api import OVER
from local.processes import family, running
from nightshift.databricks.wheel import Wheel
from tests.databricks.fake.answers import Answer, Asked
from tests.databricks.fake.runs import ACTIVE, Run
from tests.databricks.fake.server import Cut, Workspace
from tests.databricks.standing import Standing
from tests.databricks.tiny import Tiny

pytestmark = pytest.mark.timeout(600)
CASE = "wine_quality"
STAGE = "ingest"  # waits
SOON = 30.0  # seconds in which a run must be cancelled


@pytest.fixture
def waiting(nights: Standing) -> Iterator[Path]:
    """The folder of what jobs are told: from now on they wait."""
    tiny = Tiny(nights.code)
    wheels, landing = nights.volume / "wheels", nights.volume / "landing"
    (wheels / tiny.name).write_bytes(tiny.built())
    environments = nights.workspace.runs.environments
    environments.made.pop(tiny.name, None)
    environments.root = nights.workspace.files.root / "tiny"
    landing.mkdir(parents=True, exist_ok=True)
    (landing / "ingest.json").write_text(json.dumps({"wait": 300}))
    (landing / "go on").unlink(missing_ok=True)
    without_the_night(nights)
    nights.workspace.runs.all.clear()
    nights.workspace.runs.polls.clear()
    yield landing
    (landing / "go on").touch()
    (wheels / tiny.name).write_bytes(Wheel(nights.code).built())


def without_the_night(nights: Standing) -> None:
    """That Airflow makes when a Dag is unpaused; it would be first."""
    nights.scheduler.airflow.pause(CASE, paused=False)
    nights.scheduler.until(lambda: nights.scheduler.airflow.runs(CASE) != [], "the scheduled run")
    for run in nights.scheduler.airflow.runs(CASE):
        if run["state"] not in OVER:
            over(nights, run["dag_run_id"])
    nights.scheduler.until(lambda: not set(states(nights)) & set(ACTIVE), "the end of its runs")


def states(nights: Standing) -> list[str]:
    return [run.result or run.life for run in runs(nights)]


def runs(nights: Standing) -> list[Run]:
    """Of the stage that waits; the one after it may just have begun when its Dag run is ended."""
    return [run for run in nights.workspace.runs.all.values() if STAGE in str(run.body["run_name"])]


def begun(nights: Standing) -> str:
    """A run of the Dag whose ingest is deferred, and at work."""
    run = nights.scheduler.trigger({"first_day": "2024-01-01", "last_day": "2024-01-01"}, dag=CASE)
    nights.scheduler.until(lambda: states(nights) == ["RUNNING"], "a run in the workspace")
    nights.scheduler.until(lambda: nights.scheduler.states(run, CASE)["ingest"] == "deferred", "a deferred task")
    return run


def watched(nights: Standing) -> None:
    """By the triggerer: the first question is the worker's, for the run's page."""
    nights.scheduler.until(lambda: any(len(one) > 1 for one in nights.workspace.runs.polls.values()), "a watch")


def soon(nights: Standing, true: Callable[[], bool], what: str) -> None:
    began = time.monotonic()
    nights.scheduler.until(true, what, SOON)
    print(f"{what}: {time.monotonic() - began:.1f} s")


def over(nights: Standing, run: str) -> None:
    """A Dag run takes no slot any more."""
    nights.scheduler.airflow.call("PATCH", f"/dags/{CASE}/dagRuns/{quote(run)}", {"state": "failed"})


def mark_failed(nights: Standing, run: str) -> None:
    path = f"/dags/{CASE}/dagRuns/{quote(run)}/taskInstances/ingest"
    nights.scheduler.airflow.call("PATCH", path, {"new_state": "failed"})


def test_a_task_that_is_marked_failed_ends_its_run(nights: Standing, waiting: Path) -> None:
    run = begun(nights)
    mark_failed(nights, run)
    soon(nights, lambda: states(nights) == ["CANCELED"], "cancelled after its task was marked failed")
    over(nights, run)


def test_a_task_that_is_marked_failed_while_it_is_watched_ends_its_run(nights: Standing, waiting: Path) -> None:
    run = begun(nights)
    watched(nights)
    mark_failed(nights, run)
    soon(nights, lambda: states(nights) == ["CANCELED"], "cancelled by its watch")
    over(nights, run)


def test_a_dag_run_that_is_marked_failed_ends_its_runs(nights: Standing, waiting: Path) -> None:
    run = begun(nights)
    over(nights, run)
    soon(nights, lambda: states(nights) == ["CANCELED"], "cancelled after its Dag run was marked failed")


def test_a_task_that_is_cleared_runs_again_and_never_twice_at_once(nights: Standing, waiting: Path) -> None:
    run = begun(nights)
    watched(nights)
    body = {"dry_run": False, "dag_run_id": run, "task_ids": ["ingest"], "only_failed": False, "only_running": False}
    nights.scheduler.airflow.call("POST", f"/dags/{CASE}/clearTaskInstances", body)
    soon(nights, lambda: states(nights)[0] == "CANCELED", "cancelled after its task was cleared")
    nights.scheduler.until(lambda: states(nights) == ["CANCELED", "RUNNING"], "the next one")
    (waiting / "go on").touch()
    nights.scheduler.until(lambda: nights.scheduler.states(run, CASE)["ingest"] == "success", "its end")
    over(nights, run)


def test_a_triggerer_that_is_killed_takes_its_watches_up_again(nights: Standing, waiting: Path) -> None:
    run = begun(nights)
    watched(nights)
    os.kill(nights.scheduler.services.parts["triggerer"].pid, signal.SIGKILL)
    time.sleep(2)
    (waiting / "go on").touch()
    nights.scheduler.until(lambda: nights.scheduler.states(run, CASE)["ingest"] == "success", "its end")
    assert states(nights)[0] == "SUCCESS"
    assert nights.scheduler.tries(run, CASE)["ingest"] == 1
    over(nights, run)


@pytest.mark.timeout(900)
def test_airflow_killed_between_the_request_and_its_answer_takes_the_run_up(nights: Standing, waiting: Path) -> None:
    def killed(asked: Asked, there: Workspace) -> Answer | None:
        if not asked.path.endswith("/submit") or STAGE not in str(asked.json["run_name"]):
            return None  # a stage after the one that waits, of a Dag run that was just ended, may still ask
        there.trouble.clear()
        there.usual(asked)
        scheduler = nights.scheduler.services.parts["scheduler"].pid
        for process in family([running()[scheduler]]):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        raise Cut

    nights.workspace.trouble.append(killed)
    run = nights.scheduler.trigger({"first_day": "2024-01-01", "last_day": "2024-01-01"}, dag=CASE)
    nights.scheduler.until(lambda: nights.scheduler.tries(run, CASE).get("ingest", 0) == 2, "the next try")
    # Not before it has looked: a run that ended while nobody watched is begun anew.
    nights.scheduler.until(lambda: nights.scheduler.states(run, CASE)["ingest"] == "deferred", "its watch")
    (waiting / "go on").touch()
    nights.scheduler.until(lambda: nights.scheduler.states(run, CASE)["ingest"] == "success", "its end")
    assert states(nights)[0] == "SUCCESS"
    assert len(runs(nights)) == 1
    over(nights, run)
