"""What every kind of model must do: fit, be logged, be loaded by anyone, score."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import mlflow  # noqa: TID253 - tests load what they test
import numpy as np
import pandas as pd
import pytest
from pyspark.ml import Estimator, Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import OneHotEncoder, VectorAssembler
from pyspark.ml.regression import LinearRegression
from pyspark.sql import DataFrame, SparkSession

from engine.settings import JAVA
from spark_jobs.declare import BadDeclaration
from spark_jobs.kinds import Candidate, Columns, Params, Why, kind
from spark_jobs.kinds.on_spark import REASONS
from tests.spark import tiny

FOUR = Columns(features=("x1", "x2"), labels=("a", "b", "c", "d"), predictions=("p_a", "p_b", "p_c", "p_d"))
ONE = Columns(features=("x1", "x2"), labels=("y",), predictions=("prediction",))
BINARY: Params = {"objective": "binary:logistic", "rounds": 20, "max_depth": 2}


def machines(count: int = 400) -> pd.DataFrame:
    """Four things to foretell, one of them rare; some readings are missing."""
    draw = np.random.default_rng(3)
    rows = pd.DataFrame(draw.normal(size=(count, 2)), columns=["x1", "x2"])
    for label, limit in zip(FOUR.labels, (0.0, 0.5, 1.0, 1.8), strict=True):
        rows[label] = (rows["x1"] + 0.1 * draw.normal(size=count) > limit).astype("float64")
    rows.loc[::10, "x2"] = np.nan
    return rows.assign(key=range(count))


def test_each_label_has_its_own_booster_and_all_ways_to_score_agree(spark: SparkSession, tmp_path: Path) -> None:
    rows = machines()
    boosters = kind("xgboost")
    model = boosters.fit(rows, {**BINARY, "positive_weight": 3.0}, FOUR)
    boosters_rows = model.predict(rows)
    model.save(tmp_path / "model", {"x1": "double", "x2": "double"})
    again = boosters.load(tmp_path / "model", FOUR, spark)
    anywhere = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(rows[["x1", "x2"]])
    on_spark = fetched(again.score(spark.createDataFrame(rows).repartition(3), ["key"])).sort_values("key")
    assert list(on_spark.columns) == ["key", "p_a", "p_b", "p_c", "p_d"]
    pd.testing.assert_frame_equal(again.predict(rows), boosters_rows)
    pd.testing.assert_frame_equal(anywhere, boosters_rows)
    pd.testing.assert_frame_equal(on_spark.drop(columns="key").reset_index(drop=True), boosters_rows)
    for label, column in zip(FOUR.labels, FOUR.predictions, strict=True):
        assert boosters_rows.loc[rows[label] == 1, column].min() > boosters_rows.loc[rows[label] == 0, column].median()


@pytest.mark.parametrize("weights", [{"balanced": True}, {"positive_weight": 20.0}])
def test_a_rare_label_may_weigh_more_and_its_probability_stays_true(weights: Params) -> None:
    rows = machines().assign(x1=0.0, x2=0.0)  # nothing to tell the rare from the others
    model = kind("xgboost").fit(rows, {**BINARY, "rounds": 100, **weights}, FOUR)
    assert model.settled.items() >= weights.items()
    assert model.predict(rows).mean().to_numpy() == pytest.approx(rows[list(FOUR.labels)].mean().to_numpy(), rel=0.05)


def test_rounds_found_by_watching_are_fixed_when_it_is_fitted_again() -> None:
    rows = tiny.facts(40)
    params: Params = {"rounds": 500, "patience": 5, "eta": 0.5}
    watched = kind("xgboost").fit(rows.iloc[:600], params, ONE, rows.iloc[600:])
    settled = watched.settled
    assert 0 < settled["rounds"][0] < 500
    assert len(watched.curves["curve_y"]) == settled["rounds"][0] + 5
    again = kind("xgboost").fit(rows.iloc[:600], settled, ONE)
    pd.testing.assert_frame_equal(again.predict(rows), watched.predict(rows))
    assert again.settled == settled


def test_importance_says_which_feature_counts() -> None:
    found = kind("xgboost").fit(machines(), BINARY, FOUR).importance
    assert list(found.columns) == ["label", "feature", "importance"]
    assert found.groupby("label")["importance"].sum().round(6).eq(1).all()
    assert found[found["feature"] == "x1"]["importance"].min() > 0.5


def fetched(frame: DataFrame) -> pd.DataFrame:
    return cast(Any, frame.toPandas())


def no_rows(spark: SparkSession, rows: pd.DataFrame) -> Any:
    return spark.createDataFrame(rows).where("FALSE")


def test_no_rows_give_no_predictions(spark: SparkSession) -> None:
    rows = tiny.facts(20)
    model = kind("xgboost").fit(rows, {"rounds": 2}, ONE)
    assert model.score(no_rows(spark, rows), ["at"]).collect() == []


def linear(params: Params) -> Estimator[Any]:
    """The same form as a reference of a use case: categories one by one, beside numbers."""
    one_hot = OneHotEncoder(inputCols=["hour"], outputCols=["hours"])
    assembled = VectorAssembler(inputCols=["hours", "x1", "x2"], outputCol="all")
    return Pipeline(stages=[one_hot, assembled, LinearRegression(featuresCol="all", labelCol="y", **params)])


def test_a_spark_pipeline_is_logged_and_scored_as_spark(spark: SparkSession, tmp_path: Path) -> None:
    columns = Columns(features=("hour", "x1", "x2"), labels=("y",), predictions=("prediction",))
    rows = tiny.facts(20).assign(hour=lambda r: r["at"].dt.hour)
    frame = spark.createDataFrame(rows)
    candidate = Candidate(name="reference", kind="spark_ml", build=linear, params={"regParam": 0.001})
    model = candidate.fit(frame, candidate.params, columns)
    assert model.settled == {"regParam": 0.001}
    model.save(tmp_path / "model", dict(frame.select(*columns.features).dtypes))
    again = kind("spark_ml").load(tmp_path / "model", columns, spark)
    found = fetched(again.score(frame, ["at", "y"]))
    assert list(found.columns) == ["at", "y", "prediction"]
    assert (found["prediction"] - found["y"]).abs().mean() < 0.2


ANYWHERE = """
import sys, mlflow, pandas
rows = pandas.read_json(sys.stdin, orient="table")
found = mlflow.pyfunc.load_model(sys.argv[1]).predict(rows)
print(max(abs(a - b) for a, b in zip(found, rows["prediction"])))
"""


@pytest.mark.long
def test_a_spark_pipeline_is_opened_by_mlflow_s_own_loader_without_an_engine(
    spark: SparkSession, tmp_path: Path
) -> None:
    """As somebody else's machine does it: with a Spark of its own."""
    columns = Columns(features=("hour", "x1", "x2"), labels=("y",), predictions=("prediction",))
    frame = spark.createDataFrame(tiny.facts(20).assign(hour=lambda r: r["at"].dt.hour))
    model = Candidate(name="reference", kind="spark_ml", build=linear).fit(frame, {"regParam": 0.001}, columns)
    model.save(tmp_path / "model", dict(frame.select(*columns.features).dtypes))
    scored = fetched(model.score(frame, columns.features)).to_json(orient="table", index=False)
    done = subprocess.run(
        [sys.executable, "-c", ANYWHERE, str(tmp_path / "model")],
        env={"PATH": os.environ["PATH"], "JAVA_HOME": str(JAVA)},
        input=scored,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) < 1e-9


