"""Stages talk to Spark through Connect alone: it is all that an engine, serverless and a shared cluster offer."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

JOBS = Path(__file__).parents[2] / "spark_jobs"
LACKING = {"sparkContext", "SparkContext", "sqlContext", "rdd", "_jvm", "_jsc", "_jdf", "_sc", "_jsparkSession"}
LACKING |= {"cache", "persist", "unpersist", "createGlobalTempView", "createOrReplaceGlobalTempView"}  # serverless too
NOT_OF_SPARK = {"functools"}  # it has a `cache` as well


def touched(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in LACKING:
            if not (isinstance(node.value, ast.Name) and node.value.id in NOT_OF_SPARK):
                yield f"{node.lineno}: .{node.attr}"
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("pyspark"):
            yield from (f"{node.lineno}: {one.name}" for one in node.names if one.name in LACKING)


def test_no_job_touches_what_connect_lacks() -> None:
    files = sorted(JOBS.rglob("*.py"))
    found = {str(file.relative_to(JOBS)): list(touched(file.read_text(encoding="utf-8"))) for file in files}
    assert len(found) > 50
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    ["spark.sparkContext.setLogLevel('WARN')", "frame.rdd.map(f)", "frame.cache()", "from pyspark import SparkContext"],
)
def test_whoever_touches_it_is_found(line: str) -> None:
    assert list(touched(line))
