"""One Spark for all tests of this folder, and silver of every use case, simulated."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs import use_cases
from spark_jobs.session import spark_session
from tests.use_cases.simulated import Simulated, simulated

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    os.environ["PYTHONPATH"] = str(CHECKOUT)  # Spark's workers import our modules too
    os.chdir(tmp_path_factory.mktemp("working"))
    session = spark_session("tests", cores="2")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def lake_of(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Simulated]:
    """Made once per use case and run of the tests."""

    @cache
    def made(name: str) -> Simulated:
        return simulated(spark, use_cases.load(name), tmp_path_factory.mktemp(name))

    return made
