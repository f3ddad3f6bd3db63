"""Settings of the tests, the only place that reads them; and one Spark."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CHECKOUT = Path(__file__).parents[1]


def pytest_report_header() -> str:
    folder = _published()
    return f"real data: {folder or 'none, simulated data stand in (NIGHTSHIFT_TEST_DATA names their folder)'}"


@pytest.fixture(scope="session")
def published() -> Path | None:
    """The folder with real data files. None: tests that can take either run on simulated data."""
    return _published()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator["SparkSession"]:
    """For all tests of a process, on two cores, as a job has it."""
    from spark_jobs.session import spark_session

    os.environ["PYTHONPATH"] = str(CHECKOUT)  # Spark's workers import our modules too
    os.chdir(tmp_path_factory.mktemp("working"))
    session = spark_session("tests", cores="2")
    yield session
    session.stop()


def _published() -> Path | None:
    given = os.environ.get("NIGHTSHIFT_TEST_DATA")
    folder = Path(given) if given else CHECKOUT.parent / "shared" / "data"
    if given and not folder.is_dir():
        raise pytest.UsageError(f"NIGHTSHIFT_TEST_DATA={given} is no folder: name the one with the data files")
    return folder if folder.is_dir() else None
