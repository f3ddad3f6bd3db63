"""What answers over HTTP needs neither Spark nor Airflow."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCKED = """
import sys
from importlib.abc import MetaPathFinder

class No(MetaPathFinder):
    def find_spec(self, name, *_):
        if name.partition('.')[0] in ('pyspark', 'airflow', 'delta', 'pandas'):
            raise ImportError('blocked: ' + name)

sys.meta_path.insert(0, No())
"""
KINDS = """
import numpy as np, pyarrow as pa
from spark_jobs import use_cases
from spark_jobs.kinds import Why, kind
from spark_jobs.kinds.in_memory import InMemory
for name in ('xgboost', 'sklearn', 'blend'):
    kind(name)
for name in ('census_income', 'wine_quality', 'predictive_maintenance'):
    assert use_cases.part(name, 'model').decisions()
use_cases.that_learn()
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCKED + code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_kinds_that_fit_in_memory_and_decisions_are_there_without_spark() -> None:
    done = run(KINDS)
    assert done.returncode == 0, done.stderr


def test_the_block_holds() -> None:
    assert "blocked: pyspark" in run("import spark_jobs.kinds.spark_ml").stderr
