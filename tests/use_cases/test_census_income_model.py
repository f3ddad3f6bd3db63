"""What the models of census income are measured by, and what Spark's own make of words."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from spark_jobs import use_cases
from spark_jobs.declare import BadDeclaration
from spark_jobs.kinds import Candidate, Columns
from spark_jobs.use_cases.census_income import model, people
from spark_jobs.use_cases.census_income.use_case import PEOPLE, USE_CASE

COLUMNS = Columns.of(USE_CASE)
AT_HALF = {"threshold": 0.5}
ON_SPARK = ("logistic", "tree", "boosted_trees")


def test_measures_stand_beside_what_always_no_is_worth() -> None:
    judged = pd.DataFrame({"above_50k": [1, 0, 0, 0], "probability": [0.9, 0.6, 0.1, 0.2], "sex": "Male"})
    found = model.measure(judged, AT_HALF)
    assert (found["auc"], found["accuracy"], found["accuracy_of_always_no"]) == (1.0, 0.75, 0.75)
    assert (found["precision"], found["recall"]) == (0.5, 1.0)
    assert found["f1"] == pytest.approx(2 / 3)


def test_a_model_depends_on_what_use_cases_measure_alike_and_not_on_pictures() -> None:
    code = use_cases.text(USE_CASE.name, "model")
    assert "def threshold_between" in code
    assert "def roc" not in code


def test_somebody_is_called_above_50k_from_where_accuracy_and_f1_are_best_together() -> None:
    """From .8 on four of six are right and F1 is .67; from .9 on as many, and .5; from .2 on three, and .67."""
    rows = {"above_50k": [1, 0, 1, 0, 0, 1], "probability": [0.9, 0.8, 0.8, 0.3, 0.25, 0.2]}
    assert model.calibrate(pd.DataFrame(rows)) == {"threshold": 0.8}
    draw = np.random.default_rng(5)
    chance = draw.integers(1, 20, 300) / 20
    judged = pd.DataFrame({"above_50k": (draw.random(300) < chance).astype(int), "probability": chance})
    worth = {
        at: sum(model.measure(judged, {"threshold": at})[name] for name in (*4 * ("accuracy",), "f1"))
        for at in set(chance)
    }
    assert worth[model.calibrate(judged)["threshold"]] == pytest.approx(max(worth.values()))


def test_pictures_are_drawn_of_all_and_of_each_sex() -> None:
    judged = pd.DataFrame({"above_50k": [1, 0, 0], "probability": [0.9, 0.6, 0.1], "sex": ["Male", "Male", "Female"]})
    importance = pd.DataFrame({"label": ["above_50k"], "feature": ["age"], "importance": [1.0]})
    assert set(model.plots(judged, AT_HALF, importance)) == {"roc", "calibration", "precision_recall", "importance"}
    assert set(model.plots(judged, AT_HALF, importance.iloc[:0])) == {"roc", "calibration", "precision_recall"}


def test_no_model_reads_a_protected_column() -> None:
    assert not {"race", "sex"} & {*COLUMNS.features}
    assert {"race", "sex"} < {*USE_CASE.features.columns}


@pytest.fixture(scope="module")
def some(spark: SparkSession) -> DataFrame:
    """Three thousand simulated people, and of some the occupation is not known."""
    rows = people.people(date(2024, 3, 1), {**USE_CASE.simulation, "people": 3000, "missing": 0.05})
    frame = spark.createDataFrame(pd.DataFrame(rows, columns=list(PEOPLE.column_names)).replace("?", None))
    numbers = [column.name for column in PEOPLE.columns if not column.codes]
    for name in numbers:
        frame = frame.withColumn(name, f.col(name).cast("int"))
    return frame.withColumn("above_50k", (f.col("income") == ">50K").cast("int")).drop("income").cache()


@pytest.fixture(scope="module")
def fitted(some: DataFrame) -> dict[str, Any]:
    known = {one.name: one for one in model.candidates()}
    short = {"boosted_trees": {"maxIter": 3}}
    return {name: known[name].fit(some, {**known[name].params, **short.get(name, {})}, COLUMNS) for name in ON_SPARK}


@pytest.mark.parametrize("name", ON_SPARK)
def test_spark_s_own_models_tell_people_apart(fitted: dict[str, Any], some: DataFrame, name: str) -> None:
    judged = fitted[name].score(some, ["above_50k"]).toPandas()
    assert model.measure(judged, AT_HALF)["auc"] > 0.85


def test_the_logistic_regression_learns_that_the_middle_of_a_number_is_best(some: DataFrame) -> None:
    grown = some.withColumn("above_50k", f.col("age").between(35, 50).cast("int"))
    logistic = next(one for one in model.candidates() if one.name == "logistic")
    judged = logistic.fit(grown, {}, COLUMNS).score(grown, ["above_50k"]).toPandas()
    assert model.measure(judged, AT_HALF)["auc"] > 0.97


@pytest.mark.parametrize("name", ON_SPARK)
def test_to_them_a_new_word_is_as_one_that_is_missing(fitted: dict[str, Any], some: DataFrame, name: str) -> None:
    ten = some.limit(10)
    missing, new = (ten.withColumn("occupation", f.lit(word).cast("string")) for word in (None, "Sorcerer"))
    given = [fitted[name].score(frame, []).toPandas()["probability"].tolist() for frame in (missing, new)]
    assert given[0] == given[1]
    assert all(0 <= one <= 1 for one in given[0])


def test_to_them_too_a_heavy_row_is_many_rows(some: DataFrame) -> None:
    logistic = next(one for one in model.candidates() if one.name == "logistic")
    old = f.col("age") > 40
    rows = some.limit(800).withColumn("heavy", f.when(old, 3.0).otherwise(1.0))
    many = rows.unionByName(rows.where(old)).unionByName(rows.where(old))
    asked = some.limit(50)

    def chances(frame: DataFrame, weight: str = "") -> list[float]:
        found = logistic.fit(frame, {"regParam": 0.01}, replace(COLUMNS, weight=weight)).score(asked, [])
        return [row["probability"] for row in found.collect()]

    assert chances(rows, "heavy") == pytest.approx(chances(many), abs=1e-4)
    assert chances(rows, "heavy") != pytest.approx(chances(rows), abs=1e-2)


def test_a_pipeline_that_takes_no_weights_is_refused_where_rows_weigh(some: DataFrame) -> None:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import VectorAssembler

    blind = Candidate(
        name="blind",
        kind="spark_ml",
        build=lambda _: Pipeline(stages=[VectorAssembler(inputCols=["age"], outputCol="vector")]),
    )
    with pytest.raises(BadDeclaration, match=r"features\.weight is age, and no stage of the pipeline takes weights"):
        blind.fit(some, {}, replace(COLUMNS, weight="age"))
