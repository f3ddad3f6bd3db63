"""What MLflow's server says of runs and versions."""

import json
from typing import Any

from local.airflow_api import fetch
from local.home import Home
from spark_jobs.declare import tags
from tests.end_to_end.scheduler import DAG

PARENT = "mlflow.parentRunId"


def runs(home: Home) -> list[dict[str, Any]]:
    """All of the use case: id, status and tags."""
    experiment = _ask(home, f"experiments/get-by-name?experiment_name={DAG}")["experiment"]["experiment_id"]
    found, token = [], ""
    while True:
        body = {"experiment_ids": [experiment], "max_results": 1000, "page_token": token}
        page = fetch(f"{home.mlflow_url}/api/2.0/mlflow/runs/search", body)
        found += [_run(run) for run in page.get("runs", [])]
        token = page.get("next_page_token", "")
        if not token:
            return found


def run_of(home: Home, name: str) -> dict[str, Any]:
    """The one parent run of a Dag run."""
    mine = [run for run in runs(home) if run["tags"].get(tags.RUN_KEY) == f"{DAG}/{name}"]
    assert len(mine) == 1, f"{name} has {len(mine)} MLflow runs"
    return mine[0]


def versions(home: Home) -> list[dict[str, Any]]:
    found = _ask(home, f"model-versions/search?filter=name%3D'{DAG}'&max_results=1000").get("model_versions", [])
    return sorted(found, key=lambda version: int(version["version"]))


def champion(home: Home) -> str:
    model = _ask(home, f"registered-models/get?name={DAG}")["registered_model"]
    return next((a["version"] for a in model.get("aliases", []) if a["alias"] == tags.CHAMPION), "")


def history(home: Home) -> list[dict[str, str]]:
    """What people and nights did to the model, the oldest first."""
    model = _ask(home, f"registered-models/get?name={DAG}")["registered_model"]
    return [json.loads(tag["value"]) for tag in sorted(model["tags"], key=_key) if tag["key"].startswith(tags.HISTORY)]


def dismiss_champion(home: Home) -> None:
    """As a person could in MLflow's pages."""
    named = {"name": DAG, "alias": tags.CHAMPION}
    fetch(f"{home.mlflow_url}/api/2.0/mlflow/registered-models/alias", named, method="DELETE")


def _key(tag: dict[str, str]) -> str:
    return tag["key"]


def tags_of(version: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in version.get("tags", [])}


def _run(run: dict[str, Any]) -> dict[str, Any]:
    labels = {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}
    return {"id": run["info"]["run_id"], "status": run["info"]["status"], "tags": labels}


def _ask(home: Home, what: str) -> Any:
    return fetch(f"{home.mlflow_url}/api/2.0/mlflow/{what}")
