"""What a workspace does when it does not do what it is asked."""

import asyncio
import json
import os
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferralError

from nightshift.databricks import credentials
from nightshift.databricks import trigger as watch
from nightshift.databricks.runs import Runs
from nightshift.runners.job import JobFailed
from spark_jobs.declare import BadRequest, Refused, Unreachable
from tests.databricks.address import TOKEN
from tests.databricks.alone.conftest import Task, as_task, watched
from tests.databricks.alone.test_once import Began, Tell, states, until
from tests.databricks.fake.answers import Answer, Asked, Refusal
from tests.databricks.fake.server import Cut, Trouble, Workspace
from tests.databricks.tiny import Tiny

RESULT = {"rows": {"rides": 24}}
EXISTING = "0923-164208-meows279"
BUSY = Refusal(429, "REQUEST_LIMIT_EXCEEDED", "Too many requests")


def times(count: int, trouble: Callable[[], Answer], path: str = "") -> Trouble:
    """The first so many requests to paths that end so are answered like this."""
    left = [count]

    def answered(asked: Asked, _: Workspace) -> Answer | None:
        if not asked.path.endswith(path) or not left[0]:
            return None
        left[0] -= 1
        return trouble()

    return answered


def says(status: int) -> Callable[[], Answer]:
    body = {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "Please try again"}
    return lambda: Answer(json=body, status=status)


def cut() -> Answer:
    raise Cut


@pytest.mark.parametrize("path", ["/submit", "/list", "/get", "/get-output"])
@pytest.mark.parametrize("trouble", [says(429), says(500), says(503), cut])
def test_what_passes_is_waited_for(fake: Workspace, trouble: Callable[[], Answer], path: str, began: Began) -> None:
    fake.trouble.append(times(1, trouble, path))
    task = Task()
    assert task.resume(task.begin()) == RESULT
    assert len(began()) == 1


