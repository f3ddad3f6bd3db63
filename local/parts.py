"""The parts of a laptop's Nightshift: how each is started, and in which order."""

import os

from local import postgres
from local.home import Home
from local.places import AIRFLOW, SPARK, python

FOUNDATION = "postgres"  # the others stand on it: started before them, ended after them

# MLflow neither reports to anybody nor starts workers for jobs of its own.
MLFLOW = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def commands(home: Home) -> dict[str, list[str]]:
    """How each part is started; in this order."""
    airflow = str(AIRFLOW / "bin" / "airflow")
    return {
        FOUNDATION: postgres.command(home),
        "engine": [str(python(SPARK)), "-m", "engine", *_engine_options(home)],
        "mlflow": [str(SPARK / "bin" / "mlflow"), "server", *_mlflow_options(home)],
        "api-server": [airflow, "api-server"],
        "dag-processor": [airflow, "dag-processor"],
        # Without --skip-serve-logs both would answer on every address of this machine.
        "scheduler": [airflow, "scheduler", "--skip-serve-logs"],
        "triggerer": [airflow, "triggerer", "--skip-serve-logs"],
    }


def environment(home: Home, name: str) -> dict[str, str]:
    """PostgreSQL on macOS needs to know its language before it starts."""
    own = {"LC_ALL": "C"} if name == FOUNDATION else {}
    return surroundings() | home.settings() | MLFLOW | own


def surroundings() -> dict[str, str]:
    """This process's own, without what was meant for another Airflow, MLflow or PostgreSQL."""
    foreign = ("AIRFLOW", "MLFLOW_", "PG")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def _engine_options(home: Home) -> list[str]:
    return [
        *(f"--port={home.engine_port}", f"--token={home.engine_token}", f"--memory={home.engine_memory}"),
        *(f"--lake={home.lake}", f"--folder={home.engine / 'work'}"),
    ]


def _mlflow_options(home: Home) -> list[str]:
    home.mlflow.mkdir(parents=True, exist_ok=True)
    hosts = ",".join(f"{name}:{home.mlflow_port}" for name in ("127.0.0.1", "localhost"))
    return [
        *("--host", "127.0.0.1", "--port", str(home.mlflow_port), "--workers", "1", "--allowed-hosts", hosts),
        *("--backend-store-uri", postgres.url(home, "mlflow")),
        *("--artifacts-destination", str(home.mlflow / "artifacts")),
    ]
