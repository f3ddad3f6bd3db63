"""The rivals of the engine: jobs, an argument each, in a classic Spark that starts with them and ends with them."""

import shlex
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

from pyspark.sql import SparkSession

from spark_jobs import use_cases
from spark_jobs.declare import Job, Place, parse
from spark_jobs.session import INTERPRETED
from spark_jobs.work import Work


def main(words: Sequence[str]) -> None:
    """Imports while Java starts. Settings come with the command."""
    jobs = [parse(shlex.split(word)) for word in words]
    with ThreadPoolExecutor(1) as aside:
        aside.submit(lambda: [import_module(f"spark_jobs.stages.{job.stage}") for _, job in jobs])
        spark = SparkSession.builder.getOrCreate()
    for place, job in jobs:
        run(place, job, spark)
    spark.stop()


def run(place: Place, job: Job, spark: SparkSession) -> None:
    for setting, value in (INTERPRETED if job.small else {}).items():
        spark.conf.set(setting, value)
    work = Work(job=job, place=place, use_case=use_cases.learning(job.use_case), spark=spark)
    import_module(f"spark_jobs.stages.{job.stage}").run(work)


if __name__ == "__main__":
    main(sys.argv[1:])
