"""The folder that holds all a laptop's Nightshift knows, and the ports it answers on."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.settings import MEMORY, megabytes
from local.places import CHECKOUT, SPARK, python
from spark_jobs.declare import BadRequest

USER = "admin"
PORTS = range(1024, 65536)


@dataclass(frozen=True, kw_only=True)
class Home:
    root: Path
    airflow_port: int = 8080
    mlflow_port: int = 5000
    engine_port: int = 15002
    engine_memory: str = MEMORY
    pool: str = "spark"
    jobs_at_once: int = 2

    @property
    def airflow(self) -> Path:
        return self.root / "airflow"

    @property
    def mlflow(self) -> Path:
        return self.root / "mlflow"

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def engine(self) -> Path:
        return self.root / "engine"

    @property
    def engine_token(self) -> Path:
        return self.engine / "token"

    @property
    def engine_url(self) -> str:
        return f"sc://localhost:{self.engine_port}"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def passwords(self) -> Path:
        return self.airflow / "passwords.json"

    @property
    def airflow_url(self) -> str:
        return f"http://127.0.0.1:{self.airflow_port}"

    @property
    def mlflow_url(self) -> str:
        return f"http://127.0.0.1:{self.mlflow_port}"

    @property
    def ports(self) -> dict[str, int]:
        return {"AIRFLOW_PORT": self.airflow_port, "MLFLOW_PORT": self.mlflow_port, "ENGINE_PORT": self.engine_port}

    def settings(self) -> dict[str, str]:
        """What the Airflow side is told, besides its own configuration file."""
        return {
            "AIRFLOW_HOME": str(self.airflow),
            "SPARK_TARGET": "local",
            "NIGHTSHIFT_HOME": str(self.root),
            "NIGHTSHIFT_LAKE": str(self.lake),
            "NIGHTSHIFT_LANDING": str(self.root / "landing"),
            "NIGHTSHIFT_MLFLOW": self.mlflow_url,
            "NIGHTSHIFT_MLFLOW_PAGES": self.mlflow_url,
            "NIGHTSHIFT_ENGINE": self.engine_url,
            "NIGHTSHIFT_ENGINE_TOKEN": str(self.engine_token),
            "NIGHTSHIFT_SPARK_PYTHON": str(python(SPARK)),
            "NIGHTSHIFT_SPARK_POOL": self.pool,
            "NIGHTSHIFT_SPARK_SLOTS": str(self.jobs_at_once),
            "PYTHONPATH": str(CHECKOUT),
        }


def from_environment(environment: Mapping[str, str] = os.environ) -> Home:
    root = Path(environment.get("NIGHTSHIFT_HOME") or CHECKOUT / ".nightshift")
    return Home(
        root=root.expanduser().resolve(),
        airflow_port=number(environment, "AIRFLOW_PORT", 8080, PORTS),
        mlflow_port=number(environment, "MLFLOW_PORT", 5000, PORTS),
        engine_port=number(environment, "ENGINE_PORT", 15002, PORTS),
        engine_memory=_memory(environment.get("ENGINE_MEMORY") or MEMORY),
        pool=environment.get("NIGHTSHIFT_SPARK_POOL") or "spark",
        jobs_at_once=number(environment, "NIGHTSHIFT_SPARK_SLOTS", 2, range(1, 65)),
    )


def check_ports(ports: Mapping[str, int], hint: str) -> None:
    """All must be free before anything starts, and no two of them the same."""
    for name, port in ports.items():
        if twin := next((other for other in ports if other < name and ports[other] == port), None):
            raise BadRequest(twin, f"and {name} are both {port}: choose two")
        if not is_free(port):
            raise BadRequest(name, f"port {port} is in use. {hint} {name}=...")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _memory(given: str) -> str:
    megabytes(given)
    return given


def number(environment: Mapping[str, str], name: str, usual: int, allowed: range) -> int:
    given = environment.get(name) or str(usual)
    if not given.isdigit() or int(given) not in allowed:
        raise BadRequest(name, f"is a number from {allowed[0]} to {allowed[-1]}, got {given!r}")
    return int(given)
