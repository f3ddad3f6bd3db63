"""Simulated silver of any use case, made by the stages: long enough for one look back, and some days more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from spark_jobs import use_cases
from spark_jobs.declare import Job, Place, Stage, UseCase, Window
from spark_jobs.stages import ingest, refine
from spark_jobs.tables.gold import days_sql
from spark_jobs.tables.silver import Silver
from spark_jobs.work import Work

START = date(2024, 2, 20)  # a leap day lies within
DAYS_ASKED = timedelta(days=4)

Frames = Mapping[str, DataFrame]


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """The frames a use case's functions get for the last days of what was simulated."""

    use_case: UseCase
    asked: Window
    frames: Frames

    @property
    def features(self) -> Callable[[Frames], DataFrame]:
        function: Callable[[Frames], DataFrame] = use_cases.part(self.use_case.name, "features").features
        return function

    @cached_property
    def stamps(self) -> DataFrame:
        """The keys of the rows there are."""
        return self.features(self.frames).select(*self.use_case.features.key).cache()


def simulated(spark: SparkSession, use_case: UseCase, folder: Path) -> Simulated:
    lookback = use_case.features.lookback + DAYS_ASKED
    window = Window.of(START, START + lookback)
    place = Place(lake=f"{folder}/lake", landing=f"{folder}/landing", tracking="", registry="")
    work, brings = (_work(spark, one, place, window) for one in (use_case, use_cases.learning(use_case.source)))
    ingest.run(brings)
    refine.run(brings)
    asked = Window(start=window.end - DAYS_ASKED, end=window.end)
    frames = Silver.of(work).frames([asked], before=use_case.features.lookback)
    frames = {name: frame.cache() for name, frame in frames.items()}
    return Simulated(use_case=use_case, asked=asked, frames=frames | {"days": spark.sql(days_sql([asked]))})


def _work(spark: SparkSession, use_case: UseCase, place: Place, window: Window) -> Work:
    job = Job(stage=Stage.INGEST, use_case=use_case.name, window=window)
    return Work(job=job, place=place, use_case=use_case, spark=spark)
