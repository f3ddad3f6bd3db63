"""What a night that the workspace schedules makes of the newest version's verdict, which may be an old one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nightshift import registry
from nightshift.databricks.promotion import VERDICT, promoted
from nightshift.registry import PREVIOUS, Act, Model

if TYPE_CHECKING:
    from mlflow import MlflowClient

ACT = Act(by="ann", why="because", run_key="model_rollback/1")


@pytest.fixture
def bikes(mlflow: "MlflowClient", tmp_path: Path) -> "MlflowClient":
    """Two versions that passed the gate; the first is champion, and the second was judged against it."""
    mlflow.create_registered_model("bikes")
    experiment = mlflow.create_experiment("bikes", str(tmp_path / "files"))
    for champion in ("", "1"):
        run = mlflow.create_run(experiment).info.run_id
        mlflow.create_model_version("bikes", "file:///nowhere", run)
        verdict: dict[str, Any] = {"verdict": "PROMOTE", "champion": champion, "reasons": []}
        mlflow.log_dict(run, verdict, VERDICT)
    registry.promote(mlflow, "bikes", "1", ACT, judged_against="")
    return mlflow


def test_what_passed_is_promoted_once(bikes: "MlflowClient") -> None:
    for night in ("bundle/1", "bundle/2"):
        assert promoted(bikes, "bikes", night).startswith("Champion of bikes is version 2")
    assert [entry["run"] for entry in Model.read(bikes, "bikes").history] == [ACT.run_key, "bundle/1"]


def test_a_night_after_a_roll_back_stays_green_and_promotes_nothing(bikes: "MlflowClient") -> None:
    promoted(bikes, "bikes", "bundle/1")
    registry.roll_back(bikes, "bikes", PREVIOUS, ACT, columns=())
    assert "promotion of bikes is held" in promoted(bikes, "bikes", "bundle/2")
    registry.release(bikes, "bikes", ACT)
    assert promoted(bikes, "bikes", "bundle/3") == "Not promoted: version 2 was withdrawn"
    assert Model.read(bikes, "bikes").champion == "1"


def test_nor_does_one_whose_champion_was_moved_since(bikes: "MlflowClient") -> None:
    bikes.delete_registered_model_alias("bikes", "champion")
    said = promoted(bikes, "bikes", "bundle/1")
    assert said == "Not promoted: version 2 was judged against champion 1, which is now (none)"
