"""Lakes and registries that tests begin with: made once, copied for each."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test
from pyspark import cloudpickle
from pyspark.sql import SparkSession

from engine.running import Engine, running
from spark_jobs import use_cases
from spark_jobs.declare import Retrain
from spark_jobs.kinds import Candidate
from tests.spark import tiny

THIRD_PARTY = (
    "ignore:The ``noload`` loader strategy is deprecated",  # MLflow's SQL store on SQLAlchemy 2.1
)


def pytest_configure(config: pytest.Config) -> None:
    # Spark Connect takes a main module without a file, as pytest-xdist's workers have it, for doctests, and exits.
    vars(sys.modules["__main__"]).setdefault("__file__", __file__)
    for line in THIRD_PARTY:
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture(scope="session")
def own_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One that nothing else works in."""
    folder = tmp_path_factory.mktemp("engine")
    with running(folder, folder / "lake", memory="1g") as engine:
        yield engine


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Making its tables takes seconds, copying them none."""
    database = tmp_path_factory.mktemp("mlflow") / "empty.db"
    MlflowClient(f"sqlite:///{database}").search_experiments()
    return database


@pytest.fixture
def world(spark: SparkSession, tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> tiny.World:
    """The tiny use case with an empty lake and an empty MLflow."""
    _only_tiny(monkeypatch)
    return _new_world(spark, tmp_path, empty_mlflow)


@pytest.fixture
def trained(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_version: Path) -> tiny.World:
    """Gold of 80 days, and version 1, trained on the window of the first 60."""
    _only_tiny(monkeypatch)
    return tiny.World.copied(spark, one_version, tmp_path / "copy")


@pytest.fixture
def rivals(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two_versions: Path) -> tiny.World:
    """The same, where version 1 is a weak champion and version 2 its strong challenger."""
    _only_tiny(monkeypatch)
    return tiny.World.copied(spark, two_versions, tmp_path / "copy")


@pytest.fixture(scope="session")
def one_version(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Path:
    folder = tmp_path_factory.mktemp("one")
    with pytest.MonkeyPatch.context() as patch:
        _only_tiny(patch)
        made = _new_world(spark, folder, empty_mlflow)
        made.fill(tiny.facts(80))
        made.train(60)
    return folder


@pytest.fixture(scope="session")
def two_versions(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Path:
    folder = tmp_path_factory.mktemp("two")
    with pytest.MonkeyPatch.context() as patch:
        _only_tiny(patch)
        made = _new_world(spark, folder, empty_mlflow)
        made.fill(tiny.facts(80))
        with patch.context() as weaker:
            weaker.setattr(tiny, "candidates", lambda: (Candidate(name="weak", kind="xgboost", params={"rounds": 2}),))
            made.train(60)
        made.crown("1")
        made.train(60, retrain=Retrain.ALWAYS)
    return folder


def _new_world(spark: SparkSession, folder: Path, empty_mlflow: Path) -> tiny.World:
    shutil.copy(empty_mlflow, folder / "mlflow.db")
    made = tiny.World(spark, folder)
    made.client.create_experiment("tiny", artifact_location=f"{folder}/artifacts")
    return made


def _only_tiny(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(use_cases, "part", lambda *_: tiny)
    cloudpickle.register_pickle_by_value(tiny)  # type: ignore[no-untyped-call] # pyspark's copy has no types
