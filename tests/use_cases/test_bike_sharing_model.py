"""Bike sharing's models: what they are measured by, what people see of them, and whether they learn."""

import io
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from spark_jobs.declare.space import suggested
from spark_jobs.kinds import Candidate, Columns
from spark_jobs.use_cases.bike_sharing.model import candidates, measure, plots
from spark_jobs.use_cases.bike_sharing.use_case import USE_CASE

COLUMNS = Columns.of(USE_CASE)


def named(name: str) -> Candidate:
    return next(candidate for candidate in candidates() if candidate.name == name)


def hours(days: int, size: float = 1.0) -> pd.DataFrame:
    """A city where twice the usual number ride at eight, and half of it in the rain."""
    at = pd.date_range(datetime(2024, 1, 1), periods=24 * days, freq="h")
    rows = pd.DataFrame(0.5, index=range(len(at)), columns=list(USE_CASE.features.columns)).assign(at=at)
    rows["hour"], rows["month"], rows["weekday"] = at.hour, at.month, at.dayofweek
    rows["weathersit"] = 1 + (at.dayofyear % 3 == 0) * 2
    rows["usual"] = size * (100 + at.hour)
    rows["cnt"] = rows["usual"] * np.where(at.hour == 8, 2, 1) * np.where(rows["weathersit"] == 3, 0.5, 1)
    return rows


def test_errors_are_counted_in_bicycles() -> None:
    judged = pd.DataFrame({"cnt": [10, 20, 30, 40], "prediction": [13.0, 20.0, 30.0, 36.0]})
    assert measure(judged, {}) == {"mae": 1.75, "rmse": 2.5, "r2": 0.95}


def test_a_missing_prediction_is_no_good_prediction() -> None:
    judged = pd.DataFrame({"cnt": [10, 20], "prediction": [10.0, None]})
    assert all(np.isnan(value) for value in measure(judged, {}).values())


def test_boosting_follows_a_city_that_doubles() -> None:
    boosting, later = named("boosting"), hours(10, size=2.0)
    model = boosting.fit(hours(30), {**boosting.params, "max_depth": 4, "eta": 0.1}, COLUMNS)
    assert measure(later.join(model.predict(later)), {})["r2"] > 0.99


def test_every_trial_is_within_what_boosting_takes() -> None:
    import optuna

    boosting, space = named("boosting"), USE_CASE.search.spaces["boosting"]
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    for extreme in (0, 1):
        asked = {"max_depth": (3, 6), "eta": (0.04, 0.12), "colsample_bytree": (0.4, 0.9), "lambda": (1.0, 30.0)}
        study.enqueue_trial({name: bounds[extreme] for name, bounds in asked.items()})
        params = {**boosting.params, **suggested(space, study.ask()), "rounds": 3}
        assert boosting.fit(hours(3), params, COLUMNS, watched=hours(2)).settled["rounds"]


def test_the_linear_reference_learns_hours_it_can_tell_apart(spark: SparkSession) -> None:
    linear, rows = named("linear"), spark.createDataFrame(hours(30)).where("weathersit = 1")
    model = linear.fit(rows, linear.params, COLUMNS)
    judged = model.score(rows, ["at", "cnt"]).toPandas()
    assert measure(judged, {})["r2"] > 0.999


def test_the_linear_reference_scores_a_month_it_never_saw(spark: SparkSession) -> None:
    linear, rows = named("linear"), spark.createDataFrame(hours(30))
    model = linear.fit(rows, linear.params, COLUMNS)
    unseen = model.score(rows.withColumn("month", f.lit(7)), ["at"])
    assert unseen.where("prediction IS NULL OR isnan(prediction)").count() == 0


@pytest.mark.parametrize("days", [1, 3, 40])
def test_pictures_are_drawn_of_however_much_there_is(days: int) -> None:
    judged = hours(days).sample(frac=0.9, random_state=1).assign(prediction=90.0)
    importance = pd.DataFrame({"label": "cnt", "feature": ["hour", "temp"], "importance": [0.7, 0.3]})
    figures = plots(judged, {}, importance)
    assert sorted(figures) == ["error_by_hour", "importance", "two_weeks"]
    for figure in figures.values():
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
        assert picture.getbuffer().nbytes > 5_000


def test_two_weeks_are_the_newest_two() -> None:
    judged = hours(40).assign(prediction=90.0)
    (axes,) = plots(judged, {}, pd.DataFrame(columns=["label", "feature", "importance"]))["two_weeks"].axes
    shown = np.asarray(axes.lines[0].get_xdata())
    assert (len(shown), pd.Timestamp(shown[-1])) == (14 * 24, judged["at"].max())


def test_a_model_without_importance_has_no_picture_of_it() -> None:
    judged = hours(2).assign(prediction=90.0)
    assert "importance" not in plots(judged, {}, pd.DataFrame(columns=["label", "feature", "importance"]))
