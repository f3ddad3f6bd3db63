"""A job that is killed is tried again, and leaves neither row nor version nor process twice."""

from typing import TYPE_CHECKING

import pytest
from pyspark.sql import SparkSession

from spark_jobs.lakehouse import Lake
from tests.end_to_end.conftest import FirstNights
from tests.end_to_end.scheduler import DAG

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytestmark = pytest.mark.timeout(1800)  # the first test waits for everything to start and two runs


def test_a_training_killed_in_the_middle_registers_one_version(
    nights: FirstNights, spark: SparkSession, mlflow: "MlflowClient"
) -> None:
    scheduler = nights.scheduler
    before = [version.version for version in mlflow.search_model_versions(f"name='{DAG}'")]
    run = scheduler.trigger({"retrain": "always"})
    scheduler.kill_job(run, "refine")
    scheduler.kill_job(run, "train", after="training in MLflow run")

    assert scheduler.finished(run) == "success"
    tries = scheduler.tries(run)
    assert (tries["refine"], tries["train"], tries["score"]) == (2, 2, 1)
    after = [version.version for version in mlflow.search_model_versions(f"name='{DAG}'")]
    assert len(after) == len(before) + 1

    lake = Lake(spark, str(scheduler.lake), DAG)
    keys = {"silver": ["at"], "predictions": ["at", "model_version"], "features": ["at"]}
    tables = {
        "silver": lake.silver("rides"),
        "predictions": lake.gold("predictions"),
        "features": lake.gold("features"),
    }
    for name, table in tables.items():
        rows = table.read()
        assert rows.count() == rows.select(*keys[name]).distinct().count()
    for stage in ("refine", "train"):
        assert scheduler.job(stage) == []
