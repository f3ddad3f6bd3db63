"""Who is champion: promotion, roll back, hold and release, against a real MLflow registry."""

import json
from typing import TYPE_CHECKING

import pytest

from nightshift import registry
from nightshift.registry import PREVIOUS, Act, Model
from spark_jobs.declare import BadRequest, Conflict, Refused
from spark_jobs.declare.tags import CHAMPION, FEATURES, HISTORY, WITHDRAWN

if TYPE_CHECKING:
    from mlflow import MlflowClient

COLUMNS = ("hour", "temp")


def act(run: str = "bikes/1", by: str = "ann", why: str = "because") -> Act:
    return Act(by=by, why=why, run_key=run)


@pytest.fixture
def bikes(mlflow: "MlflowClient") -> "MlflowClient":
    """A model with four versions and no champion."""
    mlflow.create_registered_model("bikes")
    run = mlflow.create_run(mlflow.create_experiment("bikes")).info.run_id
    for _ in range(4):
        mlflow.create_model_version("bikes", "file:///nowhere", run, tags={FEATURES: "hour,temp"})
    return mlflow


def promote(client: "MlflowClient", version: str, against: str, run: str = "bikes/1") -> None:
    registry.promote(client, "bikes", version, act(run), judged_against=against)


def roll_back(client: "MlflowClient", wanted: str, run: str = "rollback/1") -> None:
    registry.roll_back(client, "bikes", wanted, act(run, why="too many bikes foretold"), columns=COLUMNS)


def champion(client: "MlflowClient") -> str:
    return str(client.get_model_version_by_alias("bikes", CHAMPION).version)


def told(client: "MlflowClient") -> list[tuple[str, str, str]]:
    return [(entry["what"], entry["from"], entry["to"]) for entry in Model.read(client, "bikes").history]


def withdrawn(client: "MlflowClient") -> list[str]:
    return [v for v in ("1", "2", "3", "4") if WITHDRAWN in client.get_model_version("bikes", v).tags]


def test_a_model_nobody_registered_has_no_champion_and_no_history(mlflow: "MlflowClient") -> None:
    assert Model.read(mlflow, "bikes") == Model(name="bikes")


def test_promotion_moves_the_alias_and_remembers_who_why_from_and_to(bikes: "MlflowClient") -> None:
    promote(bikes, "1", "")
    promote(bikes, "2", "1", run="bikes/2")
    assert champion(bikes) == "2"
    second = json.loads(bikes.get_registered_model("bikes").tags[f"{HISTORY}0002"])
    assert second | {"at": ""} == {
        "at": "",
        "what": "promote",
        "from": "1",
        "to": "2",
        "by": "ann",
        "why": "because",
        "run": "bikes/2",
    }


def test_a_verdict_about_another_champion_promotes_nothing(bikes: "MlflowClient") -> None:
    promote(bikes, "3", "")
    with pytest.raises(Conflict, match="judged against champion 1, which is now 3: clear the task evaluate"):
        promote(bikes, "2", "1", run="bikes/2")
    assert (champion(bikes), told(bikes)) == ("3", [("promote", "", "3")])


def test_a_promotion_tried_twice_is_one_promotion(bikes: "MlflowClient") -> None:
    promote(bikes, "1", "")
    promote(bikes, "1", "")
    assert told(bikes) == [("promote", "", "1")]


def test_a_promotion_killed_before_it_moved_the_alias_is_finished_by_its_retry(bikes: "MlflowClient") -> None:
    promote(bikes, "1", "")
    bikes.delete_registered_model_alias("bikes", CHAMPION)  # as if it had been killed just before
    promote(bikes, "1", "")
    assert (champion(bikes), told(bikes)) == ("1", [("promote", "", "1")])


def test_roll_back_restores_withdraws_holds_and_deletes_nothing(bikes: "MlflowClient") -> None:
    promote(bikes, "1", "")
    promote(bikes, "2", "1", run="bikes/2")
    roll_back(bikes, PREVIOUS)
    assert champion(bikes) == "1"
    assert told(bikes) == [("promote", "", "1"), ("promote", "1", "2"), ("roll back", "2", "1")]
    assert withdrawn(bikes) == ["2"]
    assert len(bikes.search_model_versions("name = 'bikes'")) == 4
    assert Model.read(bikes, "bikes").hold.endswith(" by ann: too many bikes foretold")


def test_what_never_became_champion_is_not_the_previous_one(bikes: "MlflowClient") -> None:
    promote(bikes, "1", "")
    promote(bikes, "2", "1", run="bikes/2")
    bikes.set_registered_model_alias("bikes", CHAMPION, "1")  # as if MLflow had gone away in between
    promote(bikes, "3", "1", run="bikes/3")
    roll_back(bikes, PREVIOUS)
    assert champion(bikes) == "1"


def test_a_roll_back_tried_twice_is_one_roll_back(bikes: "MlflowClient") -> None:
    for version, before in (("1", ""), ("2", "1"), ("3", "2")):
        promote(bikes, version, before, run=f"bikes/{version}")
    roll_back(bikes, PREVIOUS)
    roll_back(bikes, PREVIOUS)
    assert (champion(bikes), withdrawn(bikes)) == ("2", ["3"])


