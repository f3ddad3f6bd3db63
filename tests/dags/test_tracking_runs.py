"""One MLflow run per Dag run, ended with the true status, against a real MLflow."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from nightshift import tracking_runs
from nightshift.plan import Kind, Plan
from spark_jobs.declare import Place, Retrain, Window
from spark_jobs.declare.tags import RUN_KEY

if TYPE_CHECKING:
    from mlflow import MlflowClient

PLACE = Place(lake="/lake", landing="/landing", tracking="http://mlflow", registry="http://mlflow")
PLAN = Plan(
    kind=Kind.NIGHTLY,
    window=Window.of(date(2024, 1, 1)),
    retrain=Retrain.IF_DUE,
    may_promote=True,
    version="",
    reason="",
    run_key="bikes/scheduled__1",
    by="scheduled",
)


def opened(client: "MlflowClient", key: str = PLAN.run_key) -> dict[str, str]:
    return tracking_runs.open_run(client, "bikes", replace(PLAN, run_key=key), PLACE, "v1")


def child_of(client: "MlflowClient", parent: dict[str, str], run: str) -> str:
    made = client.create_run(parent["experiment"], tags={tracking_runs.PARENT: run})
    return str(made.info.run_id)


def status(client: "MlflowClient", run: str) -> str:
    return str(client.get_run(run).info.status)


def test_a_dag_run_has_one_run_however_often_it_is_opened(mlflow: "MlflowClient") -> None:
    first = opened(mlflow)
    tracking_runs.end(mlflow, first["experiment"], first["run"], error="failed: train")
    again = opened(mlflow)
    assert again == first
    assert status(mlflow, first["run"]) == "RUNNING"
    assert len(mlflow.search_runs([first["experiment"]])) == 1


def test_a_run_says_its_window_source_and_code(mlflow: "MlflowClient") -> None:
    run = mlflow.get_run(opened(mlflow)["run"])
    ours = {name: text for name, text in run.data.tags.items() if name.startswith("nightshift.")}
    assert run.info.run_name == "nightly 2024-01-01"
    assert ours == {
        "nightshift.run_key": "bikes/scheduled__1",
        "nightshift.window": "2024-01-01",
        "nightshift.source": "simulated",
        "nightshift.code": "v1",
    }


def test_a_run_says_who_and_what_started_it_where_mlflow_s_pages_look_for_it(mlflow: "MlflowClient") -> None:
    run = mlflow.get_run(opened(mlflow)["run"])
    assert run.info.user_id == run.data.tags["mlflow.user"] == "scheduled"
    assert run.data.tags["mlflow.source.name"] == "Airflow: bikes/scheduled__1"
    assert run.data.tags["mlflow.source.git.commit"] == "v1"


def test_runs_of_dag_runs_that_are_over_end_as_failed_with_all_their_children(mlflow: "MlflowClient") -> None:
    over, alive = opened(mlflow, "bikes/over"), opened(mlflow, "bikes/alive")
    training = child_of(mlflow, over, over["run"])
    trial = child_of(mlflow, over, training)
    by_hand = str(mlflow.create_run(over["experiment"]).info.run_id)
    ended = tracking_runs.end_left_open(mlflow, over["experiment"], lambda key: key == "bikes/over")
    assert ended == ["nightly 2024-01-01"]
    assert [status(mlflow, run) for run in (over["run"], training, trial)] == ["FAILED"] * 3
    assert [status(mlflow, run) for run in (alive["run"], by_hand)] == ["RUNNING"] * 2


def test_a_good_night_ends_finished_and_only_its_open_child_as_failed(mlflow: "MlflowClient") -> None:
    night = opened(mlflow)
    killed, done = child_of(mlflow, night, night["run"]), child_of(mlflow, night, night["run"])
    mlflow.set_terminated(done, "FINISHED")
    tracking_runs.end(mlflow, night["experiment"], night["run"])
    assert [status(mlflow, run) for run in (night["run"], killed, done)] == ["FINISHED", "FAILED", "FINISHED"]


def test_a_night_that_was_repaired_no_longer_says_why_it_failed(mlflow: "MlflowClient") -> None:
    night = opened(mlflow)
    tracking_runs.end(mlflow, night["experiment"], night["run"], error="failed: train")
    assert mlflow.get_run(night["run"]).data.tags["nightshift.error"] == "failed: train"
    opened(mlflow)
    assert "nightshift.error" not in mlflow.get_run(night["run"]).data.tags


def test_rows_become_metrics_and_delta_versions_and_the_verdict_tags(mlflow: "MlflowClient") -> None:
    night = opened(mlflow)
    results: dict[str, dict[str, Any]] = {
        "ingest": {"rows": {"rides": {"read": 24, "refused": 0}}},
        "refine": {"rows": {"rides": {"kept": 23}}, "inputs": {"bronze/rides": 7}},
        "evaluate": {"verdict": "REJECT", "version": "2", "champion": "1", "reasons": ["too few rows"]},
        "score": {"rows": {"predictions": 24}, "inputs": {"gold/features": 9}},
    }
    tracking_runs.write(mlflow, night["run"], results)
    run = mlflow.get_run(night["run"])
    assert run.data.metrics == {
        "ingest.rides.read": 24,
        "ingest.rides.refused": 0,
        "refine.rides.kept": 23,
        "score.predictions": 24,
    }
    before = {"nightshift.run_key", "nightshift.window", "nightshift.source", "nightshift.code"}
    ours = {name: text for name, text in run.data.tags.items() if name.startswith("nightshift.")}
    assert {name: text for name, text in ours.items() if name not in before} == {
        "nightshift.delta.refine.bronze/rides": "7",
        "nightshift.delta.score.gold/features": "9",
        "nightshift.verdict": "REJECT",
        "nightshift.reasons": "too few rows",
    }


def test_reasons_that_are_too_long_for_a_tag_are_cut(mlflow: "MlflowClient") -> None:
    night = opened(mlflow)
    tracking_runs.write(mlflow, night["run"], {"evaluate": {"verdict": "REJECT", "reasons": ["too few", "x" * 9000]}})
    assert mlflow.get_run(night["run"]).data.tags["nightshift.reasons"] == f"too few; {'x' * 3991}"


def test_an_experiment_made_by_somebody_else_is_used(mlflow: "MlflowClient") -> None:
    number = mlflow.create_experiment("bikes")
    assert opened(mlflow)["experiment"] == number
    assert mlflow.search_runs([number])[0].data.tags[RUN_KEY] == PLAN.run_key
