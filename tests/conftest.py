"""Settings of the tests, the only place that reads them; and one engine."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import pytest

from tests.drawn import left_out

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from engine.running import Engine

CHECKOUT = Path(__file__).parents[1]
# A dozen rows in one task; jobs of real runs plan and share out their work as Spark does by itself.
ONE_TASK = {"spark.sql.shuffle.partitions": "1", "spark.sql.adaptive.enabled": "false"}
ENGINE: "pytest.StashKey[Engine | None]" = pytest.StashKey()
OPEN: pytest.StashKey[ExitStack] = pytest.StashKey()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """What is drawn is drawn by a fresh seed each time, the same one in every process of a run."""
    os.environ.setdefault("SEED", str(secrets.randbelow(1_000_000)))
    config.option.hypothesis_seed = os.environ["SEED"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    out = left_out(items)
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]


def pytest_report_header() -> str:
    folder = _published()
    return f"real data: {folder or 'none, simulated data stand in (NIGHTSHIFT_TEST_DATA names their folder)'}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.line(f"Drawn by seed {os.environ['SEED']}: SEED={os.environ['SEED']} repeats it.")


@pytest.fixture(scope="session")
def published() -> Path | None:
    """The folder with real data files. None: tests that can take either run on simulated data."""
    return _published()


@pytest.fixture(scope="session")
def kills() -> int:
    """How many parts are killed, one after another."""
    return int(os.environ.get("KILLS") or 2)


@pytest.fixture(scope="session")
def seed() -> int:
    """Who draws by it prints it."""
    return int(os.environ["SEED"])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """The workers of one run share one engine: it is started before the first of them."""
    if find_spec("pyspark") is None:
        return  # tests of Airflow's side
    engine = node.config.stash.setdefault(ENGINE, None) or _engine(node.config)
    node.workerinput["engine"] = {"address": engine.address, "token": str(engine.token)}


def pytest_unconfigure(config: pytest.Config) -> None:
    if OPEN in config.stash:
        config.stash[OPEN].close()


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> dict[str, str]:
    """Address and token file, as a place names them."""
    if shared := getattr(request.config, "workerinput", {}).get("engine"):
        return {"engine": shared["address"], "token": shared["token"]}
    own = request.config.stash.setdefault(ENGINE, None) or _engine(request.config)
    return {"engine": own.address, "token": str(own.token)}


@pytest.fixture(scope="session")
def spark(engine: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SparkSession]":
    """For all tests of a process."""
    from spark_jobs.declare import Place
    from spark_jobs.session import spark_session

    folder = tmp_path_factory.mktemp("working")
    os.chdir(folder)
    place = Place(lake=f"{folder}/lake", landing="", tracking="", registry="", **engine)
    with spark_session(place, "tests", small=True) as session:
        for setting, value in ONE_TASK.items():
            session.conf.set(setting, value)
        yield session


def _engine(config: pytest.Config) -> "Engine":
    from engine.running import running

    folder = Path(mkdtemp(prefix="nightshift-tests-"))
    stack = config.stash.setdefault(OPEN, ExitStack())
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    config.stash[ENGINE] = found = stack.enter_context(running(folder, folder / "lake", memory="4g"))
    return found


def _published() -> Path | None:
    given = os.environ.get("NIGHTSHIFT_TEST_DATA")
    folder = Path(given) if given else CHECKOUT.parent / "shared" / "data"
    if given and not folder.is_dir():
        raise pytest.UsageError(f"NIGHTSHIFT_TEST_DATA={given} is no folder: name the one with the data files")
    return folder if folder.is_dir() else None