def test_a_spark_pipeline_gives_no_reasons_and_says_so(spark: SparkSession, caplog: pytest.LogCaptureFixture) -> None:
    columns = Columns(features=("hour", "x1", "x2"), labels=("y",), predictions=("prediction",))
    frame = spark.createDataFrame(tiny.facts(20).assign(hour=lambda r: r["at"].dt.hour))
    model = Candidate(name="reference", kind="spark_ml", build=linear).fit(frame, {"regParam": 0.001}, columns)
    with caplog.at_level(logging.INFO):
        found = model.score(frame, ["at"], Why(most=3))
    assert found.schema["reasons"].dataType == REASONS
    assert fetched(found)["reasons"].isna().all()
    assert "a Spark ML pipeline gives no reasons: that column is null" in caplog.messages
    assert model.moves(tiny.facts(1)).empty


def likely(params: Params) -> Estimator[Any]:
    assembled = VectorAssembler(inputCols=["x1"], outputCol="all")
    logistic = LogisticRegression(featuresCol="all", labelCol="a", probabilityCol="p_a", predictionCol="says", **params)
    return Pipeline(stages=[assembled, logistic])


def test_a_probability_is_the_chance_of_yes(spark: SparkSession) -> None:
    columns = Columns(features=("x1",), labels=("a",), predictions=("p_a",))
    frame = spark.createDataFrame(machines())
    candidate = Candidate(name="reference", kind="spark_ml", build=likely)
    found = fetched(candidate.fit(frame, {}, columns).score(frame, ["a"]))
    assert found.loc[found["a"] == 1, "p_a"].mean() > 0.8
    assert found.loc[found["a"] == 0, "p_a"].mean() < 0.2


def test_a_pipeline_that_names_its_prediction_otherwise_is_refused(spark: SparkSession) -> None:
    columns = Columns(features=("x1",), labels=("a",), predictions=("forecast",))
    frame = spark.createDataFrame(machines())
    model = Candidate(name="reference", kind="spark_ml", build=likely).fit(frame, {}, columns)
    with pytest.raises(BadDeclaration, match=r"no column .'forecast'.: name its predictionCol"):
        model.score(frame, ["a"])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "catboost"}, "kind is one of blend, sklearn, spark_ml, xgboost, got 'catboost'"),
        ({"kind": "spark_ml"}, "`build` is for spark_ml, which needs it"),
    ],
)
def test_a_candidate_that_contradicts_itself_is_refused_when_made(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(BadDeclaration, match=says):
        Candidate(name="odd", **wrong)
