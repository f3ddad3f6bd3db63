"""Asks Spark's own resolver for Delta's JARs, once. Runs in the Spark environment: `python -m local.jars FOLDER`."""

import os
import re
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pyspark

SCALA = "2.13"


def delta() -> str:
    """Delta names its JARs after the Spark they are for."""
    spark = ".".join(version("pyspark").split(".")[:2])
    return f"io.delta:delta-spark_{spark}_{SCALA}:{version('delta-spark')}"


def resolved(packages: Sequence[str], without: str = "") -> list[Path]:
    os.environ["PYSPARK_SUBMIT_ARGS"] = (
        f"--packages {','.join(packages)} {f'--exclude-packages {without}' if without else ''} "
        "--conf spark.ui.enabled=false --conf spark.driver.bindAddress=127.0.0.1 "
        "--conf spark.driver.host=127.0.0.1 pyspark-shell"
    )
    with pyspark.SparkContext(master="local[1]", appName="resolve JARs") as context:
        return [Path(jar.removeprefix("file:")) for jar in context.getConf().get("spark.jars", "").split(",")]


def artifact(jar: str) -> str:
    """The name without group and version: Ivy writes `group_artifact-version.jar`."""
    return re.sub(r"-\d[^-]*(-\d+)?\.jar$", "", jar)


def missing_in_spark(jars: list[Path]) -> list[Path]:
    """Two versions of one artifact on the class path would be a matter of luck: Spark's own wins."""
    shipped = {artifact(jar.name) for jar in (Path(pyspark.__file__).parent / "jars").glob("*.jar")}
    return [jar for jar in jars if artifact(jar.name.split("_", 1)[1]) not in shipped]


def main(folder: Path, packages: Sequence[str] = (), without: str = "") -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for jar in missing_in_spark(resolved((delta(), *packages), without)):
        shutil.copy(jar, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
