"""Lakes and registries that tests begin with: made once, copied for each."""

import fcntl
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from tests.spark.cellar import Cellar
from tests.spark.wine_files import Predicting, learn

MadeOnce = Callable[[str, Callable[[Path], None]], Path]

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
def made_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """By whichever worker of a run comes first; the others wait for it, and use what it made."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if hasattr(request.config, "workerinput") else own

    def folder(name: str, make: Callable[[Path], None]) -> Path:
        found, done = shared / name, shared / f"{name}.made"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(found, ignore_errors=True)  # somebody began, and failed
                found.mkdir()
                make(found)
                done.touch()
        return found

    return folder


@pytest.fixture(scope="session")
def empty_mlflow(made_once: MadeOnce) -> Path:
    """Making its tables takes seconds, copying them none."""
    return made_once("mlflow", _make_empty_mlflow) / "empty.db"


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
def one_version(spark: SparkSession, made_once: MadeOnce, empty_mlflow: Path) -> Path:
    def make(folder: Path) -> None:
        with _eighty_days(spark, folder, empty_mlflow) as made:
            made.train(60)

    return made_once("one", make)


@pytest.fixture(scope="session")
def two_versions(spark: SparkSession, made_once: MadeOnce, empty_mlflow: Path) -> Path:
    def make(folder: Path) -> None:
        with _eighty_days(spark, folder, empty_mlflow) as made:
            weak = Candidate(name="weak", kind="xgboost", params={"rounds": 2})
            with pytest.MonkeyPatch.context() as weaker:
                weaker.setattr(tiny, "candidates", lambda: (weak,))
                made.train(60)
            made.crown("1")
            made.train(60, retrain=Retrain.ALWAYS)

    return made_once("two", make)


@pytest.fixture(scope="session")
def learned_wines(spark: SparkSession, made_once: MadeOnce, empty_mlflow: Path) -> Path:
    """A lake and a registry with two versions of wine_quality."""

    def make(folder: Path) -> None:
        shutil.copy(empty_mlflow, folder / "mlflow.db")
        cellar = Cellar(spark, folder)
        MlflowClient(cellar.address).create_experiment("wine_quality", artifact_location=f"{folder}/artifacts")
        learn(cellar)

    return made_once("wines", make)


@pytest.fixture
def wines(spark: SparkSession, learned_wines: Path, tmp_path: Path) -> Predicting:
    """With a registry of its own."""
    shutil.copy(learned_wines / "mlflow.db", tmp_path / "mlflow.db")
    return Predicting(spark, tmp_path, f"sqlite:///{tmp_path}/mlflow.db")


@contextmanager
def _eighty_days(spark: SparkSession, folder: Path, empty_mlflow: Path) -> Iterator[tiny.World]:
    with pytest.MonkeyPatch.context() as patch:
        _only_tiny(patch)
        made = _new_world(spark, folder, empty_mlflow)
        made.fill(tiny.facts(80))
        yield made


def _make_empty_mlflow(folder: Path) -> None:
    MlflowClient(f"sqlite:///{folder}/empty.db").search_experiments()


def _new_world(spark: SparkSession, folder: Path, empty_mlflow: Path) -> tiny.World:
    shutil.copy(empty_mlflow, folder / "mlflow.db")
    made = tiny.World(spark, folder)
    made.client.create_experiment("tiny", artifact_location=f"{folder}/artifacts")
    return made


def _only_tiny(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(use_cases, "part", lambda *_: tiny)
    cloudpickle.register_pickle_by_value(tiny)  # type: ignore[no-untyped-call] # pyspark's copy has no types