def test_a_workspace_that_hangs_is_asked_again(fake: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightshift.databricks.runs.ANSWERS_WITHIN", 0.5)

    def hang() -> Answer:
        time.sleep(1)
        return Answer(json={})

    fake.trouble.append(times(1, hang, "/list"))
    task = Task()
    assert task.resume(task.begin()) == RESULT


def test_a_workspace_that_is_away_while_a_run_is_watched_costs_nothing(
    fake: Workspace, tell: Tell, began: Began
) -> None:
    tell(wait=1)
    task = Task()
    deferred = task.begin()
    fake.trouble.append(times(8, cut, "/get"))
    assert task.resume(deferred) == RESULT


def test_a_workspace_that_is_away_for_good_is_one_clear_error(fake: Workspace) -> None:
    fake.trouble.append(times(1000, cut))
    task = Task()
    with as_task(task.context), pytest.raises(Unreachable, match="the workspace does not answer"):
        task.operator.run(["ingest"])


def test_a_watch_that_fails_leaves_the_run_to_the_next_try(
    fake: Workspace, tell: Tell, began: Began, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 0.5)
    tell(wait=6)
    first, second = Task(), Task(attempt=2)
    deferred = first.begin()
    fake.trouble.append(times(1000, cut, "/get"))
    with pytest.raises(Exception, match="disconnected"):
        asyncio.run(watched(deferred.trigger))
    with as_task(first.context), pytest.raises(Unreachable, match="a next try takes it up"):
        first.operator.resume_execution("__fail__", {"error": "TriggerFailure"}, first.context)
    fake.trouble.clear()
    assert second.resume(second.begin()) == RESULT
    assert len(began()) == 1


def test_a_token_that_expires_in_the_middle_is_read_anew_by_the_next_try(
    fake: Workspace, tell: Tell, began: Began, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(wait=2)
    first, second = Task(), Task(attempt=2)
    deferred = first.begin()
    fake.tokens.remove(TOKEN)
    with pytest.raises(Exception, match="403"):
        asyncio.run(watched(deferred.trigger))
    with as_task(second.context), pytest.raises(Unreachable, match="credentials of the connection databricks_default"):
        second.operator.run(["ingest"])
    fake.tokens.add("a-new-one")
    connection = json.loads(os.environ["AIRFLOW_CONN_DATABRICKS_DEFAULT"]) | {"password": "a-new-one"}
    monkeypatch.setenv("AIRFLOW_CONN_DATABRICKS_DEFAULT", json.dumps(connection))
    assert second.resume(second.begin()) == RESULT
    assert len(began()) == 1


def test_a_run_that_somebody_deleted_is_begun_again_by_the_next_try(fake: Workspace, tell: Tell, began: Began) -> None:
    tell(wait=60)
    first, second = Task(), Task(attempt=2)
    deferred = first.begin()
    until(began)
    (run,) = fake.runs.all.values()
    fake.runs.end(run, "CANCELED")
    run.deleted = True
    with pytest.raises(Exception, match="400"):
        asyncio.run(watched(deferred.trigger))
    tell()
    assert second.resume(second.begin()) == RESULT


def test_compute_that_never_starts_ends_with_the_time_of_its_task(fake: Workspace, began: Began) -> None:
    fake.runs.slow_start = 60
    task = Task(minutes=0.03)
    with pytest.raises(JobFailed, match="took longer than this task may"):
        task.resume(task.begin())
    assert began() == []


def test_of_what_a_job_said_the_end_is_kept(fake: Workspace, tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    tell(size=6)
    task = Task()
    assert task.resume(task.begin()) == RESULT
    assert "kept the last 5 MB" in capsys.readouterr().out


def test_what_is_no_utf_8_is_logged_as_far_as_it_can_be_read(
    fake: Workspace, tell: Tell, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(bytes=b"M\xfcller\n".hex())
    task = Task()
    assert task.resume(task.begin()) == RESULT
    assert "M\N{REPLACEMENT CHARACTER}ller" in capsys.readouterr().out


def test_the_job_s_own_levels_and_its_trace_are_in_the_log(
    fake: Workspace, tell: Tell, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(error="failed: no space left")
    task = Task()
    with pytest.raises(JobFailed):
        task.resume(task.begin())
    said = capsys.readouterr().out
    assert re.search(r"\[warning +\] 3 files were refused", said)
    assert "Traceback (most recent call last)" in said


def test_a_refused_job_is_not_tried_again_and_says_why_in_its_own_words(fake: Workspace, tell: Tell) -> None:
    tell(error="refused: source: the lake was begun with 'public'")
    task = Task()
    with pytest.raises(AirflowFailException) as failed:
        task.resume(task.begin())
    assert str(failed.value) == "source: the lake was begun with 'public'"


def test_a_wheel_that_does_not_install_says_so(fake: Workspace) -> None:
    fake.runs.environments.made.clear()
    for wheel in (fake.files.root / "volume" / "wheels").iterdir():
        wheel.write_bytes(b"no archive")
    task = Task()
    with pytest.raises(JobFailed, match="Library installation failed"):
        task.resume(task.begin())


def test_code_that_was_not_deployed_says_what_to_type(fake: Workspace) -> None:
    for wheel in (fake.files.root / "volume" / "wheels").iterdir():
        wheel.unlink()
    task = Task()
    with as_task(task.context), pytest.raises(Exception, match="type `make deploy`"):
        task.operator.run(["ingest"])
    assert fake.runs.all == {}


def test_other_code_on_a_cluster_that_is_there_is_refused_before_it_runs_in_the_place_of_ours(
    fake: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_COMPUTE", EXISTING)
    task, wheels = Task(), [f"{fake.files.root}/volume/wheels/{Tiny().name}", "/Volumes/main/x/of_others-1.0.whl"]
    fake.compute.libraries[EXISTING] = wheels
    assert task.resume(task.begin()) == RESULT
    fake.compute.libraries[EXISTING] = [*wheels, "/Volumes/a/wheels/nightshift_jobs-0.1.0+old-py3-none-any.whl"]
    with (
        as_task(task.context),
        pytest.raises(Refused, match=r"holds other code of ours, nightshift_jobs-0\.1\.0\+old-"),
    ):
        task.operator.run(["ingest"])
    assert len(fake.runs.all) == 1


def test_a_connection_that_is_missing_is_named_and_not_asked_for_again(
    fake: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_DATABRICKS_CONNECTION", "ours")
    task = Task()
    with as_task(task.context), pytest.raises(BadRequest, match="connection ours: is not in this Airflow: make it"):
        task.operator.run(["ingest"])
    with pytest.raises(BadRequest, match="connection ours"):
        credentials.of("ours")


@pytest.mark.parametrize(
    ("last", "says"),
    [
        (["done"], "the job's last line must be its result"),
        (['{"nightshift": 1, "rows": {}}'] * 2, "must say one result; it said 2"),
    ],
)
def test_a_job_says_one_result(fake: Workspace, tell: Tell, last: list[str], says: str) -> None:
    tell(last=last)
    task = Task()
    with pytest.raises(JobFailed, match=says):
        task.resume(task.begin())


def test_lines_of_the_workspace_behind_the_result_are_not_taken_for_it(fake: Workspace, tell: Tell) -> None:
    tell(last=['{"nightshift": 1, "rows": {"rides": 24}}', "Session closed."])
    task = Task()
    assert task.resume(task.begin()) == RESULT


def test_what_the_workspace_refuses_is_not_asked_again(fake: Workspace) -> None:
    def refused() -> Answer:
        return Answer(json={"error_code": "PERMISSION_DENIED", "message": "no USE SCHEMA on main.bikes"}, status=403)

    fake.trouble.append(times(1, refused, "/submit"))
    task = Task()
    with as_task(task.context), pytest.raises(Unreachable, match=r"no USE SCHEMA on main\.bikes"):
        task.operator.run(["ingest"])
    assert len([one for one in fake.asked if one.path.endswith("/submit")]) == 1


def test_runs_of_others_on_many_pages_are_looked_through(fake: Workspace, tell: Tell, began: Began, runs: Runs) -> None:
    tell(wait=3)
    for number in range(60):
        fake.runs.all[number] = _foreign(number)
    Task().begin()
    until(began)
    second = Task(attempt=2)
    assert second.resume(second.begin()) == RESULT
    assert len(began()) == 1


def _foreign(number: int) -> Any:
    from tests.databricks.fake.runs import Run

    return Run(
        number, -number, {"run_name": "somebody's", "tasks": [{"task_key": "x"}]}, time.time() + 100, life="RUNNING"
    )


def test_a_trigger_that_failed_for_the_last_time_ends_what_it_watched(
    fake: Workspace, tell: Tell, began: Began
) -> None:
    tell(wait=60)
    task = Task(attempt=3)
    task.begin()
    until(began)
    with as_task(task.context), pytest.raises((Unreachable, TaskDeferralError)):
        task.operator.resume_execution("__fail__", {"error": "TriggerFailure"}, task.context)
    until(lambda: states(fake) == ["CANCELED"])


def test_after_a_clear_a_task_has_all_its_tries_again(fake: Workspace, tell: Tell, began: Began) -> None:
    tell(wait=60)
    task = Task(attempt=4, last=6)
    task.begin()
    until(began)
    with as_task(task.context), pytest.raises(Unreachable, match="a next try takes it up"):
        task.operator.resume_execution("__fail__", {"error": "TriggerFailure"}, task.context)
    assert states(fake) == ["RUNNING"]


def without_output() -> Answer:
    return Answer(json={"error_code": "INVALID_PARAMETER_VALUE", "message": "there is no output"}, status=400)


def test_a_cancelled_run_says_so_also_without_an_output(fake: Workspace, tell: Tell, began: Began) -> None:
    tell(wait=60)
    task = Task()
    deferred = task.begin()
    until(began)
    task.kill()
    fake.trouble.append(times(1, without_output, "/get-output"))
    with pytest.raises(AirflowFailException, match="the run was cancelled in the workspace"):
        task.resume(deferred)


def test_a_success_whose_output_is_not_there_is_tried_again(fake: Workspace) -> None:
    task = Task()
    deferred = task.begin()
    fake.trouble.append(times(1, without_output, "/get-output"))
    with pytest.raises(JobFailed, match="the run succeeded, and its output, which holds its result, is not there"):
        task.resume(deferred)


def test_words_of_others_are_not_taken_for_a_refusal(fake: Workspace, tell: Tell) -> None:
    tell(error="Connection refused: no route")
    task = Task()
    with pytest.raises(JobFailed, match="Connection refused: no route"):
        task.resume(task.begin())
