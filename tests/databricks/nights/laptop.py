"""The same range on a laptop's target, job by job, to be compared with the workspace's."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from nightshift import registry
from nightshift.registry import Act
from spark_jobs.declare import Job, Place, Stage, Window
from tests.databricks.standing import Standing
from tests.end_to_end.scheduler import DAG


def place_of(nights: Standing, folder: Path) -> Place:
    home = nights.scheduler.home
    return Place(
        lake=str(folder / "lake"),
        landing=str(folder / "landing"),
        tracking=home.mlflow_url,
        registry=home.mlflow_url,
        engine=home.engine_url,
        token=str(home.engine_token),
        simulation=nights.told.get("NIGHTSHIFT_SIMULATION", ""),
    )


def range_of(nights: Standing, place: Place, window: Window) -> dict[str, Any]:
    """What each stage said."""
    from mlflow import MlflowClient

    said: dict[str, Any] = {}
    for stage in (Stage.INGEST, Stage.REFINE, Stage.FEATURES, Stage.TRAIN, Stage.EVALUATE):
        version = said["train"]["version"] if stage is Stage.EVALUATE else ""
        said[str(stage)] = said_by(nights, place, Job(stage=stage, use_case=DAG, window=window, version=version))
    client = MlflowClient(place.tracking, place.registry)
    act = Act(by="a test", why="", run_key="laptop/1")
    registry.promote(client, DAG, said["evaluate"]["version"], act, judged_against="")
    said["score"] = said_by(nights, place, Job(stage=Stage.SCORE, use_case=DAG, window=window))
    return said


def said_by(nights: Standing, place: Place, job: Job) -> dict[str, Any]:
    command = [sys.executable, "-m", "spark_jobs", *place.argv(), *job.argv()]
    told = os.environ | {"PYTHONPATH": str(nights.code)}
    done = subprocess.run(command, cwd=nights.code, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))
