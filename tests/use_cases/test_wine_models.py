"""What the models of wines are measured by."""

import math
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from spark_jobs.kinds import Columns
from spark_jobs.learning.model_part import model_part
from spark_jobs.use_cases.wine_quality import lab
from spark_jobs.use_cases.wine_quality import model as quality
from spark_jobs.use_cases.wine_quality.use_case import COLOURS, MEASUREMENTS
from spark_jobs.use_cases.wine_score import model as score
from spark_jobs.use_cases.wine_score.use_case import USE_CASE as SCORE

AT_HALF = {"threshold": 0.5}


def test_wines_are_told_apart_in_all_and_by_colour() -> None:
    judged = pd.DataFrame(
        {"good": [1, 0, 1, 0], "probability": [0.9, 0.1, 0.2, 0.8], "is_red": [1, 1, 0, 0]}, index=[7, 7, 8, 9]
    )
    found = quality.measure(judged, AT_HALF)
    assert (found["auc"], found["auc_red"], found["auc_white"]) == (0.75, 1.0, 0.0)
    assert found["brier"] == pytest.approx((0.01 + 0.01 + 0.64 + 0.64) / 4)
    assert (found["precision"], found["recall"], found["precision_red"], found["recall_white"]) == (0.5, 0.5, 1.0, 0.0)


def test_where_every_wine_of_a_colour_is_good_or_there_is_none_nothing_is_told_apart() -> None:
    judged = pd.DataFrame({"good": [1, 0, 1], "probability": [0.9, 0.1, 0.2], "is_red": [1, 1, 0]})
    found = quality.measure(judged, AT_HALF)
    assert math.isnan(found["auc_white"])
    assert math.isnan(found["precision_white"])  # none was called good
    assert found["recall_white"] == 0.0
    assert math.isnan(quality.measure(judged[judged["is_red"] == 1], AT_HALF)["log_loss_white"])


def test_a_wine_is_called_good_from_where_precision_and_recall_are_best_together() -> None:
    """From 0.8 on two of three are right and both good ones found: 0.8; from 0.9 on one of one, of two: 0.67."""
    validated = pd.DataFrame({"good": [1, 0, 1, 0], "probability": [0.9, 0.85, 0.8, 0.1]})
    assert quality.calibrate(validated) == {"threshold": 0.8}


def test_the_decision_follows_the_threshold(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(0.7,), (0.69,)], "probability double")
    assert [row["called_good"] for row in model_part("wine_quality").decide(rows, {"threshold": 0.7}).collect()] == [
        1,
        0,
    ]


def test_pictures_are_drawn_even_of_wines_of_one_colour_of_which_none_is_good() -> None:
    importance = pd.DataFrame({"label": ["good"], "feature": ["alcohol"], "importance": [1.0]})
    judged = pd.DataFrame({"good": [1, 0, 0], "probability": [0.9, 0.1, 0.3], "is_red": [0, 0, 0]})
    for rows in (judged, judged.assign(good=0), judged.assign(is_red=[0, 1, 1])):
        drawn = quality.plots(rows, AT_HALF, importance)
        assert set(drawn) == {"roc", "calibration", "precision_recall", "importance"}


def test_errors_are_counted_in_grades() -> None:
    judged = pd.DataFrame({"quality": [5.0, 6.0, 7.0, 6.0], "prediction": [6.0, 6.0, 7.0, 5.0]})
    assert score.measure(judged, {}) == {"rmse": 0.5**0.5, "mae": 0.5, "r2": 0.0}
    assert math.isnan(score.measure(judged.assign(quality=5.0), {})["r2"])


def wines(published: Path | None) -> pd.DataFrame:
    """Features and label of wine_score: of the published wines where they are at hand, else of simulated ones."""
    names = ["colour", *(name for name, _, _ in MEASUREMENTS.values()), "quality"]
    if published:
        files = ((colour, published / "wine_quality" / f"winequality-{colour}.csv") for colour in COLOURS)
        frames = (pd.read_csv(file, sep=";").assign(colour=colour) for colour, file in files)
        found = pd.concat(frames, ignore_index=True)[["colour", *MEASUREMENTS, "quality"]].set_axis(names, axis=1)
    else:
        knobs = {"seed": 1, "samples": 6500, "red": 0.25, "repeated": 0.1}
        found = pd.DataFrame(lab.wines(date(2024, 3, 1), knobs), columns=names)
    red = found["colour"] == "red"
    found = found.drop(columns="colour").astype(float)
    return found.assign(bound_sulfur_dioxide=found.eval("total_sulfur_dioxide - free_sulfur_dioxide"), is_red=red * 1.0)


def test_a_searched_elastic_net_passes_the_gate_which_the_mean_of_all_wines_does_not(published: Path | None) -> None:
    rows = wines(published)
    side = pd.util.hash_pandas_object(rows[list(SCORE.features.columns)], index=False) % 4 == 0
    train, judge = rows[~side], rows[side]
    (net,) = score.candidates()

    def rmse(**found: float) -> float:
        model = net.fit(train, {**net.params, **found}, Columns.of(SCORE))
        return score.measure(judge.join(model.predict(judge)), {})["rmse"]

    assert {net.params[name] for name in SCORE.search.spaces["elastic_net"]} == {0.5}  # when not searched
    searched, told = rmse(alpha=0.01), rmse()
    assert searched < SCORE.gate.limit - 0.02
    assert searched < told - 0.08
    assert score.measure(judge.assign(prediction=train["quality"].mean()), {})["rmse"] > SCORE.gate.limit + 0.02
