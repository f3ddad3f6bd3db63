"""How coefficients come about: traced by an elastic net, drawn for every model that has such curves."""

import json
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Annotation  # noqa: TID253 - tests load what they test

from spark_jobs.kinds import Columns, Params, kind
from spark_jobs.learning import coefficients
from spark_jobs.learning.coefficients import paths
from tests.spark import tiny
from tests.spark.test_kinds import ONE

NET: Params = {"estimator": "ElasticNet", "alpha": 0.2, "l1_ratio": 0.7}
WIDE = tiny.facts(20).assign(x2=lambda rows: 1000 + 50 * rows["x2"])


def deviations_moved(rows: pd.DataFrame, params: Params) -> list[float]:
    """What the model itself says: its coefficients, times the deviation of their features."""
    raw: Any = kind("sklearn").fit(rows, params, ONE, rows[:1])
    return list(np.array(json.loads(raw.raw[0])["coefficients"]) * rows[["x1", "x2"]].std(ddof=0))


@pytest.mark.parametrize(
    "params", [{"scaled": True}, {}, {"scaled": True, "l1_ratio": 0.0}, {"positive": True}], ids=str
)
def test_at_a_strength_of_the_path_the_model_has_these_coefficients(params: Params) -> None:
    curves = kind("sklearn").fit(WIDE, {**NET, **params}, ONE).curves
    assert set(curves) == {"path/y/x1", "path/y/x2", "strength/y"}
    strengths = curves["strength/y"]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[0] > 0.2 > strengths[-1]
    for step in (0, 10, 25):
        wanted = deviations_moved(WIDE, {**NET, **params, "alpha": strengths[step]})
        assert [curves[f"path/y/{name}"][step] for name in ("x1", "x2")] == pytest.approx(wanted, rel=0.02, abs=0.002)


def test_the_path_begins_with_nothing_and_ends_with_everything() -> None:
    curves = kind("sklearn").fit(WIDE, {**NET, "scaled": True}, ONE).curves
    assert [curves["path/y/x1"][0], curves["path/y/x2"][0]] == [0, 0]
    assert [curves["path/y/x1"][-1], curves["path/y/x2"][-1]] == pytest.approx([3, 1], rel=0.1)


@pytest.mark.parametrize("alpha", [100.0, 0.2, 1e-4])
def test_what_was_chosen_lies_on_the_path(alpha: float) -> None:
    strengths = kind("sklearn").fit(WIDE, {**NET, "scaled": True, "alpha": alpha}, ONE).curves["strength/y"]
    assert strengths[0] >= 0.99 * alpha
    assert strengths[-1] <= 1.01 * alpha


def test_a_trial_traces_nothing_and_neither_do_features_that_tell_nothing() -> None:
    assert kind("sklearn").fit(WIDE, NET, ONE, WIDE[:9]).curves == {}
    assert kind("sklearn").fit(WIDE.assign(y=7.0), NET, ONE).curves == {}
    assert kind("sklearn").fit(WIDE.assign(x1=0.1, x2=0.1), {**NET, "scaled": True}, ONE).curves == {}


@pytest.mark.parametrize("estimator", ["ElasticNet", "LogisticRegression"])
def test_a_constant_column_moves_nothing_even_where_it_changes_later(estimator: str) -> None:
    rows = tiny.facts(20).assign(x2=0.1, y=lambda some: (some["y"] > 0).astype(float))
    model = kind("sklearn").fit(rows, {"estimator": estimator, "scaled": True, "seed": 7}, ONE)
    pd.testing.assert_frame_equal(model.predict(rows.assign(x2=0.1001)), model.predict(rows), atol=0.001)


def test_the_picture_names_every_line_at_its_end_and_marks_what_was_chosen() -> None:
    columns = Columns(features=("x1", "x2"), labels=("y", "z"), predictions=("a", "b"))
    model = kind("sklearn").fit(WIDE.assign(z=-WIDE["y"]), {**NET, "scaled": True}, columns)
    figure = paths(model.curves, 0.2)
    assert figure
    written = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    ends = {name: curve[-1] for name, curve in model.curves.items()}
    wanted = [[f"{x} {ends[f'path/{label}/{x}']:+.2g}" for x in ("x1", "x2")] for label in ("y", "z")]
    assert [sorted(some) for some in written] == [sorted([*some, " chosen: 0.2"]) for some in wanted]
    assert [axes.get_title() for axes in figure.axes] == ["y", "z"]


def test_a_feature_that_is_never_used_ends_at_0_without_a_sign() -> None:
    figure = paths({"path/y/x1": [0.0, 0.1], "path/y/x2": [0.0, -0.0], "strength/y": [1.0, 0.1]}, None)
    assert figure
    assert [text.get_text() for text in figure.axes[0].texts] == ["x2 0", "x1 +0.1"]


def test_names_of_lines_that_end_together_do_not_cover_each_other() -> None:
    flat = {f"path/y/x{place}": [0.0, 0.1] for place in range(4)}
    figure = paths({**flat, "path/y/other": [0.0, -0.4], "strength/y": [1.0, 0.1]}, None)
    assert figure
    heights = sorted(cast(Annotation, text).xyann[1] for text in figure.axes[0].texts)
    assert min(np.diff(heights)) == pytest.approx(coefficients.APART)


def test_names_keep_their_order_and_their_distance() -> None:
    found = coefficients._apart([0.1, 0.5, 0.5, 0.51, 0.9])
    assert found == sorted(found)
    assert min(np.diff(found)) == pytest.approx(coefficients.APART)
    assert [found[0], found[-1]] == pytest.approx([0.1, 0.9])


def test_a_model_without_a_path_has_no_picture() -> None:
    assert paths({"curve_y": [3.0, 2.0]}, None) is None
