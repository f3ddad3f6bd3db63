"""Once and only once, whoever dies when."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferralTimeout

from nightshift.databricks.runs import Runs
from nightshift.runners.job import JobFailed
from nightshift.settings import settings
from spark_jobs.declare import Conflict, Stage
from tests.databricks.address import connection
from tests.databricks.alone.conftest import JOB, Task, as_task, watched
from tests.databricks.fake.answers import Answer, Asked
from tests.databricks.fake.server import Cut, Workspace

Began = Callable[[], list[dict[str, Any]]]
Tell = Callable[..., None]


def until(true: Callable[[], object]) -> None:
    stop = time.monotonic() + 30
    while not true():
        assert time.monotonic() < stop, "waited 30 s in vain"
        time.sleep(0.05)


def states(fake: Workspace) -> list[str]:
    return [run.result or run.life for run in fake.runs.all.values()]


def test_what_a_job_says_last_is_what_comes_back(fake: Workspace, began: Began) -> None:
    task = Task()
    assert task.resume(task.begin()) == {"rows": {"rides": 24}}
    (job,) = began()
    assert job["argv"][-4:] == JOB
    assert task.xcoms["databricks_run"].startswith(f"{fake.address}/jobs/")


def test_a_run_sees_nothing_of_airflow_but_its_argv(fake: Workspace, began: Began) -> None:
    task = Task()
    task.resume(task.begin())
    seen = began()[0]["environment"]
    assert [name for name in seen if name.startswith(("AIRFLOW", "NIGHTSHIFT"))] == []


def test_a_lost_answer_asks_again_and_gets_the_run_it_already_has(fake: Workspace, began: Began) -> None:
    def lost(asked: Asked, there: Workspace) -> Answer | None:
        if not asked.path.endswith("/submit"):
            return None
        there.trouble.clear()
        there.usual(asked)
        raise Cut

    fake.trouble.append(lost)
    task = Task()
    task.resume(task.begin())
    assert len(began()) == len(fake.runs.all) == 1


def test_a_retry_after_a_failed_run_really_runs_again(fake: Workspace, tell: Tell, began: Began) -> None:
    tell(error="failed: no space left")
    first, second = Task(), Task(attempt=2)
    with pytest.raises(JobFailed, match="no space left"):
        first.resume(first.begin())
    tell()
    assert second.resume(second.begin()) == {"rows": {"rides": 24}}
    assert len(began()) == 2


def test_a_dag_run_that_is_made_anew_under_the_name_of_one_that_failed_really_runs(
    fake: Workspace, tell: Tell, began: Began
) -> None:
    """The same name, argv and number of the try: as after a deletion, or with another database."""
    tell(error="failed: no space left")
    first = Task()
    with pytest.raises(JobFailed, match="no space left"):
        first.resume(first.begin())
    tell()
    again = Task()
    assert again.resume(again.begin()) == {"rows": {"rides": 24}}
    assert len(began()) == 2


def test_a_worker_that_died_after_it_asked_leaves_a_run_that_the_next_try_takes_up(
    fake: Workspace, tell: Tell, began: Began
) -> None:
    tell(wait=2)
    Task().begin()
    until(began)
    second = Task(attempt=2)
    assert second.resume(second.begin()) == {"rows": {"rides": 24}}
    assert len(began()) == len(fake.runs.all) == 1


def test_a_former_try_that_does_something_else_is_over_before_the_next_one_begins(
    fake: Workspace, tell: Tell, began: Began
) -> None:
    tell(wait=60)
    Task().begin()
    until(began)
    tell()
    second = Task(attempt=2)
    second.resume(second.begin([*JOB, "--retrain=always"]))
    assert states(fake) == ["CANCELED", "SUCCESS"]


def test_a_run_that_was_taken_up_while_its_cancellation_was_under_way_is_begun_anew(
    fake: Workspace, tell: Tell, began: Began, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when somebody clears a task: its next try may be there sooner than the end of the former one."""
    tell(wait=60)
    Task().begin()
    until(began)
    second = Task(attempt=2)
    deferred = second.begin()
    runs.cancel(next(iter(fake.runs.all)))
    tell()
    event = asyncio.run(watched(deferred.trigger))
    monkeypatch.setattr("nightshift.runners.databricks.DatabricksJob.execute", lambda *_: {"begun": "anew"})
    assert second.operator.ended(second.context, event, **deferred.kwargs) == {"begun": "anew"}


def test_another_dag_run_of_the_same_stage_is_waited_for_and_never_ended(
    fake: Workspace, tell: Tell, began: Began
) -> None:
    tell(wait=2)
    theirs, mine = Task(run="manual__theirs"), Task(run="manual__mine")
    first = theirs.begin()
    waiting = mine.begin()
    assert waiting.method_name == "again"
    asyncio.run(waiting.trigger.on_kill())  # our task is cleared meanwhile
    assert theirs.resume(first) == {"rows": {"rides": 24}}
    assert states(fake) == ["SUCCESS"]


def test_another_airflow_is_another_one_also_when_its_dag_run_has_the_same_name(
    fake: Workspace, tell: Tell, began: Began
) -> None:
    tell(wait=2)
    theirs, mine = Task(airflow="theirs"), Task(airflow="mine")
    first = theirs.begin()
    waiting = mine.begin()
    assert waiting.method_name == "again"
    mine.kill()
    assert theirs.resume(first) == {"rows": {"rides": 24}}
    assert states(fake) == ["SUCCESS"]


