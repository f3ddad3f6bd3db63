"""A booster told `relative_to` follows growth it has never seen, wherever it is scored."""

from collections.abc import Iterator
from pathlib import Path

import mlflow  # noqa: TID253 - tests load what they test
import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from spark_jobs.kinds import Columns, xgboost

COLUMNS = Columns(features=("hour", "usual"), labels=("cnt",), predictions=("prediction",))
PARAMS = {"rounds": 40, "relative_to": "usual"}


def rentals(*usual: float) -> pd.DataFrame:
    """At hour 1 twice the usual number come, else half of it."""
    rows = pd.DataFrame([(hour, level) for level in usual for hour in (0, 1)], columns=["hour", "usual"])
    return rows.assign(cnt=rows["usual"] * np.where(rows["hour"] == 1, 2.0, 0.5))


@pytest.fixture(scope="module")
def model() -> Iterator[xgboost.Boosters]:
    yield xgboost.fit(rentals(*range(50, 150)), PARAMS, COLUMNS)


def test_a_town_ten_times_as_large_gets_ten_times_the_prediction(model: xgboost.Boosters) -> None:
    found = model.predict(rentals(1000))["prediction"]
    np.testing.assert_allclose(found, [500.0, 2000.0], rtol=1e-3)


def test_without_it_trees_stay_where_they_were_fitted() -> None:
    plain = xgboost.fit(rentals(*range(50, 150)), {"rounds": 40}, COLUMNS)
    assert plain.predict(rentals(1000))["prediction"].max() < 400


def test_an_unknown_level_counts_as_a_typical_one(model: xgboost.Boosters) -> None:
    found = model.predict(pd.DataFrame({"hour": [1, 1], "usual": [np.nan, 99.5]}))["prediction"]
    assert found[0] == pytest.approx(found[1], rel=0.01)


def test_a_level_of_nothing_gives_next_to_nothing(model: xgboost.Boosters) -> None:
    assert 0 <= model.predict(rentals(0.0))["prediction"].max() < 1


def test_memory_spark_and_mlflow_give_the_same_numbers(
    spark: SparkSession, model: xgboost.Boosters, tmp_path: Path
) -> None:
    rows = rentals(70.0, 700.0)[["hour", "usual"]]
    expected = model.predict(rows)["prediction"]
    on_spark = model.score(spark.createDataFrame(rows), ["hour", "usual"]).orderBy("usual", "hour").toPandas()
    model.save(tmp_path / "model", {"hour": "bigint", "usual": "double"})
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(rows)
    again = xgboost.load(tmp_path / "model", COLUMNS, spark).predict(rows)
    for found in (on_spark, loaded, again):
        np.testing.assert_array_equal(found["prediction"], expected)
