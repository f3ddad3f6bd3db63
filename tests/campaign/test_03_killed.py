"""SIGKILL for the job of every stage, each while it writes; and for the worker above a job, with it and without."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.processes import Process, running
from spark_jobs.declare import EVERY_NIGHT, Stage
from tests.campaign import registry
from tests.campaign.installation import BEFORE, NIGHT, NOT_TRAINED, WRITES, Installation, kill, until
from tests.campaign.laws import Laws


@pytest.fixture(scope="module")
def killed(here: Installation) -> dict[str, str]:
    """A run that trains, and loses the job of each stage once."""
    here.start("killed", BEFORE, NIGHT, retrain="always")
    for stage, pattern in WRITES.items():
        with here.writing(stage, pattern) as job:
            kill(job.pid)
    return here.finish("killed")


@pytest.mark.timeout(1200)
def test_a_run_whose_job_was_killed_in_every_stage_succeeds_at_the_second_try(
    here: Installation, killed: dict[str, str]
) -> None:
    assert here.state("killed") == "success"
    assert {stage: here.tries("killed")[stage] for stage in EVERY_NIGHT} == dict.fromkeys(EVERY_NIGHT, 2)
    for stage in EVERY_NIGHT:
        assert "the job was ended by SIGKILL" in here.log("killed", stage), stage


@pytest.mark.timeout(120)
def test_a_training_that_was_killed_leaves_one_version(here: Installation, killed: dict[str, str]) -> None:
    night = registry.run_of(here.home, "killed")["id"]
    trainings = [run["id"] for run in registry.runs(here.home) if run["tags"].get(registry.PARENT) == night]
    assert len([v for v in registry.versions(here.home) if v["run_id"] in trainings]) == 1


@dataclass(frozen=True, kw_only=True)
class Orphaned:
    """A run that lost three workers, the first of them with its job."""

    alone: float  # seconds that the second job and what it had started outlived worker and task
    hanging: Process  # the second job, which could not see that it was alone


@pytest.fixture(scope="module")
def orphaned(here: Installation) -> Orphaned:
    """Worker and task are killed at once: with their job, above one that runs, and above one that hangs."""
    here.most_at_once.clear()
    here.start("worker_killed", NIGHT, NIGHT)
    job = here.begun(Stage.INGEST)
    kill(*above(job), job.pid)
    kill(*above(here.begun(Stage.REFINE)))
    began = time.monotonic()
    until(lambda: not here.job(Stage.REFINE), "the end of a job without a worker")
    alone = time.monotonic() - began
    hanging = here.begun(Stage.FEATURES)
    os.kill(hanging.pid, signal.SIGSTOP)
    kill(*above(hanging))
    here.finish("worker_killed")
    return Orphaned(alone=alone, hanging=hanging)


@pytest.mark.timeout(1200)
def test_a_job_ends_when_its_worker_is_killed_and_a_retry_does_its_work(here: Installation, orphaned: Orphaned) -> None:
    states, tries = here.states("worker_killed"), here.tries("worker_killed")
    assert orphaned.alone < 15
    assert {task for task, state in states.items() if state != "success"} == set(NOT_TRAINED)
    assert [tries[task] for task in ("ingest", "refine", "features", "score")] == [2, 2, 2, 1]


@pytest.mark.timeout(60)
def test_a_job_that_hangs_when_its_worker_is_killed_does_not_run_beside_its_retry(
    here: Installation, orphaned: Orphaned
) -> None:
    assert here.most_at_once[Stage.FEATURES] == 1
    assert "processes that a former try had left behind" in here.log("worker_killed", "features", 2)
    assert running().get(orphaned.hanging.pid) != orphaned.hanging


@pytest.mark.timeout(600)
def test_the_laws_hold_after_killed_jobs_and_workers(laws: Laws, killed: dict[str, str], orphaned: Orphaned) -> None:
    assert laws.broken() == []


def above(job: Process) -> tuple[int, int]:
    """The worker, and the task's process below it, which started the job."""
    task = job.parent
    worker = running()[task].parent
    assert b"LocalExecutor" in Path(f"/proc/{worker}/cmdline").read_bytes()
    return worker, task
