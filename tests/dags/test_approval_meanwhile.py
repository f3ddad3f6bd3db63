"""What happens while a version waits for a person: others take its place, the registry moves on, tries are killed."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from nightshift import approval
from nightshift.pipeline import approval_dag, dag_of, roll_back_dag
from spark_jobs.declare.tags import CHAMPION, FEATURES, WITHDRAWN
from tests.dags import people
from tests.dags.approved import APPROVED, BIKES, asked, night, nights_page, on_version, read, verdict
from tests.dags.runs import WITH_PEOPLE, Tell, states, told

if TYPE_CHECKING:
    from mlflow import MlflowClient


pytestmark = WITH_PEOPLE


def test_a_newer_version_that_passes_takes_the_place_of_the_one_that_waits(judged: "MlflowClient", tell: Tell) -> None:
    first = asked()
    tell("evaluate", result=verdict("3"))
    run = night({"reason": "more data"})
    second = people.requests()[-1]
    people.gone_on(second)
    assert people.gone_on(first).state == "success"
    assert (people.task(first).state, people.task(second).state) == ("skipped", "awaiting_input")
    because = f"version 3 of bike_sharing/{run.run_id} takes its place"
    assert people.said(first, "ask", "skipped").startswith("version 2 was superseded by dag_test at ")
    assert people.said(first, "ask", "skipped").endswith(because)
    assert (on_version(judged, "2")["outcome"], on_version(judged, "2")["why"]) == ("superseded", because)
    (entry,) = read(judged).history
    assert (entry["what"], entry["why"]) == ("superseded", f"version 2: {because}")
    assert nights_page(judged, "2").endswith(because)
    people.answer(first, "Approve")  # by somebody who had the page open
    assert people.gone_on(first).state == "success"
    assert read(judged).champion == "1"
    assert people.answered(second, "Approve").state == "success"
    assert read(judged).champion == "3"


def test_an_answer_that_crosses_with_the_newer_version_is_too_late(judged: "MlflowClient", tell: Tell) -> None:
    first = asked()
    tell("evaluate", result=verdict("3"))
    night()
    people.answered(first, "Approve")
    assert people.task(first, "promote").state == "skipped"
    assert "superseded" in people.said(first, "promote", "skipped")
    assert (read(judged).champion, on_version(judged, "2")["outcome"]) == ("1", "superseded")
    second = people.requests()[-1]
    people.gone_on(second)
    assert people.said(second, "close_former", "skipped") == f"{first} is over already"


def test_a_newer_version_that_does_not_pass_changes_nothing_for_the_one_that_waits(
    judged: "MlflowClient", tell: Tell
) -> None:
    request = asked()
    tell("evaluate", result=verdict("3", word="REJECT"))
    night()
    assert people.requests() == [request]
    assert people.answered(request, "Approve").state == "success"
    assert read(judged).champion == "2"


def test_a_night_that_promotes_by_itself_leaves_nobody_waiting(judged: "MlflowClient", tell: Tell) -> None:
    request = asked({"approval": "yes"}, use_case=BIKES)
    tell("evaluate", result=verdict("3"))
    run = night(use_case=BIKES)
    assert (run.state, states(run)["promote"], states(run)["ask"]) == ("success", "success", "success")
    assert people.gone_on(request).state == "success"
    assert people.task(request).state == "skipped"
    assert (read(judged).champion, on_version(judged, "2")["outcome"]) == ("3", "superseded")


def test_a_champion_that_is_judged_once_more_takes_nobody_s_place(judged: "MlflowClient", tell: Tell) -> None:
    request = asked({"approval": "yes"}, use_case=BIKES)
    tell("evaluate", result=verdict("1", champion=""))
    run = night(use_case=BIKES)
    assert told(run, "ask", "skipped") == "version 1 is champion, and nobody waits in vain"
    assert people.task(request).state == "awaiting_input"


def withdrawn(client: "MlflowClient") -> None:
    client.set_model_version_tag("bike_sharing", "2", WITHDRAWN, "{}")


def rolled_back(client: "MlflowClient") -> None:
    form = {"model": "bike_sharing", "version": "3", "reason": "too many bikes"}
    assert roll_back_dag(["bike_sharing"]).test(run_conf=form).state == "success"


def another_champion(client: "MlflowClient") -> None:
    client.set_registered_model_alias("bike_sharing", CHAMPION, "3")


def another_column(client: "MlflowClient") -> None:
    client.set_model_version_tag("bike_sharing", "2", FEATURES, "hour,a_former_column")


def deleted(client: "MlflowClient") -> None:
    client.delete_model_version("bike_sharing", "2")


@pytest.mark.parametrize(
    ("meanwhile", "champion", "says"),
    [
        (withdrawn, "1", "version 2 of bike_sharing was withdrawn: a person may bring it back with model_rollback"),
        (rolled_back, "3", "promotion of bike_sharing is held since"),
        (another_champion, "3", "version 2 was judged against champion 1, which is now 3: clear evaluate in bike_shar"),
        (another_column, "1", "features: version 2 of bike_sharing reads a_former_column"),
        (deleted, "1", "version: bike_sharing has no version 2; it has 1, 3"),
    ],
)
def test_what_is_approved_and_may_not_be_promoted_any_more_is_not_and_says_why(
    judged: "MlflowClient", meanwhile: Callable[["MlflowClient"], None], champion: str, says: str
) -> None:
    request = asked()
    meanwhile(judged)
    assert people.answered(request, "Approve", "ann").state == "failed"
    assert people.said(request, "promote", "failed").startswith(says)
    model = read(judged)
    assert (model.champion, model.waiting) == (champion, "")
    last = model.history[-1]
    assert (last["what"], last["by"], last["to"]) == ("approved in vain", "ann", champion)


@pytest.fixture
def asked_twice(judged: "MlflowClient", tell: Tell) -> tuple[str, str]:
    """Two requests about one version: it is judged again, for there is another champion."""
    run = night()
    (first,) = people.requests()
    people.gone_on(first)
    another_champion(judged)
    tell("evaluate", result=verdict("2", champion="3"))
    dag = dag_of(APPROVED)
    people.clear(run.run_id, dag, "evaluate", "promote", "score", "ask", "close_run")
    assert people.gone_on(run.run_id, dag).state == "success"
    second = people.requests()[-1]
    assert second != first
    people.gone_on(second)
    return first, second


def test_what_was_judged_against_a_former_champion_is_judged_and_asked_about_again(
    judged: "MlflowClient", asked_twice: tuple[str, str]
) -> None:
    first, second = asked_twice
    people.gone_on(first)
    assert people.said(first, "ask", "skipped").endswith("somebody was asked about it once more")
    assert "in the place of version 3" in people.page(second).body
    assert people.answered(second, "Approve").state == "success"
    assert read(judged).champion == "2"


def test_the_answer_to_one_request_about_a_version_is_none_to_another(asked_twice: tuple[str, str]) -> None:
    first, second = asked_twice
    assert people.answered(second, "Reject", "ann").state == "success"
    people.gone_on(first)
    assert people.said(first, "ask", "skipped").endswith("somebody was asked about it once more")


def test_a_request_tried_twice_is_one_request(judged: "MlflowClient") -> None:
    run, dag = night(), dag_of(APPROVED)
    people.clear(run.run_id, dag, "ask")
    assert people.gone_on(run.run_id, dag).state == "success"
    assert len(people.requests()) == 1


def test_a_person_who_rejected_by_mistake_is_asked_again_when_the_task_is_cleared(judged: "MlflowClient") -> None:
    from airflow.models.dagrun import DagRun

    run, dag = night(use_case=replace(APPROVED, answer_within=timedelta(days=2))), dag_of(APPROVED)
    (first,) = people.requests()
    people.gone_on(first)
    people.answered(first, "Reject")
    people.clear(run.run_id, dag, "ask")
    people.gone_on(run.run_id, dag)
    assert len(DagRun.find(dag_id="model_approval")) == 2
    assert json.loads(read(judged).waiting)["version"] == "2"


def test_an_answer_that_came_sooner_than_the_scheduler_knew_is_not_asked_for_again(judged: "MlflowClient") -> None:
    request = asked()
    people.answer(request, "Approve", "ann")
    people.take_for_lost(request)
    assert people.gone_on(request).state == "success"  # the second try has found the answer
    assert (read(judged).champion, on_version(judged, "2")["by"]) == ("2", "ann")


def test_a_task_that_is_tried_again_before_anybody_answered_waits_on(judged: "MlflowClient") -> None:
    request = asked()
    people.take_for_lost(request)
    people.gone_on(request)
    assert people.task(request).state == "awaiting_input"
    assert people.answered(request, "Approve").state == "success"
    assert read(judged).champion == "2"


def test_a_promotion_killed_before_it_was_written_down_is_finished_by_its_retry(
    judged: "MlflowClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asked()
    with monkeypatch.context() as patch:
        patch.setattr(approval, "close", killed)
        people.answered(request, "Approve")
    assert (read(judged).champion, people.task(request, "promote").state) == ("2", "up_for_retry")
    people.clear(request, approval_dag(), "promote")
    assert people.gone_on(request).state == "success"
    assert [entry["what"] for entry in read(judged).history] == ["promote"]
    assert (on_version(judged, "2")["outcome"], read(judged).waiting) == ("approved", "")
    people.clear(request, approval_dag(), "promote")  # and once more, when all is done
    assert people.gone_on(request).state == "success"
    assert len(read(judged).history) == 1


def killed(*_: Any, **__: Any) -> None:
    raise ConnectionError("as if MLflow had gone away")
