"""An Airflow and an MLflow of their own, both on SQLite; jobs are processes of a fake Spark side."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mlflow import MlflowClient

ROOT = Path(__file__).parents[2]
HOME = Path(mkdtemp(prefix="nightshift-dags-"))

# Airflow reads its settings once, when it is first imported.
os.environ |= {
    "AIRFLOW_HOME": str(HOME / "airflow"),
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}

THIRD_PARTY = (
    "ignore:The ``noload`` loader strategy is deprecated",  # MLflow's SQL store on SQLAlchemy 2.1
    "ignore:GitWildMatchPattern:DeprecationWarning",  # Airflow reading .airflowignore
)


def pytest_configure(config: pytest.Config) -> None:
    for line in THIRD_PARTY:
        config.addinivalue_line("filterwarnings", line)


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def airflow() -> None:
    """Airflow with an empty database."""
    from airflow.models import Pool
    from airflow.utils.db import initdb

    initdb()
    for pool, slots in (("spark", 2), ("registry", 1)):
        Pool.create_or_update_pool(pool, slots=slots, description="", include_deferred=False)


@pytest.fixture(scope="session")
def empty_mlflow() -> Path:
    """Making its tables takes seconds, copying them none."""
    from mlflow import MlflowClient

    MlflowClient(f"sqlite:///{HOME}/empty.db").search_experiments()
    return HOME / "empty.db"


@pytest.fixture
def mlflow(empty_mlflow: Path, tmp_path: Path) -> "MlflowClient":
    from mlflow import MlflowClient

    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    return MlflowClient(f"sqlite:///{tmp_path}/mlflow.db", f"sqlite:///{tmp_path}/mlflow.db")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Nightshift keeps its things, with the fake Spark side in place."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/dags/fake_job.py "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    monkeypatch.setenv("NIGHTSHIFT_MLFLOW", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("NIGHTSHIFT_SPARK_PYTHON", str(python))
    return tmp_path


@pytest.fixture
def tell(home: Path) -> Callable[..., None]:
    """`tell("train", status=1)`: what the job of a stage will do."""

    def tell(stage: str, **what: Any) -> None:
        (home / f"{stage}.json").write_text(json.dumps(what))

    return tell


@pytest.fixture
def calls(home: Path) -> Callable[[], list[dict[str, Any]]]:
    """The jobs that were started."""

    def calls() -> list[dict[str, Any]]:
        file = home / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    return calls


@pytest.fixture
def nobody_was_asked(airflow: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests share Airflow's database, and what Airflow leaves in its classes when a run is cleared."""
    from airflow.models.dagrun import DagRun
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.dag_id == "model_approval"))
    monkeypatch.setattr(DagSerialization, "_load_operator_extra_links", True)


@pytest.fixture
def judged(mlflow: "MlflowClient", tell: Callable[..., None], home: Path) -> "MlflowClient":
    """Version 1 is champion; a night trains version 2, and the gate likes it. There is a version 3, too."""
    from spark_jobs.declare.tags import CANDIDATE, CHAMPION, FEATURES, FITTED, SOURCE
    from tests.dags.approved import verdict

    mlflow.create_registered_model("bike_sharing")
    run = mlflow.create_run(mlflow.create_experiment("other", (home / "artifacts").as_uri())).info.run_id
    fitted = json.dumps({"start": "2023-01-01T00:00:00", "end": "2024-01-01T00:00:00", "hashed": False})
    for candidate in ("linear", "boosting", "boosting"):
        tags = {FEATURES: "hour,temp", CANDIDATE: candidate, SOURCE: "simulated", FITTED: fitted}
        mlflow.create_model_version("bike_sharing", "file:///nowhere", run, tags=tags)
    mlflow.set_registered_model_alias("bike_sharing", CHAMPION, "1")
    tell("evaluate", result=verdict("2"))
    tell("score", result={"version": "1", "rows": {"predictions": 24}})
    return mlflow
