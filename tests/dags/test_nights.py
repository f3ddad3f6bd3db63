"""Whole Dag runs through Airflow's own rules; MLflow is real, jobs are processes of the fake Spark side."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from nightshift.pipeline import dag_of, roll_back_dag
from nightshift.registry import Model
from nightshift.settings import settings
from spark_jobs.declare.tags import CHAMPION, FEATURES, HOLD
from spark_jobs.use_cases import learning, load
from tests.dags.runs import ALONE, Calls, Tell, run_of, states, told

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from mlflow import MlflowClient

BIKES = learning("bike_sharing")

pytestmark = ALONE


def night(conf: dict[str, Any] | None = None) -> "DagRun":
    return run_of(BIKES, conf)


def registered(client: "MlflowClient", versions: int, columns: str = "hour,temp") -> None:
    client.create_registered_model("bike_sharing")
    run = client.create_run(client.create_experiment("other")).info.run_id
    for _ in range(versions):
        client.create_model_version("bike_sharing", "file:///nowhere", run, tags={FEATURES: columns})


def verdict(word: str, champion: str = "", version: str = "1") -> dict[str, Any]:
    return {"verdict": word, "version": version, "champion": champion, "reasons": ["rmse 40 beats 50"]}


def parent(client: "MlflowClient", run: "DagRun") -> Any:
    return client.get_run(told(run, "open_run")["run"])


def test_a_night_ends_green_with_its_numbers_in_mlflow(mlflow: "MlflowClient", calls: Calls) -> None:
    run = night({"first_day": "2024-01-01", "last_day": "2024-01-03", "reason": "a first look"})
    assert (run.state, states(run)["promote"], states(run)["score"]) == ("success", "skipped", "skipped")
    assert told(run, "promote", "skipped") == "version 1 is not promoted: rmse 200 is above 120"
    assert told(run, "score", "skipped") == "no champion yet"
    window = ["--start=2024-01-01", "--end=2024-01-04", f"--run={told(run, 'open_run')['run']}"]
    assert [call["argv"] for call in calls()] == [
        ["ingest", "bike_sharing", *window],
        ["refine", "bike_sharing", *window],
        ["features", "bike_sharing", *window],
        ["train", "bike_sharing", *window],
        ["evaluate", "bike_sharing", *window, "--version=1"],
        ["score", "bike_sharing", *window],
    ]
    assert UUID(told(run, "open_run")["owner"]).version == 4  # by chance, so that no other Dag run anywhere has it
    written = parent(mlflow, run)
    assert (written.info.status, written.info.run_name) == ("FINISHED", "range 2024-01-01 to 2024-01-03")
    assert written.data.tags["mlflow.note.content"] == "a first look"
    assert written.data.tags["nightshift.delta.train.gold/features"] == "0"
    assert written.data.metrics["refine.rides.kept"] == 24


def test_what_passes_the_gate_becomes_champion(mlflow: "MlflowClient", tell: Tell) -> None:
    registered(mlflow, 1)
    tell("evaluate", result=verdict("PROMOTE"))
    run = night()
    assert (run.state, states(run)["promote"]) == ("success", "success")
    model = Model.read(mlflow, "bike_sharing")
    assert model.champion == "1"
    (entry,) = model.history
    assert (entry["by"], entry["run"]) == ("dag_test", f"bike_sharing/{run.run_id}")


def test_the_form_may_forbid_promotion(mlflow: "MlflowClient", tell: Tell) -> None:
    registered(mlflow, 1)
    tell("evaluate", result=verdict("PROMOTE"))
    run = night({"may_promote": "no"})
    assert (run.state, states(run)["promote"]) == ("success", "skipped")
    assert told(run, "promote", "skipped") == "version 1 may be promoted, but this form run may not do it"
    assert Model.read(mlflow, "bike_sharing").champion == ""


def test_nothing_is_promoted_while_promotion_is_held(mlflow: "MlflowClient", tell: Tell) -> None:
    registered(mlflow, 1)
    held = {"since": "2024-01-01T08:00:00+00:00", "by": "ann", "why": "too many bikes"}
    mlflow.set_registered_model_tag("bike_sharing", HOLD, json.dumps(held))
    tell("evaluate", result=verdict("PROMOTE"))
    run = night()
    assert (run.state, states(run)["score"]) == ("success", "skipped")
    assert told(run, "promote", "skipped") == (
        "promotion of bike_sharing is held since 2024-01-01T08:00:00+00:00 by ann: too many bikes; "
        "release it with the Dag model_rollback"
    )


def test_a_training_that_is_not_due_does_not_keep_the_champion_from_scoring(mlflow: "MlflowClient", tell: Tell) -> None:
    tell("train", result={"skipped": "not due: code, parameters and rows are those of version 1"})
    tell("score", result={"version": "1", "rows": {"predictions": 24}})
    run = night()
    assert run.state == "success"
    assert [states(run)[task] for task in ("train", "evaluate", "promote", "score")] == [*["skipped"] * 3, "success"]


def test_a_stage_before_training_that_finds_nothing_does_not_skip_the_night(mlflow: "MlflowClient", tell: Tell) -> None:
    tell("features", result={"skipped": "nothing was delivered yet"})
    run = night()
    assert (run.state, states(run)["features"], states(run)["train"]) == ("success", "success", "success")


def test_a_run_that_shall_not_train_starts_no_training(mlflow: "MlflowClient", calls: Calls) -> None:
    run = night({"retrain": "never"})
    assert (run.state, told(run, "train", "skipped")) == ("success", "this run does not train")
    assert [call["argv"][0] for call in calls()] == ["ingest", "refine", "features", "score"]


def test_a_failed_training_leaves_scores_and_a_red_night_and_a_failed_run(mlflow: "MlflowClient", tell: Tell) -> None:
    tell("train", status=3, stderr=["2024-01-01 02:00:00,001 ERROR search: no trial finished"])
    tell("score", result={"version": "1", "rows": {"predictions": 24}})
    run = night()
    assert told(run, "train", "failed") == "search: no trial finished"
    after = ("features", "train", "evaluate", "promote", "score", "close_run")
    assert [states(run)[task] for task in after] == [
        *("success", "failed", "upstream_failed", "upstream_failed", "success", "failed")
    ]
    assert run.state == "failed"
    written = parent(mlflow, run)
    assert written.info.status == "FAILED"
    assert written.data.tags["nightshift.error"] == "failed: train"


def test_a_look_at_the_data_that_fails_stops_neither_training_nor_scores_and_makes_the_night_red(
    mlflow: "MlflowClient", tell: Tell, calls: Calls
) -> None:
    tell("profile", status=3, stderr=["2024-01-01 02:00:00,001 ERROR the lake is away"])
    tell("score", result={"version": "1", "rows": {"predictions": 24}})
    run = dag_of(replace(BIKES, profile=True)).test()
    assert [states(run)[task] for task in ("profile", "train", "evaluate", "score")] == ["failed", *["success"] * 3]
    assert (run.state, parent(mlflow, run).data.tags["nightshift.error"]) == ("failed", "failed: profile")
    (looked,) = [call["argv"] for call in calls() if call["argv"][0] == "profile"]
    assert looked[-1] == f"--run={told(run, 'open_run')['run']}"


def test_a_look_at_the_data_leaves_its_numbers_and_happens_only_where_a_training_may(
    mlflow: "MlflowClient", tell: Tell, calls: Calls
) -> None:
    looked_at = dag_of(replace(BIKES, profile=True))
    run = looked_at.test()
    assert (run.state, states(run)["profile"]) == ("success", "success")
    assert parent(mlflow, run).data.metrics["profile.looked_at"] == 24
    tell("profile", result={"skipped": "nothing new"})
    again = looked_at.test()
    assert (again.state, told(again, "profile", "skipped")) == ("success", "nothing new")
    before = len(calls())
    never = looked_at.test(run_conf={"retrain": "never"})
    assert (never.state, told(never, "profile", "skipped")) == ("success", "this run does not train")
    assert "profile" not in [call["argv"][0] for call in calls()[before:]]


def test_a_night_of_tables_leads_to_its_pictures(
    mlflow: "MlflowClient", tell: Tell, caplog: pytest.LogCaptureFixture
) -> None:
    run = dag_of(load("iot_devices")).test()
    where = f"{told(run, 'open_run', 'mlflow_run')}/artifacts/report.html"
    assert (run.state, told(run, "report", "report_page")) == ("success", where)
    assert f"In pictures: {where}" in caplog.text
    tell("report", result={"rows": {"gold/hours": 24}})
    assert not told(dag_of(load("iot_devices")).test(), "report", "report_page")


def test_without_features_nothing_is_scored(mlflow: "MlflowClient", tell: Tell, calls: Calls) -> None:
    tell("features", status=3, stderr=["2024-01-01 02:00:00,001 ERROR lake: cannot be written"])
    run = night()
    assert (run.state, states(run)["score"]) == ("failed", "skipped")
    assert told(run, "score", "skipped") == "features did not succeed, so there is nothing to score"
    assert [call["argv"][0] for call in calls()] == ["ingest", "refine", "features"]


def test_a_bad_form_fails_before_anything_exists(mlflow: "MlflowClient", calls: Calls) -> None:
    run = night({"first_day": "2024-01-01"})
    assert run.state == "failed"
    assert told(run, "check", "failed").startswith("last_day: ")
    assert states(run) == {task: "failed" if task == "check" else "upstream_failed" for task in states(run)}
    assert (calls(), mlflow.get_experiment_by_name("bike_sharing")) == ([], None)


@pytest.mark.parametrize(
    ("columns", "conf"),
    [("hour,a_former_column", {}), ("hour,temp", {"version": 9})],
)
def test_a_champion_that_reads_a_former_column_and_a_version_nobody_knows_are_refused_first(
    mlflow: "MlflowClient", calls: Calls, columns: str, conf: dict[str, Any]
) -> None:
    registered(mlflow, 1, columns)
    mlflow.set_registered_model_alias("bike_sharing", CHAMPION, "1")
    assert (night(conf).state, calls()) == ("failed", [])


def test_the_version_of_the_form_is_scored_with(mlflow: "MlflowClient", calls: Calls) -> None:
    registered(mlflow, 2)
    night({"version": 2, "retrain": "never"})
    assert [call["argv"][-1] for call in calls() if call["argv"][0] == "score"] == ["--version=2"]


def test_a_person_rolls_back_and_releases_by_form_and_is_led_to_the_model(mlflow: "MlflowClient") -> None:
    address = settings().place.registry
    registered(mlflow, 2)
    mlflow.set_registered_model_alias("bike_sharing", CHAMPION, "2")
    form = {"model": "bike_sharing", "version": "1", "reason": "too many bikes"}
    run = roll_back_dag(["bike_sharing"]).test(run_conf=form)
    assert run.state == "success"
    model = Model.read(mlflow, "bike_sharing")
    assert (model.champion, model.hold.split(" by ")[1]) == ("1", "dag_test: too many bikes")
    released = roll_back_dag(["bike_sharing"]).test(run_conf=form | {"action": "release the hold"})
    assert released.state == "success"
    assert {told(one, "roll_back", "mlflow_model") for one in (run, released)} == {f"{address}/#/models/bike_sharing"}
    assert Model.read(mlflow, "bike_sharing").hold == ""


def test_a_roll_back_that_is_refused_leaves_its_sentence_alone(mlflow: "MlflowClient") -> None:
    registered(mlflow, 1)
    mlflow.set_registered_model_alias("bike_sharing", CHAMPION, "1")
    run = roll_back_dag(["bike_sharing"]).test(run_conf={"model": "bike_sharing", "reason": "too many bikes"})
    assert run.state == "failed"
    says = "version: no earlier champion of bike_sharing is left; give the number of one of 1"
    assert told(run, "roll_back", "failed") == says
    assert not told(run, "roll_back", "mlflow_model")