def test_a_roll_back_killed_before_it_moved_the_alias_is_finished_by_its_retry(bikes: "MlflowClient") -> None:
    for version, before in (("1", ""), ("2", "1"), ("3", "2")):
        promote(bikes, version, before, run=f"bikes/{version}")
    roll_back(bikes, PREVIOUS)
    bikes.set_registered_model_alias("bikes", CHAMPION, "3")  # as if it had been killed just before
    roll_back(bikes, PREVIOUS)
    assert (champion(bikes), withdrawn(bikes), len(told(bikes))) == ("2", ["3"], 4)


def test_rolling_back_again_goes_further_back_and_never_to_a_withdrawn_version(bikes: "MlflowClient") -> None:
    for version, before in (("1", ""), ("2", "1"), ("3", "2")):
        promote(bikes, version, before, run=f"bikes/{version}")
    roll_back(bikes, PREVIOUS, run="rollback/1")
    roll_back(bikes, PREVIOUS, run="rollback/2")
    assert (champion(bikes), withdrawn(bikes)) == ("1", ["2", "3"])
    with pytest.raises(BadRequest, match="no earlier champion of bikes is left; give the number of one of 1, 2, 3, 4"):
        roll_back(bikes, PREVIOUS, run="rollback/3")


def test_a_person_may_bring_a_withdrawn_version_back_by_its_number(bikes: "MlflowClient") -> None:
    promote(bikes, "1", "")
    promote(bikes, "2", "1", run="bikes/2")
    roll_back(bikes, PREVIOUS, run="rollback/1")
    roll_back(bikes, "2", run="rollback/2")
    assert (champion(bikes), withdrawn(bikes)) == ("2", ["1"])


def test_a_withdrawn_version_is_not_promoted_again(bikes: "MlflowClient") -> None:
    promote(bikes, "1", "")
    promote(bikes, "2", "1", run="bikes/2")
    roll_back(bikes, PREVIOUS)
    with pytest.raises(Refused, match="version 2 of bikes was withdrawn"):
        promote(bikes, "2", "1", run="bikes/3")
    assert champion(bikes) == "1"


def test_releasing_the_hold_is_remembered_too(bikes: "MlflowClient") -> None:
    promote(bikes, "1", "")
    promote(bikes, "2", "1", run="bikes/2")
    roll_back(bikes, PREVIOUS)
    registry.release(bikes, "bikes", act("rollback/2"))
    assert Model.read(bikes, "bikes").hold == ""
    assert told(bikes)[-1] == ("release the hold", "1", "1")
    with pytest.raises(BadRequest, match="promotion of bikes is not held"):
        registry.release(bikes, "bikes", act("rollback/3"))


def test_releasing_twice_in_one_dag_run_is_releasing_once(bikes: "MlflowClient") -> None:
    promote(bikes, "1", "")
    promote(bikes, "2", "1", run="bikes/2")
    roll_back(bikes, PREVIOUS)
    registry.release(bikes, "bikes", act("rollback/2"))
    registry.release(bikes, "bikes", act("rollback/2"))
    assert [what for what, _, _ in told(bikes)].count("release the hold") == 1


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("9", "version: bikes has no version 9; it has 1, 2, 3, 4"),
        ("1", "version: 1 is the champion already"),
    ],
)
def test_what_cannot_be_restored_is_refused_and_changes_nothing(bikes: "MlflowClient", wanted: str, says: str) -> None:
    promote(bikes, "1", "")
    with pytest.raises(BadRequest) as refused:
        roll_back(bikes, wanted)
    assert str(refused.value) == says
    assert (champion(bikes), Model.read(bikes, "bikes").hold, len(told(bikes))) == ("1", "", 1)


def test_a_model_without_champion_cannot_be_rolled_back(bikes: "MlflowClient") -> None:
    with pytest.raises(BadRequest, match="bikes has no champion"):
        roll_back(bikes, PREVIOUS)


def test_a_version_that_reads_a_column_nobody_declares_any_more_is_not_restored(bikes: "MlflowClient") -> None:
    promote(bikes, "1", "")
    bikes.set_model_version_tag("bikes", "2", FEATURES, "hour,windspeed")
    with pytest.raises(BadRequest, match="version 2 of bikes reads windspeed, which the use case no longer declares"):
        roll_back(bikes, "2")
    assert champion(bikes) == "1"


def test_what_was_rejected_before_the_first_champion_is_no_version_to_roll_back_to(bikes: "MlflowClient") -> None:
    registry.remember(bikes, Model.read(bikes, "bikes"), act().entry("rejected", old="", new=""))
    promote(bikes, "1", "", run="bikes/2")
    promote(bikes, "2", "1", run="bikes/3")
    roll_back(bikes, PREVIOUS)
    with pytest.raises(BadRequest, match="no earlier champion of bikes is left"):
        roll_back(bikes, PREVIOUS, run="rollback/2")
