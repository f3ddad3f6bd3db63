"""The only module that knows Spark's settings."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

INSTALLED = Path(sys.prefix) / "share" / "nightshift"
JARS = INSTALLED / "jars"
CLASSES = INSTALLED / "classes.jsa"
JAVA = INSTALLED / "java"

HEAVY: tuple[str, ...] = ("-XX:+UseSerialGC",)
# The first compiler alone gets a small code cache by default; Spark fills it within a minute, and Java then interprets.
LIGHT: tuple[str, ...] = (*HEAVY, "-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m")

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",  # a tenth faster through Python than 10,000
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.databricks.delta.skipRecordingEmptyCommits": "false",  # a write of no rows leaves its note too
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.driver.memory": "1600m",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}

# A small window holds so few rows that to write and compile code for each query takes longer than all it saves.
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


def spark_session(name: str, *, cores: str = "*", heavy: bool = False, flags: Sequence[str] = ()) -> SparkSession:
    """A session of the surrounding platform where there is one, else a local one that starts fast."""
    if "DATABRICKS_RUNTIME_VERSION" in os.environ:
        return SparkSession.builder.getOrCreate()
    os.environ["PYSPARK_PYTHON"] = sys.executable
    if JAVA.exists():  # the one the class archive was made with
        os.environ["JAVA_HOME"] = str(JAVA)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.appName(name).master(f"local[{cores}]")
    settings = SETTINGS | ({} if heavy else INTERPRETED) | java_settings(heavy=heavy, flags=flags)
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def java_settings(*, heavy: bool, flags: Sequence[str] = ()) -> dict[str, str]:
    """Delta's JARs on the class path, where the class archive finds them too."""
    flags = [*(HEAVY if heavy else LIGHT), "-Dderby.system.home=/nonexistent", *flags]
    if CLASSES.exists():
        flags += [f"-XX:SharedArchiveFile={CLASSES}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    return {
        "spark.driver.extraClassPath": ":".join(map(str, sorted(JARS.glob("*.jar")))),
        "spark.driver.extraJavaOptions": " ".join(flags),
    }
