"""Predictions of a laptop's lake, taken by a run of the workspace whose Spark is an engine of ours."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from engine.running import Engine, running
from local.commands import CannotGoOn
from local.home import Home
from local.sql import opened
from nightshift.databricks.runs import Name
from nightshift.databricks.wheel import Wheel
from spark_jobs import token
from tests.databricks.address import CATALOG, SCHEMA, told
from tests.databricks.fake.runs import Run
from tests.databricks.fake.server import Workspace, workspace
from workspace.connected import connected
from workspace.deploy import deploy
from workspace.predictions import Predictions

CASE = "bike_sharing"
TABLE = f"{CATALOG}.{SCHEMA}.{CASE}_gold_predictions"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Engine]]:
    """A laptop with an engine, which is the workspace's Spark as well."""
    root = tmp_path_factory.mktemp("laptop")
    (root / "engine").mkdir()
    with running(root / "engine", root / "lake", memory="1g") as engine:
        yield Home(root=root, engine_port=int(engine.address.rpartition(":")[2])), engine


@pytest.fixture(scope="module")
def spark(home: tuple[Home, Engine]) -> Iterator[SparkSession]:
    with opened(home[0], "a test") as found:
        found.sql(f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.{SCHEMA}")
        yield found


@pytest.fixture
def fake(tmp_path: Path, home: tuple[Home, Engine], monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    remote = f"{home[1].address}/;user_id=workspace;token={token.read(home[1].token)}"
    with workspace(tmp_path / "workspace", found={"SPARK_REMOTE": remote}) as found:
        settings = told(found.address, tmp_path / "workspace" / "volume")
        for name, value in (settings | {"DATABRICKS_HOST": found.address, "DATABRICKS_TOKEN": "dapi-of-runs"}).items():
            monkeypatch.setenv(name, value)
        (tmp_path / "workspace" / "volume" / "wheels").mkdir(parents=True)
        yield found


@pytest.fixture
def laptop(home: tuple[Home, Engine], spark: SparkSession, fake: Workspace) -> Iterator[Predictions]:
    """Six rows: of two versions that are there, with other numbers, and of one that was deleted."""
    of = Predictions(to=connected(), home=home[0], use_case=CASE, numbers={"2": "1", "3": "2"})
    rows = (
        "SELECT DATE'2024-03-01' AS day, make_timestamp(2024, 3, 1, hour, 0, 0) AS at, model_version, 1.5 AS predicted "
        "FROM VALUES (5), (6) AS hours(hour) CROSS JOIN VALUES (1), (2), (3) AS versions(model_version)"
    )
    spark.sql(f"CREATE OR REPLACE TABLE delta.`{of.table}` USING delta AS {rows}")
    spark.sql(f"DROP TABLE IF EXISTS {TABLE}")
    yield of


def there(spark: SparkSession) -> list[tuple[int, int]]:
    rows = spark.sql(f"SELECT hour(at) AS hour, model_version FROM {TABLE} ORDER BY ALL").collect()
    return [(row["hour"], row["model_version"]) for row in rows]


def test_predictions_come_along_once_by_the_numbers_that_versions_have_there(
    fake: Workspace, laptop: Predictions, spark: SparkSession
) -> None:
    deploy(laptop.to)
    assert laptop.copied() == 4
    assert there(spark) == [(5, 1), (5, 2), (6, 1), (6, 2)]
    spark.sql(f"DELETE FROM {TABLE} WHERE hour(at) = 5 AND model_version = 1")
    spark.sql(f"UPDATE {TABLE} SET predicted = 7 WHERE hour(at) = 6")  # what the workspace itself says of it
    assert laptop.copied() == 1
    assert laptop.copied() == 0
    assert there(spark) == [(5, 1), (5, 2), (6, 1), (6, 2)]
    assert spark.sql(f"SELECT 1 FROM {TABLE} WHERE predicted = 7").count() == 2
    assert list((fake.files.root / "volume" / "import").iterdir()) == []


def test_what_it_needs_is_said_before_anything_is_sent(fake: Workspace, laptop: Predictions) -> None:
    with pytest.raises(CannotGoOn, match="type `make deploy` first"):
        laptop.copied()
    wheel = fake.files.root / "volume" / "wheels" / Wheel().name
    wheel.touch()
    name = str(Name(stage=laptop.stage, owner="o", wheel="w", job="j"))
    fake.runs.all[1] = Run(1, 2, {"run_name": name, "tasks": [{"task_key": "score"}]}, time.time(), life="RUNNING")
    with pytest.raises(CannotGoOn, match="is being scored in the workspace"):
        laptop.copied()
    assert not (fake.files.root / "volume" / "import").exists()


def test_a_laptop_without_predictions_brings_none(fake: Workspace, home: tuple[Home, Engine]) -> None:
    of = Predictions(to=connected(), home=home[0], use_case="wine_quality", numbers={"1": "1"})
    assert of.copied() == 0


def test_a_run_that_fails_says_why(laptop: Predictions, spark: SparkSession) -> None:
    deploy(laptop.to)
    spark.sql(f"CREATE TABLE {TABLE} (other INT) USING delta")
    with pytest.raises(CannotGoOn, match="did not bring the predictions of bike_sharing"):
        laptop.copied()
