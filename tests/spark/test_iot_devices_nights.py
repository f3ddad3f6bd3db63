"""iot_devices from lines of JSON to alarms: nothing is lost, nothing counts twice, and a day is the same however it came."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import Job, Place, Stage, Window
from spark_jobs.stages import ingest, refine, report
from spark_jobs.use_cases.iot_devices.use_case import USE_CASE
from spark_jobs.work import Work

DAY = timedelta(days=1)
FIRST = date(2024, 3, 1)
TABLES = ("gold/device_hours", "gold/country_hours", "gold/alarms")
STAGES = {Stage.INGEST: ingest, Stage.REFINE: refine, Stage.REPORT: report}


@dataclass(frozen=True)
class Fleet:
    spark: SparkSession
    folder: Path
    source: str = "simulated"

    def work(self, stage: Stage, window: Window) -> Work:
        address = f"sqlite:///{self.folder}/mlflow.db"
        place = Place(
            lake=f"{self.folder}/lake",
            landing=f"{self.folder}/landing",
            tracking=address,
            registry=address,
            source=self.source,
            simulation="devices=12,pause=900,late=0.05,twice=0.03,broken=0.02",
        )
        job = Job(stage=stage, use_case=USE_CASE.name, window=window)
        return Work(job=job, place=place, use_case=USE_CASE, spark=self.spark)

    def night(self, first: int, last: int | None = None) -> dict[str, Any]:
        window = Window.of(FIRST + first * DAY, FIRST + (first if last is None else last) * DAY)
        return {str(stage): module.run(self.work(stage, window)) for stage, module in STAGES.items()}
