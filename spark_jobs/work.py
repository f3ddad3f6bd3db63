"""What a stage is given and what it gives back."""

from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from spark_jobs.declare import Job, Place, Tables, UseCase
from spark_jobs.lakehouse import Lake

Result = dict[str, Any]  # what crosses back: numbers, versions, links; never data


@dataclass(frozen=True, kw_only=True)
class Work:
    """A job with its hands on the lake."""

    job: Job
    place: Place
    use_case: Tables
    spark: SparkSession

    @property
    def lake(self) -> Lake:
        return Lake(self.spark, self.place.lake, self.use_case.name, self.use_case.source)


@dataclass(frozen=True, kw_only=True)
class Lesson(Work):
    """Of a use case that learns."""

    use_case: UseCase


def work(job: Job, place: Place, use_case: Tables, spark: SparkSession) -> Work:
    """What its stages are given."""
    if isinstance(use_case, UseCase):
        return Lesson(job=job, place=place, use_case=use_case, spark=spark)
    return Work(job=job, place=place, use_case=use_case, spark=spark)
