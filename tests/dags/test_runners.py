"""A job is a process that says one last line, and never outlives its task."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from nightshift import processes
from nightshift.runners.job import JobFailed, job_of, level_of
from nightshift.runners.local import LocalJob
from nightshift.settings import MARK, settings
from spark_jobs.declare import BadRequest, Stage
from tests.dags.runs import Calls, Tell

ROOT = Path(__file__).parents[2]
JOB = ["refine", "bike_sharing", "--start=2024-01-01", "--end=2024-01-02"]


def job(stage: Stage = Stage.REFINE) -> LocalJob:
    return LocalJob(stage=stage, use_case="bike_sharing")


def run() -> dict[str, Any]:
    return job().run([*settings().place.argv(), *JOB])


def until(true: Callable[[], object]) -> None:
    stop = time.monotonic() + 20
    while not true():
        assert time.monotonic() < stop, "waited 20 s in vain"
        time.sleep(0.02)


def once_it_waits(home: Path, do: Callable[[], object]) -> None:
    def wait_and_do() -> None:
        until((home / "waiting").exists)
        do()

    Thread(target=wait_and_do).start()


def test_a_jobs_last_line_is_what_comes_back(home: Path, calls: Calls) -> None:
    result = {"stage": "refine", "rows": {"rides": {"kept": 24}}, "inputs": {"bronze/rides": 0}}
    assert run() == result
    assert [call["argv"] for call in calls()] == [JOB]


def test_a_job_gets_none_of_airflows_environment(home: Path, calls: Calls) -> None:
    run()
    assert [name for name in calls()[0]["environment"] if name.startswith(("AIRFLOW", "NIGHTSHIFT"))] == [MARK]


def test_words_before_the_last_line_are_logged_and_not_taken_for_it(home: Path, tell: Tell) -> None:
    tell("refine", stdout=["[warning][cds] an archive is stale", '{"nightshift": 1, "rows": {}}'])
    assert run() == {"rows": {}}


@pytest.mark.parametrize("line", ["done", "[1, 2]", '{"rows": 3}', ""])
def test_a_job_without_a_result_has_failed(home: Path, tell: Tell, line: str) -> None:
    tell("refine", stdout=[line])
    with pytest.raises(JobFailed, match="the job's last line must be its result"):
        run()


def test_a_refused_job_is_not_tried_again_and_says_why_in_its_own_words(home: Path, tell: Tell) -> None:
    tell("refine", status=3, stderr=["2024-01-01 02:00:00,001 ERROR source: the lake was begun with 'public'", "WARN"])
    with pytest.raises(AirflowFailException) as failed:
        run()
    assert str(failed.value) == "source: the lake was begun with 'public'"


def test_any_other_failure_may_be_tried_again(home: Path, tell: Tell) -> None:
    tell("refine", status=1, stderr=["Traceback", "OSError: no space left on device"])
    with pytest.raises(JobFailed, match=r"status 1: OSError: no space left on device"):
        run()


def test_a_spark_side_that_is_not_installed_says_what_to_type(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTSHIFT_SPARK_PYTHON", "/nowhere/python")
    with pytest.raises(BadRequest, match=r"NIGHTSHIFT_SPARK_PYTHON: there is no /nowhere/python: type `make install`"):
        run()


def test_a_job_keeps_its_own_levels_in_the_log() -> None:
    assert level_of("2024-01-01 02:00:00,001 WARNING 3 files were refused") == (30, "3 files were refused")
    assert level_of("Traceback (most recent call last):") == (20, "Traceback (most recent call last):")


def test_a_killed_job_says_what_killed_it(home: Path, tell: Tell, calls: Calls) -> None:
    tell("refine", wait=True)
    once_it_waits(home, lambda: os.kill(calls()[0]["pid"], signal.SIGKILL))
    with pytest.raises(JobFailed, match=r"SIGKILL \(out of memory, usually\)"):
        run()
    assert processes.marked(job().mark) == []


def test_killing_the_task_ends_the_job_with_all_it_started(home: Path, tell: Tell) -> None:
    tell("refine", wait=True, deaf=True)
    once_it_waits(home, job().on_kill)
    with pytest.raises(JobFailed, match="SIGTERM"):
        run()
    assert processes.marked(job().mark) == []


class TimeIsUp(BaseException):
    """As Airflow's time-out interrupts a task: by an alarm."""


