"""Census income from ingest to score: parted by strata, read by models that know no protected column, by groups."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from spark_jobs.declare import Stage, Window, tags
from spark_jobs.use_cases.census_income.use_case import USE_CASE
from tests.spark.cellar import DAY, FIRST, Cellar
from tests.spark.wine_files import Predicting

RANGE = Window.of(FIRST, FIRST + DAY * 15)
# What is searched is what people get, with fewer trials and rounds.
SMALL = replace(USE_CASE, search=replace(USE_CASE.search, trials=4, batch=4, folds=2))


@pytest.fixture(scope="module")
def census(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Cellar:
    """Sixteen simulated days, the first version, and a verdict that made it champion."""
    made = Cellar(spark, tmp_path_factory.mktemp("census"), source="simulated")
    shutil.copy(empty_mlflow, made.folder / "mlflow.db")
    MlflowClient(made.address).create_experiment(SMALL.name, artifact_location=f"{made.folder}/artifacts")
    made.prepare(SMALL, RANGE)
    made.run(Stage.TRAIN, SMALL, RANGE)
    return made


def text(census: Cellar, name: str) -> str:
    client = MlflowClient(census.address, census.address)
    run = str(client.get_model_version(SMALL.name, "1").run_id)
    return Path(client.download_artifacts(run, name)).read_text()


def told(census: Cellar) -> dict[str, str]:
    return dict(MlflowClient(census.address, census.address).get_model_version(SMALL.name, "1").tags)


def test_each_stratum_is_parted_by_its_own_shares_and_the_run_shows_it(census: Cellar) -> None:
    table = json.loads(text(census, "strata.json"))
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert [row["above_50k and sex"] for row in rows] == ["0, Female", "0, Male", "1, Female", "1, Male"]
    for row in rows:
        assert row["judge"] == int(row["rows"] * 0.25 + 0.5)
        assert row["train"] + row["validate"] + row["judge"] == row["rows"]
    known = census.table(SMALL, "gold", "labels").count()
    assert sum(row["rows"] for row in rows) == known


def test_no_version_reads_a_protected_column(census: Cellar) -> None:
    reads = told(census)[tags.FEATURES].split(",")
    assert set(USE_CASE.features.columns) - {*reads} == {"race", "sex"}


def test_a_person_whose_race_and_sex_are_others_is_scored_alike(census: Cellar, spark: SparkSession) -> None:
    from spark_jobs.learning.registered import registered
    from spark_jobs.tracking import tracking

    work = census.work(Stage.SCORE, SMALL, RANGE)
    people = census.table(SMALL, "gold", "features").limit(50).cache()
    others = people.withColumns({"race": f.lit("Other"), "sex": f.lit("Female")})
    with tracking(work.place, SMALL) as book:
        model = registered(book.version("1")).model(book, SMALL, spark)
    ours, theirs = (model.score(frame, ["person"]).orderBy("person").collect() for frame in (people, others))
    assert ours == theirs


def test_a_verdict_looks_at_every_group_and_what_passes_scores_everybody(census: Cellar) -> None:
    verdict: Any = census.run(Stage.EVALUATE, SMALL, RANGE, version="1")
    assert verdict["verdict"] == "PROMOTE", verdict
    numbers = verdict["numbers"]["challenger"]
    assert numbers["accuracy"] > numbers["accuracy_of_always_no"]
    slices = json.loads(text(census, "verdict.json"))["numbers"]["groups"]["slices"]
    assert set(slices) == {"sex", "race"}
    assert {"Male", "Female"} == {*slices["sex"]["groups"]}
    client = MlflowClient(census.address, census.address)
    client.set_registered_model_alias(SMALL.name, tags.CHAMPION, "1")
    census.run(Stage.SCORE, SMALL, RANGE)
    scored = census.table(SMALL, "gold", "predictions")
    assert scored.count() == census.table(SMALL, "gold", "features").count()
    judged = scored.where("NOT in_fitting").count()
    assert 0.2 * scored.count() < judged <= verdict["numbers"]["rows"]
    words = (
        scored.select(f.explode("reasons").alias("why")).where("why.word IS NOT NULL").select("why.feature").distinct()
    )
    assert {row["feature"] for row in words.collect()} <= {*USE_CASE.features.categories}
    assert words.count() > 2


ADULT_TEST = """|1x3 Cross validator
25, Private, 226802, 11th, 7, Never-married, Machine-op-inspct, Own-child, Black, Male, 0, 0, 40, United-States, <=50K.
52, ?, 120478, Masters, 14, Married-civ-spouse, ?, Husband, White, Male, 15024, 0, 60, United-States, >50K.
44, Private, 160323, PhD, 10, Married-civ-spouse, Machine-op-inspct, Husband, Black, Male, 7688, 0, 40, ?, >50K.

"""


def test_a_file_as_the_archive_has_it_is_predicted(census: Cellar, tmp_path: Path) -> None:
    """It has a remark for a header, blanks, labels with a full stop, and what nobody knows."""
    asked = Predicting(census.spark, tmp_path, census.address, SMALL)
    young, old, strange = asked.rows(asked.file("adult.test", ADULT_TEST), wanted="1")
    assert (young["age"], young["called_above_50k"], young["problem"]) == ("25", 0, None)
    assert (old["workclass"], old["called_above_50k"]) == (" ?", 1)
    assert young["probability"] < 0.2
    assert old["probability"] > 0.8
    assert {"age", "capital_gain", "marital_status"} & {one["feature"] for one in old["reasons"]}
    assert (strange["probability"], strange["problem"][:24]) == (None, "education is none of Pre")
