"""The same seed, the same winner, with 1, 2 and 4 workers, by whichever way and wherever a kind fits."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from engine.running import running
from spark_jobs.learning.search import search
from tests.spark import test_search_on_spark as on_spark
from tests.spark import tiny
from tests.spark.test_search import WAYS, essence, searching

ROOT = Path(__file__).parents[2]


def of_all_ways(spark: SparkSession) -> dict[str, list[tuple[Any, ...]]]:
    found = {way: search(searching(spark, declared=declared, folds=3)) for way, declared in WAYS.items()}
    found["grid on Spark"] = search(on_spark.searching(spark))
    return {way: essence(attempts) for way, attempts in found.items()}


def searched_with(cores: int, folder: Path) -> dict[str, Any]:
    """By an engine of its own, that has this many workers."""
    with running(folder / str(cores), folder / f"lake{cores}", cores=str(cores), memory="1g") as engine:
        command = [sys.executable, "-m", "tests.spark.search_alone", engine.address, str(engine.token)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.long  # engines of its own
def test_one_two_and_four_workers_find_the_same_winner(world: tiny.World, tmp_path: Path) -> None:
    with_two = json.loads(json.dumps(of_all_ways(world.spark)))
    assert {way: len(found) for way, found in with_two.items()} == {
        **{"grid": 9, "genetic": 20, "optuna": 20},
        "grid on Spark": 6,
    }
    for way, found in with_two.items():
        assert any(given_up for *_, given_up in found) is (way in ("genetic", "optuna"))
    assert searched_with(1, tmp_path) == with_two
    assert searched_with(4, tmp_path) == with_two
