"""What a person said of the stack. It is kept beside the secrets, and holds until something else is said."""

import os
from collections.abc import Mapping
from pathlib import Path

from containers import secrets

PORTS = {"AIRFLOW_PORT": 8080, "MLFLOW_PORT": 5000, "STORE_PORT": 7070, "SERVE_PORT": 8200}
BUILD = ("PIP_INDEX_URL", "GOPROXY", "DEFAULT_ARTIFACT_REPOSITORY")
NAMES = (
    *("STACK_NAME", "STACK_ADDRESS", "STACK_BASE", "STACK_CERTIFICATES", *PORTS, "AIRFLOW_BASE_URL", "MLFLOW_BASE_URL"),
    *("WORKERS", "WORKER_MEMORY", "WORKER_LIMIT", "ENGINE_MEMORY", "ENGINE_LIMIT", "JOBS_LIMIT", "SERVE_LIMIT"),
    *("SERVE_MODELS", "NIGHTSHIFT_SPARK_SLOTS", "NIGHTSHIFT_SOURCE", "NIGHTSHIFT_SIMULATION", *BUILD),
)


def said(file: Path, env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Now, or else before; what is said to be empty goes back to its default."""
    now = {name: env[name] for name in NAMES if name in env}
    return {name: value for name, value in (_kept(file) | now).items() if value}


def keep(file: Path, settings: Mapping[str, str]) -> None:
    """As a secret: an address of a registry may hold a password."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    secrets.write(file, "".join(f"{name}={value}\n" for name, value in settings.items()))


def _kept(file: Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {name: value for name, _, value in (line.partition("=") for line in lines)}
