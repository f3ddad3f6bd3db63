"""The engine and the registry of a home: those of `make run`, or some for as long as a block lasts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from engine.running import answers, running
from local import parts, processes, services
from local.airflow_api import answers as serves
from local.commands import CannotGoOn, step
from local.home import Home, check_ports
from local.supervision import Services, record, recorded
from spark_jobs.declare import Place

MLFLOW = "mlflow"


@contextmanager
def engine_for(home: Home, where: Place, folder: Path) -> Iterator[Place]:
    """`where`, with the engine to go to; one of its own has its token, its log and its temporary files in `folder`."""
    if answers(home.engine_port):
        yield replace(where, engine=home.engine_url, token=str(home.engine_token))
    else:
        with running(folder, Path(where.lake), memory=home.engine_memory) as own:
            yield replace(where, engine=own.address, token=str(own.token))


@contextmanager
def registry_of(home: Home) -> Iterator[str]:
    """Where MLflow answers. Without `make run` it is started, on its database, and ended."""
    if _is_up(home):
        yield home.mlflow_url
        return
    if not (home.root / "postgres").is_dir():
        raise CannotGoOn(
            f"{home.root} holds no model yet: type `make run` first, or name its folder in NIGHTSHIFT_HOME."
        )
    with services.alone(home):
        services.end_left(home)
        check_ports({"MLFLOW_PORT": home.mlflow_port}, "Choose another: make predict")
        up = Services(home, commands=_of_the_registry)
        try:
            with up.watched():
                services.found(up)
                with step("Starting MLflow"):
                    up.start(MLFLOW)
                    services.wait_for_mlflow(up)
                yield home.mlflow_url
        finally:
            with services.undisturbed():
                up.end()
                record(home).unlink(missing_ok=True)


def _is_up(home: Home) -> bool:
    """Of this home: another's may have the port."""
    part = recorded(home).get(MLFLOW)
    if part is None or part not in processes.running().values():
        return False
    if not serves(f"{home.mlflow_url}/health"):
        raise CannotGoOn(
            f"MLflow of {home.root} runs, and does not answer on {home.mlflow_url}: wait until it is up, or give the "
            "MLFLOW_PORT that `make run` was given."
        )
    return True


def _of_the_registry(home: Home) -> Mapping[str, Sequence[str]]:
    every = parts.commands(home)
    return {name: every[name] for name in (parts.FOUNDATION, MLFLOW)}
