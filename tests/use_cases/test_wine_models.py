"""What the models of wines are measured by."""

import math

import pandas as pd
import pytest

from spark_jobs.use_cases.wine_quality import model as quality
from spark_jobs.use_cases.wine_score import model as score


def test_wines_are_told_apart_in_all_and_by_colour() -> None:
    judged = pd.DataFrame(
        {"good": [1, 0, 1, 0], "prediction": [0.9, 0.1, 0.2, 0.8], "is_red": [1, 1, 0, 0]}, index=[7, 7, 8, 9]
    )
    found = quality.measure(judged, {})
    assert (found["auc"], found["auc_red"], found["auc_white"]) == (0.75, 1.0, 0.0)
    assert found["brier"] == pytest.approx((0.01 + 0.01 + 0.64 + 0.64) / 4)
    assert {name.partition("_")[0] for name in found} == {"auc", "pr", "log", "brier"}


def test_where_every_wine_of_a_colour_is_good_or_there_is_none_nothing_is_told_apart() -> None:
    judged = pd.DataFrame({"good": [1, 0, 1], "prediction": [0.9, 0.1, 0.2], "is_red": [1, 1, 0]})
    assert math.isnan(quality.measure(judged, {})["auc_white"])
    assert math.isnan(quality.measure(judged[judged["is_red"] == 1], {})["log_loss_white"])


def test_errors_are_counted_in_grades() -> None:
    judged = pd.DataFrame({"quality": [5.0, 6.0, 7.0, 6.0], "prediction": [6.0, 6.0, 7.0, 5.0]})
    assert score.measure(judged, {}) == {"rmse": 0.5**0.5, "mae": 0.5, "r2": 0.0}
    assert math.isnan(score.measure(judged.assign(quality=5.0), {})["r2"])
