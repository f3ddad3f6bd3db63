"""Silver of every use case, simulated."""

from collections.abc import Callable
from functools import cache

import pytest
from pyspark.sql import SparkSession

from spark_jobs import use_cases
from tests.use_cases.simulated import Simulated, simulated


@pytest.fixture(scope="session")
def lake_of(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Simulated]:
    """Made once per use case and run of the tests."""

    @cache
    def made(name: str) -> Simulated:
        return simulated(spark, use_cases.learning(name), tmp_path_factory.mktemp(name))

    return made
