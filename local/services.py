"""MLflow and the parts of Airflow: started one by one on 127.0.0.1, ended together."""

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import TextIO

from local import airflow_config, processes
from local.airflow_api import Airflow, answers
from local.commands import CannotGoOn, quietly, step
from local.home import USER, Home, check_ports
from local.places import AIRFLOW, CHECKOUT, SPARK, site_packages
from local.processes import Process

UP_WITHIN = 180.0
# It neither reports to anybody nor starts workers for jobs of its own.
MLFLOW = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def commands(home: Home) -> dict[str, list[str]]:
    """How each part is started; in this order."""
    airflow = str(AIRFLOW / "bin" / "airflow")
    return {
        "mlflow": [str(SPARK / "bin" / "mlflow"), "server", *_mlflow_options(home)],
        "api-server": [airflow, "api-server"],
        "dag-processor": [airflow, "dag-processor"],
        # Without --skip-serve-logs both would answer on every address of this machine.
        "scheduler": [airflow, "scheduler", "--skip-serve-logs"],
        "triggerer": [airflow, "triggerer", "--skip-serve-logs"],
    }


@dataclass
class Services:
    """What one start has started."""

    home: Home
    parts: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def airflow(self) -> Airflow:
        return Airflow(self.home.airflow_url, USER, airflow_config.password(self.home))

    def start(self, name: str) -> None:
        """In a group of its own: Ctrl-C in the terminal is for us, and we end the parts."""
        self.home.logs.mkdir(parents=True, exist_ok=True)
        with (self.home.logs / f"{name}.log").open("ab") as log:
            self.parts[name] = subprocess.Popen(
                commands(self.home)[name],
                env=surroundings() | self.home.settings() | MLFLOW,
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._write_down()

    def end(self, *names: str) -> None:
        """These parts and all they have started; all parts where none is named."""
        ending = {name: self.parts.pop(name) for name in names or tuple(self.parts)}
        alive = processes.running()
        processes.end([alive[part.pid] for part in ending.values() if part.pid in alive])
        for part in ending.values():
            part.wait()
        self._write_down()

    def fallen(self) -> str | None:
        """A part that has ended by itself, and where its last words are."""
        for name, part in self.parts.items():
            if part.poll() is not None:
                return f"{name} has ended by itself. Its last words: {self.home.logs / name}.log"
        return None

    def wait(self, until: Callable[[], bool], what: str, within: float = UP_WITHIN) -> None:
        deadline = time.monotonic() + within
        while not until():
            if fallen := self.fallen():
                raise CannotGoOn(fallen)
            if time.monotonic() > deadline:
                raise CannotGoOn(f"{what} did not happen within {within:.0f} s. See {self.home.logs}")
            time.sleep(0.3)

    def _write_down(self) -> None:
        """For `make stop`, should we be killed."""
        alive = processes.running()
        entries = [vars(alive[part.pid]) for part in self.parts.values() if part.pid in alive]
        _record(self.home).write_text(json.dumps(entries), encoding="utf-8")


@contextmanager
def started(home: Home) -> Iterator[Services]:
    """Everything up; and, whatever happens, everything ended."""
    check_ports(home)
    services = Services(home)
    with _alone(home):
        airflow_config.write(home)
        try:
            with step("Starting MLflow and Airflow"):
                _start(services)
            yield services
        finally:
            with undisturbed(), step("Ending everything"):
                services.end()
                _record(home).unlink(missing_ok=True)


@contextmanager
def undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not leave half of it running."""
    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {one: signal.signal(one, signal.SIG_IGN) for one in asked}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def stop(home: Home) -> int:
    """Ends what an earlier start left running. Returns how many processes that were."""
    if not _record(home).exists():
        return 0
    recorded = {Process(**entry) for entry in json.loads(_record(home).read_text(encoding="utf-8"))}
    left = processes.living(recorded)
    processes.end(left)
    _record(home).unlink()
    return len(left)


def _start(services: Services) -> None:
    home, airflow = services.home, services.airflow
    services.start("mlflow")
    _migrate(home)
    for name in list(commands(home))[1:]:
        services.start(name)
    services.wait(lambda: answers(f"{home.mlflow_url}/health"), "MLflow's start")
    services.wait(airflow.healthy, "Airflow's start")
    airflow.set_pool(home.pool, home.jobs_at_once, "Jobs at once. One takes up to 3 GB of memory.")
    airflow.set_pool("registry", 1, "Who may change which model is live: one at a time.")


def _mlflow_options(home: Home) -> list[str]:
    home.mlflow.mkdir(parents=True, exist_ok=True)
    hosts = ",".join(f"{name}:{home.mlflow_port}" for name in ("127.0.0.1", "localhost"))
    return [
        *("--host", "127.0.0.1", "--port", str(home.mlflow_port), "--workers", "1", "--allowed-hosts", hosts),
        *("--backend-store-uri", f"sqlite:///{home.mlflow}/mlflow.db"),
        *("--artifacts-destination", str(home.mlflow / "artifacts")),
    ]


def _migrate(home: Home) -> None:
    """Airflow's database takes a while even to say that it is up to date: asked once per Airflow."""
    version = next(site_packages(AIRFLOW).glob("apache_airflow-[0-9]*.dist-info"))
    done = home.airflow / f"migrated-to-{PathDistribution(version).version}"
    if done.exists():
        return
    quietly([AIRFLOW / "bin" / "airflow", "db", "migrate"], hint=f"See {home.airflow}", extra=home.settings())
    with closing(sqlite3.connect(home.airflow_database)) as database:
        database.execute("PRAGMA journal_mode = WAL")  # kept in the file: who reads does not wait for who writes
    done.touch()


def surroundings() -> dict[str, str]:
    """This process's own, without what was meant for another Airflow or MLflow."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MLFLOW_"))}


def _record(home: Home) -> Path:
    return home.root / "running.json"


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Two starts on one folder would share databases and lake."""
    home.root.mkdir(parents=True, exist_ok=True)
    with (home.root / ".lock").open("w", encoding="utf-8") as lock:
        _lock(lock, home)
        yield


def _lock(lock: TextIO, home: Home) -> None:
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    raise CannotGoOn(
        f"Nightshift already runs with {home.root}: end that one first, or choose another NIGHTSHIFT_HOME."
    )