@pytest.mark.parametrize(("viewers", "then"), [("nights", "again"), ("", "ended")])
def test_an_airflow_of_another_principal_is_waited_for_where_runs_name_a_group_of_both(
    fake: Workspace, tell: Tell, monkeypatch: pytest.MonkeyPatch, viewers: str, then: str
) -> None:
    """A workspace shows runs to whoever began them, and to admins; so without one they do not know of each other."""
    monkeypatch.setenv("NIGHTSHIFT_VIEWERS", viewers)
    fake.runs.groups["nights"] = {fake.catalog.user, "bob"}
    tell(wait=60)
    Task(airflow="theirs").begin()
    fake.tokens.add("of-bob")
    fake.people["of-bob"] = "bob"
    monkeypatch.setenv("AIRFLOW_CONN_DATABRICKS_DEFAULT", connection(fake.address, "of-bob"))
    assert Task(airflow="mine").begin().method_name == then


def in_between(fake: Workspace, theirs: Callable[[], object]) -> None:
    """Between our look and our own request."""

    def come(asked: Asked, there: Workspace) -> Answer | None:
        if asked.path.endswith("/submit"):
            there.trouble.remove(come)
            theirs()
        return None

    fake.trouble.append(come)


def test_two_that_ask_in_the_same_moment_never_run_side_by_side(fake: Workspace, tell: Tell) -> None:
    tell(wait=60)
    mine = Task(run="manual__mine")
    in_between(fake, Task(run="manual__theirs").begin)
    waiting = mine.begin([*JOB, "--run=abc"])
    assert waiting.method_name == "again"
    assert states(fake)[1] == "CANCELED"
    fake.runs.end(next(iter(fake.runs.all.values())), "CANCELED")
    tell()
    assert mine.resume(mine.again(waiting)) == {"rows": {"rides": 24}}


def test_a_try_that_stood_still_takes_up_the_run_of_the_next_one(fake: Workspace, tell: Tell) -> None:
    tell(wait=2)
    stalled = Task()
    in_between(fake, Task(attempt=2).begin)
    assert stalled.resume(stalled.begin()) == {"rows": {"rides": 24}}
    assert states(fake) == ["SUCCESS", "CANCELED"]


def test_a_try_that_stood_still_and_wants_something_else_waits_for_the_next_one(fake: Workspace, tell: Tell) -> None:
    tell(wait=60)
    in_between(fake, Task(attempt=2).begin)
    assert Task().begin([*JOB, "--retrain=always"]).method_name == "again"
    assert states(fake)[1] == "CANCELED"


def test_a_list_that_is_late_is_waited_for(fake: Workspace, tell: Tell) -> None:
    """Whoever asked first is only known once our own run is among them."""
    tell(wait=60)
    in_between(fake, Task(run="manual__theirs").begin)
    late = [3]

    def without_the_newest(asked: Asked, there: Workspace) -> Answer | None:
        if not asked.path.endswith("/list") or len(there.runs.all) < 2 or not late[0]:
            return None
        late[0] -= 1
        return Answer(json={})

    fake.trouble.append(without_the_newest)
    assert Task(run="manual__mine").begin().method_name == "again"
    assert late == [0]


def test_a_run_that_no_list_ever_shows_is_ended(fake: Workspace, tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightshift.databricks.runs.ENDED_WITHIN", 0.5)
    tell(wait=60)
    fake.trouble.append(lambda asked, _: Answer(json={}) if asked.path.endswith("/list") else None)
    task = Task()
    with as_task(task.context), pytest.raises(Conflict, match="is in no list of runs, and was cancelled"):
        task.operator.run([*settings().place.argv(), *JOB])
    until(lambda: states(fake) == ["CANCELED"])


def test_killing_the_task_ends_its_run_also_before_it_was_written_down(
    fake: Workspace, tell: Tell, began: Began
) -> None:
    tell(wait=60)
    task = Task()
    deferred = task.begin()
    until(began)
    task.kill()
    until(lambda: states(fake) == ["CANCELED"])
    with pytest.raises(AirflowFailException, match=r"cancelled in the workspace: Run cancelled\. Clear this task"):
        task.resume(deferred)


def test_a_trigger_whose_task_is_cleared_or_failed_ends_the_run(fake: Workspace, tell: Tell, began: Began) -> None:
    tell(wait=60)
    deferred = Task().begin()
    until(began)
    asyncio.run(deferred.trigger.on_kill())
    until(lambda: states(fake) == ["CANCELED"])


def test_the_workspace_itself_ends_a_run_that_takes_longer_than_its_task_may(fake: Workspace, tell: Tell) -> None:
    tell(wait=60)
    task = Task(minutes=0.05)
    with pytest.raises(JobFailed, match="took longer than this task may"):
        task.resume(task.begin())


def test_a_watch_that_is_given_up_ends_the_run(fake: Workspace, tell: Tell) -> None:
    tell(wait=60)
    task = Task()
    task.begin()
    with as_task(task.context), pytest.raises(TaskDeferralTimeout):
        task.operator.resume_execution("__fail__", {"error": "Trigger timeout"}, task.context)
    until(lambda: states(fake) == ["CANCELED"])


def test_what_a_dag_run_has_left_at_work_ends_with_it_and_nothing_of_others(
    fake: Workspace, tell: Tell, began: Began
) -> None:
    """A task that is failed before a triggerer has looked at it: nobody but the end of its Dag run knows of its run."""
    for stage in ("ingest", "refine"):
        tell(stage, wait=60)
    left, other = Task(), Task(run="manual__2", stage=Stage.REFINE)
    left.begin()
    other.begin(["refine", *JOB[1:]])
    until(lambda: len(began()) == 2)
    with as_task(left.context):
        left.operator.end_left(left.context)
    until(lambda: states(fake) == ["CANCELED", "RUNNING"])
