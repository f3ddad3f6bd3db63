"""One start of everything on 127.0.0.1, and its end."""

import fcntl
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PathDistribution
from typing import TextIO

from local import airflow_config, parts, postgres, processes
from local.airflow_api import answers
from local.commands import CannotGoOn, quietly, step, tell
from local.home import Home, check_ports, is_free
from local.places import AIRFLOW, site_packages
from local.supervision import Services, record, recorded
from spark_jobs import token


@contextmanager
def started(home: Home) -> Iterator[Services]:
    """Everything up; and, whatever happens, everything ended."""
    services = Services(home)
    with alone(home):
        _clear(home)
        postgres.make(home)
        airflow_config.write(home)
        token.make(home.engine_token)
        try:
            with services.watched():
                with step("Starting PostgreSQL, the engine, MLflow and Airflow"):
                    _start(services)
                yield services
        finally:
            with undisturbed(), step("Ending everything"):
                services.end()
                record(home).unlink(missing_ok=True)


def make_room(home: Home) -> None:
    """Before anything takes minutes: nobody else is here, a killed start has left nothing, ports are free."""
    with alone(home):
        _clear(home)
        postgres.refuse_sqlite(home)


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
    if not record(home).exists():
        return 0
    with alone(home):
        return end_left(home)


def end_left(home: Home) -> int:
    left = processes.left_by(recorded(home).values())
    processes.end(left)
    record(home).unlink(missing_ok=True)
    return len(left)


def _clear(home: Home) -> None:
    if left := end_left(home):
        tell(f"  An earlier start was killed; ended {left} processes that it had left.")
    check_ports(home.ports, "`make stop` ends an earlier start, or choose another: make run")


def found(services: Services) -> None:
    """What the others stand on."""
    services.start(parts.FOUNDATION)
    services.wait(services.founded, "PostgreSQL's start")


def wait_for_mlflow(services: Services) -> None:
    services.wait(lambda: answers(f"{services.home.mlflow_url}/health"), "MLflow's start")


def _start(services: Services) -> None:
    home, airflow = services.home, services.airflow
    found(services)
    early = (parts.FOUNDATION, "engine", "mlflow")  # they start while Airflow makes its tables
    for name in early[1:]:
        services.start(name)
    _migrate(home)
    for name in parts.commands(home):
        if name not in early:
            services.start(name)
    services.wait(lambda: not is_free(home.engine_port), "The engine's start")
    wait_for_mlflow(services)
    services.wait(airflow.healthy, "Airflow's start")
    airflow.set_pool(home.pool, home.jobs_at_once, "Jobs at once. They share one engine.")
    airflow.set_pool("registry", 1, "Who may change which model is live: one at a time.")


def _migrate(home: Home) -> None:
    """Airflow's database takes a while even to say that it is up to date: asked once per Airflow."""
    version = next(site_packages(AIRFLOW).glob("apache_airflow-[0-9]*.dist-info"))
    done = home.root / "postgres" / f"migrated-to-{PathDistribution(version).version}"
    if not done.exists():
        quietly([AIRFLOW / "bin" / "airflow", "db", "migrate"], hint=f"See {home.airflow}", extra=home.settings())
        done.touch()


@contextmanager
def alone(home: Home) -> Iterator[None]:
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
        f"Nightshift already runs with {home.root}: end that one first with Ctrl-C in its terminal, "
        "or choose another NIGHTSHIFT_HOME."
    )
