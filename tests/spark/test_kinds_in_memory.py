"""Forests, linear models and blends: what they predict, what moved it, how they are kept, and what they refuse."""

import json
from pathlib import Path
from typing import Any, cast

import mlflow  # noqa: TID253 - tests load what they test
import numpy as np
import pandas as pd
import pytest
import sklearn  # noqa: TID253 - as above
from pyspark.sql import SparkSession
from sklearn.ensemble import RandomForestClassifier  # noqa: TID253 - as above
from sklearn.linear_model import ElasticNet, LogisticRegression  # noqa: TID253 - as above

from spark_jobs.declare import BadDeclaration, Refused
from spark_jobs.kinds import Candidate, Columns, Params, Why, kind
from spark_jobs.kinds.in_memory import InMemory
from tests.spark import tiny
from tests.spark.test_kinds import FOUR, ONE, fetched, machines

EXTRA: Params = {"estimator": "ExtraTreesClassifier", "n_estimators": 12, "balanced": True, "min_samples_leaf": 5}
LOGISTIC: Params = {"estimator": "LogisticRegression", "missing": "usual", "scaled": True}
BOOSTING: Params = {"objective": "binary:logistic", "rounds": 15, "max_depth": 3}
MEMBERS: Params = {
    "members": [
        {"kind": "sklearn", "params": EXTRA},
        {"kind": "xgboost", "params": BOOSTING},
        {"kind": "sklearn", "params": LOGISTIC},
    ]
}
FOREST_OF_NUMBERS: Params = {"estimator": "RandomForestRegressor", "n_estimators": 8}
EVERY = {
    "extra trees": ("sklearn", EXTRA),
    "logistic": ("sklearn", LOGISTIC),
    "boosting": ("xgboost", {**BOOSTING, "positive_weight": 4.0}),
    "blend": ("blend", MEMBERS),
}


def fitted(name: str, params: Params, rows: pd.DataFrame, columns: Columns = FOUR) -> InMemory:
    return cast(InMemory, kind(name).fit(rows, params, columns))


