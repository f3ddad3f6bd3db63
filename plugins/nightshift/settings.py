"""The only reader of the environment on this side: where things lie and where jobs run."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from nightshift.databricks.workspace import Workspace, workspace_of
from spark_jobs.declare import BadRequest, Place
from spark_jobs.declare.job import TRACKING, UNITY

CHECKOUT = Path(__file__).resolve().parents[2]
MARK = "NIGHTSHIFT_JOB"  # in a job's environment: whose it is

# What a job may see of our environment: enough to run and to reach MLflow, none of Airflow's own settings or secrets.
PASSED_ON = frozenset(
    {"PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}
    | {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}
    | {"MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"}
    | {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"}  # who vouches for an engine on another machine
)

# MLflow keeps to itself what the task log says already, or what nobody asked for.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


class Target(StrEnum):
    """Where jobs run."""

    LOCAL = "local"
    CLUSTER = "cluster"
    DATABRICKS = "databricks"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything this side is told from outside."""

    target: Target
    home: Path
    lake: str
    landing: str
    tracking: str
    registry: str
    pages: str  # where a browser finds MLflow
    engine: str  # where Spark answers
    token: str  # the file with the word for it
    python: Path  # of the Spark side
    pool: str
    slots: int  # how many jobs run at once
    source: str
    simulation: str
    workspace: Workspace | None = None  # where the target is Databricks

    def __post_init__(self) -> None:
        if self.slots < 1:
            raise BadRequest("NIGHTSHIFT_SPARK_SLOTS", f"is at least 1, got {self.slots}")

    @property
    def place(self) -> Place:
        return Place(
            lake=self.lake,
            landing=self.landing,
            tracking=self.tracking,
            registry=self.registry,
            engine=self.engine,
            token=self.token,
            source=self.source,
            simulation=self.simulation,
        )


def settings(env: Mapping[str, str] = os.environ) -> Settings:
    home = Path(env.get("NIGHTSHIFT_HOME", CHECKOUT / ".nightshift")).resolve()
    target = _target(env.get("SPARK_TARGET", Target.LOCAL))
    return Settings(
        target=target,
        home=home,
        python=Path(env.get("NIGHTSHIFT_SPARK_PYTHON", CHECKOUT / ".venv/spark/bin/python")),
        pool=env.get("NIGHTSHIFT_SPARK_POOL", "spark"),
        slots=_number("NIGHTSHIFT_SPARK_SLOTS", env.get("NIGHTSHIFT_SPARK_SLOTS", "2")),
        source=env.get("NIGHTSHIFT_SOURCE", "simulated"),
        simulation=env.get("NIGHTSHIFT_SIMULATION", ""),
        **_in_a_workspace(env) if target is Target.DATABRICKS else _on_machines(env, home),
    )


def _on_machines(env: Mapping[str, str], home: Path) -> dict[str, Any]:
    """Ours, one or several: everything has an address of its own."""
    tracking = env.get("NIGHTSHIFT_MLFLOW", "http://127.0.0.1:5000")
    return {
        "lake": env.get("NIGHTSHIFT_LAKE", str(home / "lake")),
        "landing": env.get("NIGHTSHIFT_LANDING", str(home / "landing")),
        "tracking": tracking,
        "registry": env.get("NIGHTSHIFT_REGISTRY", tracking),
        "pages": env.get("NIGHTSHIFT_MLFLOW_PAGES", tracking),
        "engine": env.get("NIGHTSHIFT_ENGINE", "sc://localhost:15002"),
        "token": env.get("NIGHTSHIFT_ENGINE_TOKEN", str(home / "engine" / "token")),
    }


def _in_a_workspace(env: Mapping[str, str]) -> dict[str, Any]:
    """Spark is all around there, and MLflow too."""
    workspace = workspace_of(env)
    return {
        "lake": workspace.lake,
        "landing": workspace.landing,
        "tracking": TRACKING,
        "registry": UNITY,
        "pages": env.get("NIGHTSHIFT_MLFLOW_PAGES", ""),
        "engine": "",
        "token": "",
        "workspace": workspace,
    }


def _target(text: str) -> Target:
    if text not in set(Target):
        raise BadRequest("SPARK_TARGET", f"is one of {', '.join(Target)}, got {text!r}")
    return Target(text)


def _number(field: str, text: str) -> int:
    if not text.isdigit():
        raise BadRequest(field, f"is a whole number, got {text!r}")
    return int(text)


def job_environment(mark: str, env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a job's process starts with; `mark` names it to whoever looks for it later."""
    passed = {name: value for name, value in env.items() if name in PASSED_ON or name.startswith("AWS_")}
    return passed | QUIET | {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1", MARK: mark}


def prepare_mlflow() -> None:
    """MLflow away for a minute is waited for inside one try: these waits add up to about a minute and a half."""
    patience = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "3"}
    for name, value in (patience | QUIET).items():
        os.environ.setdefault(name, value)
