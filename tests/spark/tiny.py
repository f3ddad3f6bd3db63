"""A use case small enough to read: y is 3 x1 + x2, one row an hour. Its model.py and features.py are this module."""

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test
from mlflow.entities import Run  # noqa: TID253 - as above
from mlflow.tracking._tracking_service import utils as mlflow_addresses  # noqa: TID253 - as above
from pyspark.sql import SparkSession

from spark_jobs import tracking
from spark_jobs.declare import (
    Column,
    Features,
    Gate,
    Job,
    Kind,
    Labels,
    Place,
    RawTable,
    Real,
    Search,
    Space,
    Stage,
    TimeSplit,
    UseCase,
    Whole,
    Window,
    tags,
)
from spark_jobs.kinds import Candidate
from spark_jobs.lakehouse import Lake
from spark_jobs.stages import evaluate, ingest, refine, score, train
from spark_jobs.work import Lesson, Result

DAY = timedelta(days=1)
START = date(2024, 1, 1)
SPACE: Space = {"max_depth": Whole(low=1, high=4), "eta": Real(low=0.05, high=0.5)}

USE_CASE = UseCase(
    name="tiny",
    summary="What y will be",
    grain="one row per hour",
    tables=(
        RawTable(
            name="facts",
            columns=(Column(name="time", kind=Kind.MOMENT), Column(name="y")),
            key=("at",),
            day_column="time",
            event_time="time",
        ),
    ),
    features=Features(key=("at",), columns=("x1", "x2"), lookback=DAY),
    labels=Labels(columns=("y",), horizon=timedelta(), clock="facts"),
    split=TimeSplit(judge=7 * DAY, validate=7 * DAY, embargo=DAY),
    gate=Gate(metric="rmse", better="lower", limit=2.0, margin=0.01, rows=48, resamples=100),
    search=Search(trials=4, batch=2, seed=3, spaces={"boosted": SPACE}),
    history=365 * DAY,
)


def candidates() -> tuple[Candidate, ...]:
    return (Candidate(name="boosted", kind="xgboost", params={"rounds": 60, "patience": 5}),)


def measure(judged: pd.DataFrame, constants: Mapping[str, float]) -> dict[str, float]:
    error = judged["prediction"] - judged["y"]
    return {"rmse": float(np.sqrt((error**2).mean())), "mae": float(error.abs().mean())}


def facts(days: int, start: date = START, noise: float = 0.1) -> pd.DataFrame:
    """Features and labels of some days; the same hour always looks the same."""
    hours = pd.date_range(datetime(2024, 1, 1), periods=24 * 400, freq="h")
    draw = np.random.default_rng(5)
    x1, x2, error = draw.normal(size=(3, len(hours)))
    whole = pd.DataFrame({"at": hours, "x1": x1, "x2": x2, "y": 3 * x1 + x2 + noise * error})
    first = pd.Timestamp(start)
    return whole[(whole["at"] >= first) & (whole["at"] < first + pd.Timedelta(days=days))].reset_index(drop=True)


PATHS = (
    *(("experiments", "artifact_location"), ("runs", "artifact_uri")),
    *(("model_versions", "source"), ("model_versions", "storage_location")),
)


class World:
    """A lake and an MLflow of its own, with the stages as a night calls them."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        address = f"sqlite:///{folder}/mlflow.db"
        self.spark = spark
        self.place = Place(
            lake=f"{folder}/lake", landing=f"{folder}/landing", tracking=address, registry=address, source="own"
        )
        self.folder = folder
        self.use_case = USE_CASE
        self.client = MlflowClient(address, address)

    @classmethod
    def copied(cls, spark: SparkSession, original: Path, folder: Path) -> "World":
        """Quicker than to do the same again. MLflow knows its files by their whole path."""
        shutil.copytree(original, folder)
        with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
            for table, column in PATHS:
                moved = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
                database.execute(moved, (str(original), str(folder)))
        # MLflow remembers for the whole process where a run's files lie, and copies share their runs.
        mlflow_addresses._artifact_repos_cache.clear()
        return cls(spark, folder)

    @property
    def lake(self) -> Lake:
        return Lake(self.spark, self.place.lake, self.use_case.name)

    def work(self, stage: Stage, days: int, first: int = 0, **job: Any) -> Lesson:
        """The window of `days` days from day `first` on."""
        window = Window(start=START + first * DAY, end=START + (first + days) * DAY)
        asked = Job(stage=stage, use_case=self.use_case.name, window=window, **job)
        return Lesson(job=asked, place=self.place, use_case=self.use_case, spark=self.spark)

    def fill(self, rows: pd.DataFrame) -> None:
        """Gold as the stage features leaves it."""
        frame = self.spark.createDataFrame(rows).selectExpr("CAST(at AS DATE) AS day", "*")
        self.lake.gold("features").replace(frame.drop("y"), None, {})
        self.lake.gold("labels").replace(frame.select("day", "at", "y"), None, {})

    def deliver(self, rows: pd.DataFrame, name: str) -> None:
        """A file of facts arrives, after the last of them, and goes into silver."""
        folder = Path(self.place.landing) / self.use_case.name / "facts" / (START + 100 * DAY).isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        file = rows.assign(time=rows["at"].dt.strftime("%Y-%m-%d %H:%M:%S"))[["time", "y"]]
        file.to_csv(folder / f"{name}.csv", index=False)
        for stage, run in ((Stage.INGEST, ingest.run), (Stage.REFINE, refine.run)):
            run(self.work(stage, 1))

    def train(self, days: int, **job: Any) -> Result:
        return train.run(self.work(Stage.TRAIN, days, **job))

    def evaluate(self, days: int, version: str, **job: Any) -> Result:
        return evaluate.run(self.work(Stage.EVALUATE, days, version=version, **job))

    def score(self, days: int, first: int = 0, **job: Any) -> Result:
        return score.run(self.work(Stage.SCORE, days, first, **job))

    def crown(self, version: str) -> None:
        self.client.set_registered_model_alias(self.use_case.name, tags.CHAMPION, version)

    def parent(self) -> str:
        """A night's run, as the act that opens it makes it."""
        found = self.client.get_experiment_by_name(self.use_case.name)
        experiment = found.experiment_id if found else self.client.create_experiment(self.use_case.name)
        return str(self.client.create_run(experiment).info.run_id)

    def children(self, run: str) -> list[Run]:
        """The runs below another, oldest first; without one: all that stand alone."""
        found = self.client.get_experiment_by_name(self.use_case.name)
        assert found
        runs = self.client.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"])
        return [one for one in runs if one.data.tags.get(tracking.PARENT, "") == run]

    def tags_of(self, version: str) -> dict[str, str]:
        return dict(self.client.get_model_version(self.use_case.name, version).tags)