@pytest.mark.parametrize("name", EVERY)
def test_all_ways_to_score_agree_and_what_is_saved_is_what_was_fitted(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    rows = machines()
    model = fitted(*EVERY[name], rows)
    wanted = model.predict(rows)
    model.save(tmp_path / "model", {"x1": "double", "x2": "double"})
    again = kind(EVERY[name][0]).load(tmp_path / "model", FOUR, spark)
    anywhere = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(rows[["x1", "x2"]])
    on_spark = fetched(again.score(spark.createDataFrame(rows).repartition(3), ["key"])).sort_values("key")
    assert list(on_spark.columns) == ["key", "p_a", "p_b", "p_c", "p_d"]
    pd.testing.assert_frame_equal(again.predict(rows), wanted)
    pd.testing.assert_frame_equal(anywhere, wanted)
    pd.testing.assert_frame_equal(on_spark.drop(columns="key").reset_index(drop=True), wanted)
    pd.testing.assert_frame_equal(again.importance, model.importance)
    assert json.loads(json.dumps(again.settled)) == json.loads(json.dumps(model.settled))
    for label, column in zip(FOUR.labels, FOUR.predictions, strict=True):
        assert wanted.loc[rows[label] == 1, column].min() > wanted.loc[rows[label] == 0, column].median()


@pytest.mark.parametrize("name", EVERY)
def test_reasons_sum_to_the_prediction_from_one_beginning_for_all_rows(name: str) -> None:
    rows = machines()
    model = fitted(*EVERY[name], rows)
    matrix, predicted = rows[["x1", "x2"]].to_numpy(), model.predict(rows).to_numpy()
    for place in range(len(FOUR.labels)):
        begin = predicted[:, place] - model.moved(place, matrix).sum(axis=1)
        assert begin == pytest.approx(np.full(len(rows), begin[0]), abs=1e-5)
        assert 0 < begin[0] < 1


@pytest.mark.parametrize("name", EVERY)
def test_what_is_settled_fits_the_same_again_and_importance_says_what_counts(name: str) -> None:
    rows = machines()
    model = fitted(*EVERY[name], rows)
    again = fitted(EVERY[name][0], json.loads(json.dumps(model.settled)), rows)
    pd.testing.assert_frame_equal(again.predict(rows), model.predict(rows))
    found = model.importance
    assert list(found.columns) == ["label", "feature", "importance"]
    assert found.groupby("label")["importance"].sum().round(6).eq(1).all()
    assert found[found["feature"] == "x1"]["importance"].min() > 0.5
    moves = model.moves(rows.iloc[:50]).set_index(["label", "feature"])["moves"]
    assert moves.unstack().eval("x1 > 2 * x2").all()


def test_reasons_of_a_linear_model_are_coefficient_times_deviation_from_the_mean(spark: SparkSession) -> None:
    rows = tiny.facts(10)
    model = fitted("sklearn", {"estimator": "ElasticNet", "alpha": 0.1}, rows, ONE)
    theirs = ElasticNet(alpha=0.1, random_state=7).fit(rows[["x1", "x2"]].to_numpy(), rows["y"])
    assert model.predict(rows)["prediction"].to_numpy() == pytest.approx(theirs.predict(rows[["x1", "x2"]].to_numpy()))
    scored = fetched(model.score(spark.createDataFrame(rows), ["x1", "x2"], Why(most=2)))
    means = rows[["x1", "x2"]].mean()
    for _, row in scored.iterrows():
        wanted = {name: theirs.coef_[place] * (row[name] - means[name]) for place, name in enumerate(("x1", "x2"))}
        given = {reason["feature"]: reason["by"] for reason in row["reasons"]}
        assert given == pytest.approx(wanted)
        assert list(given) == sorted(wanted, key=lambda name: -abs(wanted[name]))
        assert {reason["feature"]: reason["usual"] for reason in row["reasons"]} == pytest.approx(means.to_dict())
        assert {reason["feature"]: reason["value"] for reason in row["reasons"]} == {n: row[n] for n in wanted}


def test_shares_of_a_level_have_their_reasons_in_the_label_s_unit() -> None:
    rows = tiny.facts(10).assign(x2=lambda r: 100 + 10 * r["x2"], y=lambda r: r["x2"] * (1 + 0.1 * r["x1"]))
    model = fitted("xgboost", {"relative_to": "x2", "rounds": 40}, rows, ONE)
    by = model.moved(0, rows[["x1", "x2"]].to_numpy())
    begin = model.predict(rows)["prediction"].to_numpy() - by.sum(axis=1)
    share = begin / rows["x2"].to_numpy()  # the same share of every level
    assert share == pytest.approx(np.full(len(rows), share[0]), abs=1e-4)
    assert np.abs(by).mean() > 1


def test_only_predictions_from_the_asked_value_on_keep_reasons_and_a_gap_is_null(spark: SparkSession) -> None:
    rows = machines()
    model = fitted("sklearn", EXTRA, rows)
    scored = fetched(model.score(spark.createDataFrame(rows), ["key", "x2"], Why(most=1, least=0.6)))
    for _, row in scored.iterrows():
        wanted = [name for name in FOUR.predictions if row[name] >= 0.6]
        assert [reason["prediction"] for reason in (row["reasons"] if row["reasons"] is not None else [])] == wanted
    assert 0 < scored["reasons"].notna().sum() < len(rows)
    every = fetched(model.score(spark.createDataFrame(rows[rows["x2"].isna()]), ["key"], Why(most=2)))
    values = {(one["feature"], one["value"] is None) for given in every["reasons"] for one in given}
    assert values == {("x1", False), ("x2", True)}


def test_a_blend_is_the_mean_of_its_members_and_so_are_its_reasons() -> None:
    rows = machines()
    matrix = rows[["x1", "x2"]].to_numpy()
    blend = fitted("blend", MEMBERS, rows)
    alone = [fitted(one["kind"], one["params"], rows) for one in MEMBERS["members"]]
    mean = np.mean([model.predict(rows).to_numpy() for model in alone], axis=0)
    assert blend.predict(rows).to_numpy() == pytest.approx(mean, abs=1e-6)
    assert blend.moved(0, matrix) == pytest.approx(np.mean([model.moved(0, matrix) for model in alone], axis=0))
    settled = blend.settled["members"]
    assert [one["kind"] for one in settled] == ["sklearn", "xgboost", "sklearn"]
    assert settled[0]["params"] == alone[0].settled


@pytest.mark.parametrize("more", [{"balanced": True}, {"positive_weight": 20.0}, {"negatives": 150}], ids=str)
@pytest.mark.parametrize("name", ["ExtraTreesClassifier", "RandomForestClassifier", "LogisticRegression"])
def test_a_rare_label_may_weigh_more_and_its_probability_stays_true(name: str, more: Params) -> None:
    rows = machines(1000).assign(x1=0.0, x2=0.0)  # nothing to tell the rare from the others
    model = fitted("sklearn", {"estimator": name, **more}, rows)
    assert model.predict(rows).mean().to_numpy() == pytest.approx(rows[list(FOUR.labels)].mean().to_numpy(), rel=0.1)


def test_a_forest_without_weights_foretells_what_scikit_learn_s_own_does() -> None:
    rows = machines().fillna(0)
    theirs = RandomForestClassifier(10, random_state=7).fit(rows[["x1", "x2"]].to_numpy("float32"), rows["b"])
    model = fitted("sklearn", {"estimator": "RandomForestClassifier", "n_estimators": 10}, rows)
    wanted = theirs.predict_proba(rows[["x1", "x2"]].to_numpy("float32"))[:, 1]
    assert model.predict(rows)["p_b"].to_numpy() == pytest.approx(wanted)


def test_a_linear_model_scaled_or_with_filled_gaps_is_still_said_in_the_features_own_units() -> None:
    rows = machines()
    told = rows.fillna({"x2": rows["x2"].mean()}).assign(x2=lambda r: 1000 * r["x2"])
    model = fitted("sklearn", {**LOGISTIC, "C": 1e6}, rows.assign(x2=1000 * rows["x2"]))
    theirs = LogisticRegression(C=1e6).fit(told[["x1", "x2"]].to_numpy() / [1, 1000], told["b"])
    wanted = theirs.predict_proba(told[["x1", "x2"]].to_numpy() / [1, 1000])[:, 1]
    assert model.predict(rows.assign(x2=1000 * rows["x2"]))["p_b"].to_numpy() == pytest.approx(wanted, abs=1e-3)


def test_forests_of_numbers_take_gaps_and_constant_columns_as_they_are() -> None:
    rows = tiny.facts(20).assign(x2=5.0)
    rows.loc[::5, "x1"] = np.nan
    model = fitted("sklearn", FOREST_OF_NUMBERS, rows, ONE)
    known = rows["x1"].notna()
    assert (model.predict(rows)["prediction"] - rows["y"])[known].abs().mean() < 1
    by = model.moved(0, rows[["x1", "x2"]].to_numpy())
    assert (by[:, 1] == 0).all()
    begin = model.predict(rows)["prediction"].to_numpy() - by.sum(axis=1)
    assert begin == pytest.approx(np.full(len(rows), begin[0]))


@pytest.mark.parametrize(
    ("params", "change", "says"),
    [
        (LOGISTIC, {"d": 0.0}, "d is 0 in all 400 rows: there is nothing to tell apart"),
        (EXTRA, {"d": 3.0}, "d is 3 in all 400 rows"),
        (EXTRA, {"d": np.arange(400) % 3}, "a classifier foretells 0 or 1, and d takes 0, 1, 2"),
        ({**LOGISTIC, "missing": "refuse"}, {}, "LogisticRegression knows no gaps, and x2 has gaps: declare missing="),
        (LOGISTIC, {"x2": np.nan}, "LogisticRegression knows no gaps, and x2 is nowhere known"),
    ],
)
def test_rows_that_cannot_be_learned_from_are_refused_with_the_column(
    params: Params, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(Refused, match=says):
        fitted("sklearn", params, machines().assign(**change))


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("sklearn", {}, "`estimator` is one of ElasticNet, ExtraTreesClassifier, .*, got None"),
        ("sklearn", {"estimator": "SVC"}, "got 'SVC'"),
        ("sklearn", {"estimator": "ElasticNet", "balanced": True}, "balanced is for .*, not for ElasticNet"),
        ("sklearn", {"estimator": "ElasticNet", "missing": "mean"}, "`missing` is 'refuse' or 'usual', got 'mean'"),
        ("sklearn", {**EXTRA, "max_features": float("nan")}, "cannot be fitted with max_features=nan"),
        ("blend", {}, "`members` lists .*, got None"),
        ("blend", {"members": [{"kind": "spark_ml", "params": {}}]}, "is of blend, sklearn, xgboost, got 'spark_ml'"),
        ("blend", {"members": [{"kind": "sklearn", "params": {"estimator": "SVC"}}]}, "got 'SVC'"),
    ],
)
def test_what_is_wrong_with_parameters_is_said_before_there_are_rows(name: str, params: Params, says: str) -> None:
    with pytest.raises(BadDeclaration, match=says):
        Candidate(name="odd", kind=name, params=params)


def test_a_model_of_another_scikit_learn_is_refused_by_name(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted("sklearn", EXTRA, machines()).save(tmp_path / "model", {"x1": "double", "x2": "double"})
    pinned = (tmp_path / "model" / "requirements.txt").read_text()
    assert f"scikit-learn=={sklearn.__version__}" in pinned
    fitted("sklearn", LOGISTIC, machines()).save(tmp_path / "linear", {"x1": "double", "x2": "double"})
    monkeypatch.setattr(sklearn, "__version__", "9.9")
    with pytest.raises(Refused, match=r"here is 9\.9, .* bring that version in with `model_rollback`"):
        kind("sklearn").load(tmp_path / "model", FOUR, spark)
    kind("sklearn").load(tmp_path / "linear", FOUR, spark)  # coefficients are coefficients


@pytest.mark.parametrize("name", EVERY)
def test_no_rows_give_no_predictions_and_no_reasons(name: str) -> None:
    rows = machines()
    model = fitted(*EVERY[name], rows)
    assert model.predict(rows.iloc[:0]).empty
