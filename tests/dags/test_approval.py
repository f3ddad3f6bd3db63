"""A person's word: asked for once the night is done, and waited for by nobody."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from nightshift import beginnings
from nightshift.approval import Answer, Outcome, Request
from nightshift.asking import answer_of
from nightshift.pipeline import approval_dag
from spark_jobs.declare.tags import HOLD
from tests.dags import people
from tests.dags.approved import APPROVED, BIKES, asked, night, nights_page, on_version, read, verdict
from tests.dags.runs import WITH_PEOPLE, Calls, Tell, states, told

if TYPE_CHECKING:
    from mlflow import MlflowClient


pytestmark = WITH_PEOPLE


def test_a_night_is_scored_by_the_champion_that_stands_and_over_before_somebody_is_asked(
    judged: "MlflowClient", calls: Calls
) -> None:
    run = night()
    assert run.state == "success"
    assert (states(run)["promote"], states(run)["score"], states(run)["ask"]) == ("skipped", "success", "success")
    assert told(run, "promote", "skipped") == "version 2 passed the gate; the task ask asks a person for it"
    assert [call["argv"][0] for call in calls()][-1] == "score"
    ends = {ti.task_id: ti.end_date for ti in run.get_task_instances() if ti.end_date}
    assert ends["score"] < ends["ask"]
    (request,) = people.requests()
    assert told(run, "ask", "approval").endswith("/tasks/ask/required_actions")
    assert nights_page(judged, "2").startswith("version 2 waits for an answer until ")
    assert people.task(request).state is None  # nobody needs it for the night to be over
    assert read(judged).champion == "1"


def test_while_it_waits_it_holds_nothing_and_the_next_night_does_all_its_work(
    judged: "MlflowClient", tell: Tell, calls: Calls
) -> None:
    from airflow.models import Pool

    request = asked()
    waits = people.task(request)
    assert (waits.state, waits.trigger_id) == ("awaiting_input", None)
    for pool in Pool.slots_stats().values():
        assert pool["open"] == pool["total"]
    tell("train", result={"skipped": "not due"})
    before = len(calls())
    run = night()
    assert (run.state, states(run)["score"]) == ("success", "success")
    assert [call["argv"][0] for call in calls()[before:]] == ["ingest", "refine", "features", "train", "score"]
    assert people.task(request).state == "awaiting_input"
    assert told(run, "ask", "skipped") == "this run has judged no model"


def test_what_is_approved_becomes_champion_and_everybody_can_see_who_said_so(judged: "MlflowClient") -> None:
    request = asked()
    assert people.answered(request, "Approve", "ann", "good on Sundays").state == "success"
    model = read(judged)
    assert (model.champion, model.waiting) == ("2", "")
    (entry,) = model.history
    assert (entry["what"], entry["from"], entry["to"], entry["by"]) == ("promote", "1", "2", "ann")
    assert entry["why"].startswith("approved: good on Sundays; form run over ")
    about = on_version(judged, "2")
    assert (about["outcome"], about["by"], about["why"]) == ("approved", "ann", "good on Sundays")
    assert about["asked"][:19] <= about["at"][:19] <= about["until"][:19]
    assert nights_page(judged, "2") == f"version 2 was approved by ann at {about['at']}: good on Sundays"


def test_what_is_rejected_stays_what_it_was_and_that_is_remembered(judged: "MlflowClient") -> None:
    request = asked()
    assert people.answered(request, "Reject", "bob", "too few Sundays").state == "success"
    model = read(judged)
    assert (model.champion, model.waiting) == ("1", "")
    (entry,) = model.history
    assert (entry["what"], entry["by"], entry["why"]) == ("rejected", "bob", "version 2: too few Sundays")
    assert on_version(judged, "2")["outcome"] == "rejected"
    assert people.said(request, "promote", "skipped").startswith("version 2 was rejected by bob at ")


def test_no_answer_in_time_is_a_reject_and_an_answer_after_it_is_not_taken(judged: "MlflowClient") -> None:
    from fastapi import HTTPException

    request = asked()
    people.let_time_pass(request)
    with pytest.raises(HTTPException, match="409"):
        people.answer(request, "Approve")
    assert people.gone_on(request).state == "success"
    assert (read(judged).champion, read(judged).waiting) == ("1", "")
    (entry,) = read(judged).history
    assert (entry["what"], entry["by"]) == ("not answered", "nobody")
    assert entry["why"].startswith("version 2: there was no answer until ")
    assert people.said(request, "promote", "skipped").startswith("version 2 was not answered at ")


def test_the_time_counts_from_the_night_even_if_nobody_could_be_asked_until_it_was_over(judged: "MlflowClient") -> None:
    request = asked(use_case=replace(APPROVED, answer_within=timedelta(microseconds=1)))
    assert people.task(request, "promote").state == "skipped"
    assert (read(judged).champion, on_version(judged, "2")["outcome"]) == ("1", "not answered")


def test_an_answer_that_came_while_nobody_looked_counts_if_it_was_in_time() -> None:
    moment = datetime(2024, 1, 4, 9, tzinfo=UTC)
    request = Request(
        use_case="bike_sharing",
        version="2",
        champion="1",
        night="bike_sharing/1",
        opened={},
        why="",
        asked="2024-01-01T09:00:00+00:00",
        until=moment.isoformat(),
    )
    given = {"chosen_options": ["Approve"], "params_input": {}, "responded_by_user": {"id": "1", "name": "ann"}}
    assert answer_of(request, given | {"responded_at": moment}).outcome is Outcome.APPROVED
    late = answer_of(request, given | {"responded_at": moment + timedelta(seconds=1)})
    assert late == Answer(
        outcome=Outcome.TOO_LATE,
        by="ann",
        at="2024-01-04T09:00:01+00:00",
        why="Approve came after 2024-01-04T09:00:00+00:00",
    )


def test_an_answer_after_its_time_is_not_taken_where_no_scheduler_was_there_to_say_so(
    judged: "MlflowClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    request, utcnow = asked(), "airflow.api_fastapi.core_api.routes.public.hitl.timezone.utcnow"
    with monkeypatch.context() as patch:
        patch.setattr(utcnow, lambda: datetime.now(UTC) + timedelta(days=3, minutes=1))
        people.answer(request, "Approve")  # Airflow takes it
    assert people.gone_on(request).state == "success"
    assert (read(judged).champion, read(judged).waiting) == ("1", "")
    (entry,) = read(judged).history
    assert (entry["what"], entry["by"]) == ("answered too late", "ann")
    assert entry["why"].startswith("version 2: Approve came after ")


def test_one_request_is_answered_once(judged: "MlflowClient") -> None:
    from fastapi import HTTPException

    request = asked()
    people.answer(request, "Reject", "bob")
    with pytest.raises(HTTPException, match="already been updated"):
        people.answer(request, "Approve", "ann")
    people.gone_on(request)
    assert (read(judged).champion, on_version(judged, "2")["by"]) == ("1", "bob")


def test_an_answer_counts_whatever_was_typed_as_its_reason(judged: "MlflowClient") -> None:
    request = asked()
    people.answer(request, "Approve", "ann", reason="so " * 200, colour="red")  # which only the API lets through
    assert people.gone_on(request).state == "success"
    assert (read(judged).champion, on_version(judged, "2")["why"]) == ("2", ("so " * 200)[:500])


def test_a_task_that_somebody_marks_as_done_is_no_answer(judged: "MlflowClient") -> None:
    request, dag = asked(), approval_dag()
    people.mark_done(request, dag, "ask")
    assert people.gone_on(request).state == "failed"
    assert people.said(request, "promote", "failed").startswith("somebody set the task ask by hand")
    assert (read(judged).champion, read(judged).history) == ("1", [])
    people.clear(request, dag, "ask", "promote")
    people.gone_on(request)
    assert people.answered(request, "Approve").state == "success"
    assert read(judged).champion == "2"


def rejected_by_the_gate(client: "MlflowClient", tell: Tell) -> None:
    tell("evaluate", result=verdict("2", word="REJECT"))


def held(client: "MlflowClient", tell: Tell) -> None:
    hold = {"since": "2024-01-01T08:00:00+00:00", "by": "ann", "why": "no more"}
    client.set_registered_model_tag("bike_sharing", HOLD, json.dumps(hold))


def nothing(client: "MlflowClient", tell: Tell) -> None:
    pass


@pytest.mark.parametrize(
    ("before", "conf", "says"),
    [
        (rejected_by_the_gate, {}, "version 2 is not promoted: rmse leads by 10.375"),
        (nothing, {"may_promote": "no"}, "version 2 may be promoted, but this form run may not do it"),
        (held, {}, "promotion of bike_sharing is held since 2024-01-01T08:00:00+00:00 by ann: no more"),
        (nothing, {"retrain": "never"}, "this run has judged no model"),
    ],
)
def test_nobody_is_asked_where_nothing_may_be_promoted(
    judged: "MlflowClient",
    tell: Tell,
    before: Callable[["MlflowClient", Tell], None],
    conf: dict[str, Any],
    says: str,
) -> None:
    before(judged, tell)
    run = night(conf)
    assert (run.state, states(run)["ask"], people.requests()) == ("success", "skipped", [])
    assert told(run, "ask", "skipped").startswith(says)


def test_nobody_is_asked_by_a_back_fill(judged: "MlflowClient", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginnings, "run_type", lambda _: "backfill")
    run = night({"retrain": "always"})
    assert (run.state, people.requests()) == ("success", [])
    assert told(run, "ask", "skipped") == "version 2 may be promoted, but this backfill run may not do it"


def test_the_form_asks_for_a_person_where_none_is_needed(judged: "MlflowClient") -> None:
    request = asked({"approval": "yes"}, use_case=BIKES)
    assert read(judged).champion == "1"
    assert people.answered(request, "Approve").state == "success"
    assert read(judged).champion == "2"


def test_a_dag_that_is_paused_would_ask_nobody_and_the_night_says_so(judged: "MlflowClient") -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    night({"retrain": "never"})  # makes the Dag known

    def pause(*, paused: bool) -> None:
        with create_session() as session:
            session.get(DagModel, "model_approval").is_paused = paused  # type: ignore[union-attr]  # it is there

    pause(paused=True)
    try:
        run = night()
    finally:
        pause(paused=False)
    assert (run.state, states(run)["ask"], people.requests()) == ("failed", "failed", [])
    assert told(run, "ask", "failed").startswith("the Dag model_approval is paused, so nobody would be asked")
    assert read(judged).waiting == ""


def test_started_by_hand_it_says_who_starts_it(judged: "MlflowClient") -> None:
    run = approval_dag().test(run_conf={"version": "2"})
    assert run.state == "failed"
    assert told(run, "ask", "failed").startswith("conf: the task ask of a use case's Dag starts this one")
