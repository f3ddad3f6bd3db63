"""Bike sharing through its stages, on simulated days: a first range, then the night after it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import Job, Place, Retrain, Stage, Window, tags
from spark_jobs.lakehouse import Lake
from spark_jobs.stages import evaluate, features, ingest, refine, score, train
from spark_jobs.use_cases.bike_sharing import model
from spark_jobs.use_cases.bike_sharing.use_case import USE_CASE
from spark_jobs.work import Result, Work

pytestmark = pytest.mark.timeout(1200)

RANGE = Window(start=date(2024, 1, 1), end=date(2024, 4, 20))
NIGHT = Window.of(RANGE.end)
SMALL = replace(USE_CASE, search=replace(USE_CASE.search, trials=2, batch=2))


@dataclass(frozen=True, kw_only=True)
class City:
    spark: SparkSession
    folder: Path

    @property
    def address(self) -> str:
        return f"sqlite:///{self.folder}/mlflow.db"

    @property
    def lake(self) -> Lake:
        return Lake(self.spark, f"{self.folder}/lake", SMALL.name)

    def run(self, stage: Any, window: Window, **job: Any) -> Result:
        place = Place(
            lake=f"{self.folder}/lake",
            landing=f"{self.folder}/landing",
            tracking=self.address,
            registry=self.address,
        )
        asked = Job(stage=Stage(stage.__name__.split(".")[-1]), use_case=SMALL.name, window=window, **job)
        result: Result = stage.run(Work(job=asked, place=place, use_case=SMALL, spark=self.spark))
        return result

    def prepare(self, window: Window) -> None:
        for stage in (ingest, refine, features):
            self.run(stage, window)

    def train_only(self, candidate: str) -> str:
        """The version that comes of it."""
        with pytest.MonkeyPatch.context() as patch:
            chosen = tuple(one for one in model.candidates() if one.name == candidate)
            patch.setattr(model, "candidates", lambda: chosen)
            return str(self.run(train, RANGE, retrain=Retrain.ALWAYS)["version"])

    def promote(self, version: str) -> None:
        MlflowClient(self.address, self.address).set_registered_model_alias(SMALL.name, tags.CHAMPION, version)

    def daily(self, day: date) -> DataFrame:
        return self.lake.gold("daily").read().where(f"day = DATE'{day}'")


@pytest.fixture(scope="module")
def city(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Prepared, with both kinds of model: version 1 is the linear reference, version 2 the boosting one."""
    made = City(spark=spark, folder=tmp_path_factory.mktemp("city"))
    made.prepare(RANGE)
    for candidate in ("linear", "boosting"):
        made.train_only(candidate)
    yield made


def test_the_linear_reference_can_be_promoted_and_scores(city: City) -> None:
    city.promote("1")
    assert city.run(score, RANGE)["version"] == "1"
    ahead = city.lake.gold("predictions").read().where(f"day = DATE'{RANGE.end}' AND model_version = 1")
    assert ahead.count() >= 20
    assert ahead.where("prediction IS NULL").count() == 0


def test_boosting_beats_the_reference_and_takes_its_place(city: City) -> None:
    city.promote("1")
    verdict = city.run(evaluate, RANGE, version="2")
    assert (verdict["verdict"], verdict["champion"]) == ("PROMOTE", "1")
    numbers = verdict["numbers"]
    assert numbers["challenger"]["rmse"] < 0.8 * numbers["champion"]["rmse"]
    assert numbers["challenger"]["r2"] > 0.8


def test_tomorrow_is_foretold_tonight_and_counted_the_night_after(city: City) -> None:
    city.promote("2")
    city.run(score, RANGE)
    (foretold,) = city.daily(RANGE.end).collect()
    assert foretold.predicted_cnt > 0
    assert (foretold.cnt, foretold.casual, foretold.registered) == (None, None, None)

    city.prepare(NIGHT)
    city.run(score, NIGHT)
    (counted,) = city.daily(RANGE.end).collect()
    assert counted.predicted_cnt == foretold.predicted_cnt
    assert counted.cnt == counted.casual + counted.registered > 0
    assert city.daily(NIGHT.end).count() == 1
