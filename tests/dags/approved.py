"""Nights of a use case whose models a person approves, and what can be read of them."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nightshift.pipeline import dag_of
from nightshift.registry import Model
from spark_jobs.declare import UseCase
from spark_jobs.declare.tags import APPROVAL
from spark_jobs.use_cases import load
from tests.dags import people

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from mlflow import MlflowClient

BIKES = load("bike_sharing")
APPROVED = replace(BIKES, approval=True)

NUMBERS = {
    "rows": 672,
    "metric": "rmse",
    "better": "lower",
    "limit": 120.0,
    "margin": 0.01,
    "challenger": {"rmse": 40.125, "mae": 25.0},
    "champion": {"rmse": 50.5, "mae": 30.0},
    "lead": 10.375,
    "interval": [8.25, 12.5],
}


def verdict(version: str, champion: str = "1", word: str = "PROMOTE") -> dict[str, Any]:
    about = {"version": version, "champion": champion, "reasons": ["rmse leads by 10.375"]}
    return {"verdict": word, **about, "numbers": NUMBERS, "times": 3}


def night(conf: dict[str, Any] | None = None, use_case: UseCase = APPROVED) -> "DagRun":
    run: DagRun = dag_of(use_case).test(run_conf=conf or {})
    return run


def asked(conf: dict[str, Any] | None = None, use_case: UseCase = APPROVED) -> str:
    """The request of a night, once it is on somebody's page."""
    night(conf, use_case)
    run = people.requests()[-1]
    people.gone_on(run)
    return run


def states(run: "DagRun") -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}


def told(run: "DagRun", task: str, key: str = "return_value") -> Any:
    (ti,) = (ti for ti in run.get_task_instances() if ti.task_id == task)
    return ti.xcom_pull(task_ids=task, key=key)


def read(client: "MlflowClient") -> Model:
    return Model.read(client, "bike_sharing")


def on_version(client: "MlflowClient", version: str) -> dict[str, str]:
    return dict(json.loads(client.get_model_version("bike_sharing", version).tags[APPROVAL]))


def nights_page(client: "MlflowClient", version: str) -> str:
    """What the MLflow run of the night says of it."""
    runs = client.search_runs([client.get_experiment_by_name("bike_sharing").experiment_id])  # type: ignore[union-attr]  # there is one
    (found,) = (run.data.tags[APPROVAL] for run in runs if f"version {version} w" in run.data.tags.get(APPROVAL, ""))
    return str(found)
