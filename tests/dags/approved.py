"""Nights of a use case whose models a person approves, and what can be read of them."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nightshift.registry import Model
from spark_jobs.declare import UseCase
from spark_jobs.declare.tags import APPROVAL
from spark_jobs.use_cases import learning
from tests.dags import people
from tests.dags.runs import run_of

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from mlflow import MlflowClient

BIKES = learning("bike_sharing")
APPROVED = replace(BIKES, approval=True)

NUMBERS = {
    "rows": 672,
    "metric": "rmse",
    "better": "lower",
    "limit": 120.0,
    "margin": 0.01,
    "bounds": [
        {"metric": "bias", "better": "lower", "limit": 5.0, "may_worsen": None},
        {"metric": "rmse_of_sundays", "better": "lower", "limit": None, "may_worsen": 2.5},
    ],
    "challenger": {"mae": 25.0, "bias": 1.5, "rmse": 40.125, "rmse_of_sundays": 61234.5},
    "champion": {"mae": 30.0, "bias": 1.25, "rmse": 50.5},
    "lead": 10.375,
    "interval": [8.25, 12.5],
}


def verdict(version: str, champion: str = "1", word: str = "PROMOTE") -> dict[str, Any]:
    about = {"version": version, "champion": champion, "reasons": ["rmse leads by 10.375"]}
    alone = {name: told for name, told in NUMBERS.items() if name not in ("champion", "lead", "interval")}
    return {"verdict": word, **about, "numbers": NUMBERS if champion else alone, "times": 3 if champion else 1}


def night(conf: dict[str, Any] | None = None, use_case: UseCase = APPROVED) -> "DagRun":
    return run_of(use_case, conf)


def asked(conf: dict[str, Any] | None = None, use_case: UseCase = APPROVED) -> str:
    """The request of a night, once it is on somebody's page."""
    night(conf, use_case)
    run = people.requests()[-1]
    people.gone_on(run)
    return run


def read(client: "MlflowClient") -> Model:
    return Model.read(client, "bike_sharing")


def on_version(client: "MlflowClient", version: str) -> dict[str, str]:
    return dict(json.loads(client.get_model_version("bike_sharing", version).tags[APPROVAL]))


def nights_page(client: "MlflowClient", version: str) -> str:
    """What the MLflow run of the night says of it."""
    runs = client.search_runs([client.get_experiment_by_name("bike_sharing").experiment_id])  # type: ignore[union-attr]  # there is one
    (found,) = (run.data.tags[APPROVAL] for run in runs if f"version {version} w" in run.data.tags.get(APPROVAL, ""))
    return str(found)
