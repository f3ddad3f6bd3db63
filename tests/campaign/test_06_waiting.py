"""A version waits for a person, while Airflow ends and comes back, nights go on, and another version comes."""

import urllib.parse

import pytest

from local.airflow_api import Answered
from spark_jobs.declare import tags
from tests.campaign import registry
from tests.campaign.installation import NIGHT, NOT_TRAINED, Installation, until
from tests.campaign.laws import Laws

ASKS = "model_approval"
AIRFLOW = ("api-server", "dag-processor", "scheduler", "triggerer")


def asked_by(here: Installation, run: str) -> str:
    """The run of the Dag that asks, once somebody could answer."""
    states = here.through(run, NIGHT, NIGHT, retrain="always", approval="yes")
    assert states == dict.fromkeys(states, "success") | {"promote": "skipped", "score": "skipped"}
    request = str(here.airflow.runs(ASKS)[0]["dag_run_id"])
    until(lambda: waits(here, request), f"{request} to wait", every=0.5)
    return request


def waits(here: Installation, request: str) -> bool:
    return here.states(request, ASKS)["ask"] == "awaiting_input"


def answer(here: Installation, request: str, choice: str) -> None:
    run = urllib.parse.quote(request, safe="")
    body = {"chosen_options": [choice], "params_input": {"reason": "it looks good"}}
    here.airflow.call("PATCH", f"/dags/{ASKS}/dagRuns/{run}/taskInstances/ask/-1/hitlDetails", body)


@pytest.fixture(scope="module")
def request_(here: Installation) -> str:
    """Nobody is champion before, so the gate is sure to like what is trained; and nobody scores."""
    registry.dismiss_champion(here.home)
    return asked_by(here, "asks")


@pytest.mark.timeout(1800)
def test_a_version_waits_through_a_new_start_of_airflow_and_nights_go_on(here: Installation, request_: str) -> None:
    here.services.end(*AIRFLOW)
    for part in AIRFLOW:
        here.services.start(part)
    until(here.airflow.healthy, "Airflow's start", every=0.5)
    states = here.through("beside_a_request", NIGHT, NIGHT)
    assert {task for task, state in states.items() if state != "success"} == {*NOT_TRAINED, "score"}
    assert waits(here, request_)
    assert here.champion() == ""


@pytest.fixture(scope="module")
def newer(here: Installation, request_: str) -> str:
    """The request of the version that comes after."""
    return asked_by(here, "asks_again")


@pytest.mark.timeout(1800)
def test_a_newer_version_closes_the_request_of_the_one_that_waits(
    here: Installation, request_: str, newer: str
) -> None:
    assert here.finished(request_, ASKS) == "success"
    assert here.states(request_, ASKS) == {"close_former": "skipped", "ask": "skipped", "promote": "skipped"}
    says = here.airflow.xcom(ASKS, request_, "ask", "skipped")
    assert "was superseded" in says
    assert says.endswith("of bike_sharing/asks_again takes its place")
    assert waits(here, newer)


@pytest.mark.timeout(600)
def test_an_approval_makes_a_champion_and_the_second_answer_is_refused(
    here: Installation, newer: str, laws: Laws
) -> None:
    version = here.result("asks_again", "evaluate")["version"]
    answer(here, newer, "Approve")
    with pytest.raises(Answered, match="409"):
        answer(here, newer, "Reject")
    assert here.finished(newer, ASKS) == "success"
    assert here.champion() == version
    last = registry.history(here.home)[-1]
    assert (last["what"], last["to"], last["run"]) == ("promote", version, f"{ASKS}/{newer}")
    assert last["why"].startswith("approved: it looks good; ")
    assert "was approved by" in registry.run_of(here.home, "asks_again")["tags"][tags.APPROVAL]
    assert laws.broken() == []
