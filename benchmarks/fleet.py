"""Features of a fleet whose tables are Parquet files. It needs what jobs need and no more: a stack's container runs it.

python benchmarks/fleet.py <folder> <days> <engine> <token> <times>
"""

import sys
import time
from collections.abc import Mapping
from datetime import date, timedelta

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import Place, Window
from spark_jobs.session import spark_session
from spark_jobs.tables.gold import days_sql
from spark_jobs.use_cases.predictive_maintenance.features import features
from spark_jobs.use_cases.predictive_maintenance.use_case import USE_CASE

FIRST = date(2024, 1, 1)


def frames(spark: SparkSession, folder: str, days: int) -> Mapping[str, DataFrame]:
    files = {table.name: f"{folder}/{table.name}.parquet" for table in USE_CASE.tables}
    files["telemetry"] = f"{folder}/telemetry"
    found = spark.sql(days_sql([Window(start=FIRST, end=FIRST + timedelta(days=days))]))
    return {name: spark.read.parquet(path) for name, path in files.items()} | {"days": found}


def ours(spark: SparkSession, folder: str, days: int) -> None:
    features(frames(spark, folder, days)).write.mode("overwrite").parquet(f"{folder}/ours")


def main(folder: str, days: int, engine: str, token: str, times: int) -> None:
    """Prints the seconds of each time."""
    with spark_session(
        Place(lake=folder, landing="", tracking="", registry="", engine=engine, token=token), "fleet"
    ) as spark:
        for _ in range(times):
            began = time.perf_counter()
            ours(spark, folder, days)
            sys.stdout.write(f"{time.perf_counter() - began}\n")


if __name__ == "__main__":
    where, day_count, address, word, turns = sys.argv[1:]
    main(where, int(day_count), address, word, int(turns))