def test_a_time_out_leaves_no_process_behind_even_of_a_job_that_does_not_listen(home: Path, tell: Tell) -> None:
    def up(*_: object) -> None:
        raise TimeIsUp

    tell("refine", wait=True, deaf=True)
    former = signal.signal(signal.SIGALRM, up)
    once_it_waits(home, lambda: signal.setitimer(signal.ITIMER_REAL, 0.01))
    with pytest.raises(TimeIsUp):
        run()
    signal.signal(signal.SIGALRM, former)
    assert processes.marked(job().mark) == []


TASK = """
from nightshift.runners.local import LocalJob
from nightshift.settings import settings
LocalJob(stage="refine", use_case="bike_sharing").run([*settings().place.argv(), *{job}])
"""


def killed_task(home: Path) -> None:
    """A worker that dies by SIGKILL while its job runs."""
    env = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT}/plugins"}
    with subprocess.Popen([sys.executable, "-c", TASK.format(job=JOB)], env=env, stderr=subprocess.DEVNULL) as task:
        until((home / "waiting").exists)
        assert len(processes.marked(job().mark)) == 2
        task.kill()
    (home / "waiting").unlink()


def test_when_the_worker_is_killed_its_job_ends_by_itself(home: Path, tell: Tell) -> None:
    tell("refine", wait=True)
    killed_task(home)
    until(lambda: processes.marked(job().mark) == [])


def test_a_retry_first_ends_a_former_try_that_did_not_end_by_itself(home: Path, tell: Tell, calls: Calls) -> None:
    tell("refine", wait=True, deaf=True)
    killed_task(home)
    assert len(processes.marked(job().mark)) == 2
    tell("refine", result={"rows": {}})
    assert run() == {"stage": "refine", "rows": {}}
    assert [call["beside"] for call in calls()] == [[], []]


@pytest.mark.parametrize("other", ["bike_sharing:train", "bike_sharing:refinement"])
def test_processes_of_others_are_left_alone(home: Path, other: str) -> None:
    mark = f"{settings().home}:{other}"
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], env=os.environ | {MARK: mark}
    ) as foreign:
        until(lambda: processes.marked(mark) == [foreign.pid])
        assert processes.end(job().mark) == 0
        assert foreign.poll() is None
        assert processes.end(mark) == 1


def said(**more: Any) -> dict[str, dict[str, Any]]:
    plan = {
        "kind": "form",
        "window": {"start": "2024-01-01", "end": "2024-01-02"},
        "retrain": "always",
        "may_promote": True,
        "version": "7",
        "reason": "",
        "run_key": "bike_sharing/1",
        "by": "ann",
        "also": "forest",
        "parameters": {"boosting": {"lambda": 2, "eta": 0.1}},
        "search": "genetic",
    }
    return {"check": plan, "open_run": {"run": "abc", "experiment": "1", "tracking": "http://mlflow"}, **more}


@pytest.mark.parametrize(
    ("stage", "extra"),
    [
        (Stage.INGEST, []),
        (
            Stage.TRAIN,
            ["--also=forest", '--parameters={"boosting": {"eta": 0.1, "lambda": 2}}', "--search=genetic"],
        ),
        (Stage.EVALUATE, ["--version=3"]),
        (Stage.SCORE, ["--version=7"]),
    ],
)
def test_each_job_is_told_of_the_form_and_of_this_run_what_it_needs(stage: Stage, extra: list[str]) -> None:
    argv = job_of(stage, "bike_sharing", said(train={"version": "3"})).argv()
    assert argv == [
        *(str(stage), "bike_sharing", "--start=2024-01-01", "--end=2024-01-02"),
        *("--run=abc", "--retrain=always", *extra),
    ]


def test_the_fake_job_reads_the_same_words_as_the_real_one(home: Path, tell: Tell) -> None:
    tell("refine", result={"rows": json.loads("{}")})
    assert run()["stage"] == "refine"
