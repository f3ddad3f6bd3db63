"""Features that hold words, and rows that weigh more than others: what every kind makes of them."""

import json
from pathlib import Path
from typing import cast

import mlflow  # noqa: TID253 - tests load what they test
import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from spark_jobs.declare import Refused
from spark_jobs.kinds import Columns, Params, Why, kind
from spark_jobs.kinds.in_memory import MOST_WORDS, InMemory, words_of
from tests.spark.test_kinds import fetched

COLUMNS = Columns(features=("trade", "years"), labels=("rich",), predictions=("p",), categories=("trade",))
FOREST: Params = {"estimator": "RandomForestClassifier", "n_estimators": 12, "bootstrap": False, "max_depth": 4}
LOGISTIC: Params = {"estimator": "LogisticRegression", "missing": "usual", "scaled": True, "tol": 1e-10}
BOOSTING: Params = {"objective": "binary:logistic", "rounds": 20, "max_depth": 3, "min_child_weight": 0, "lambda": 0}
EVERY = {
    "forest": ("sklearn", FOREST),
    "logistic": ("sklearn", LOGISTIC),
    "boosting": ("xgboost", BOOSTING),
    "blend": (
        "blend",
        {"members": [{"kind": "sklearn", "params": FOREST}, {"kind": "xgboost", "params": BOOSTING}]},
    ),
}
SHARES = {"baker": 0.2, "clerk": 0.5, "judge": 0.9, None: 0.4}


def people(count: int = 400) -> pd.DataFrame:
    """Who is rich is decided by trade and, a little, by years; of some the trade is not known."""
    draw = np.random.default_rng(8)
    trade = np.array([*SHARES], dtype=object)[draw.integers(len(SHARES), size=count)]
    years = draw.integers(0, 40, count).astype("float64")
    chance = np.array([SHARES[one] for one in trade]) + (years - 20) / 200
    return pd.DataFrame({"trade": trade, "years": years, "rich": (draw.random(count) < chance).astype(int)})


def fitted(name: str, rows: pd.DataFrame, columns: Columns = COLUMNS) -> InMemory:
    by, params = EVERY[name]
    return cast(InMemory, kind(by).fit(rows, params, columns))


@pytest.mark.parametrize("name", EVERY)
def test_words_are_learned_and_all_ways_to_score_agree(spark: SparkSession, tmp_path: Path, name: str) -> None:
    rows = people()
    model = fitted(name, rows)
    wanted = model.predict(rows)
    mean = wanted["p"].groupby(rows["trade"]).mean()
    assert mean["baker"] + 0.15 < mean["clerk"] < mean["judge"] - 0.15
    model.save(tmp_path / "model", {"trade": "string", "years": "double"})
    again = kind(EVERY[name][0]).load(tmp_path / "model", COLUMNS, spark)
    anywhere = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(rows[["trade", "years"]])
    numbered = rows.assign(key=rows.index)
    on_spark = fetched(again.score(spark.createDataFrame(numbered).repartition(3), ["key"])).sort_values("key")
    pd.testing.assert_frame_equal(again.predict(rows), wanted)
    pd.testing.assert_frame_equal(anywhere, wanted)
    pd.testing.assert_frame_equal(on_spark.drop(columns="key").reset_index(drop=True), wanted)
    settled = json.loads(json.dumps(model.settled))
    pd.testing.assert_frame_equal(kind(EVERY[name][0]).fit(rows, settled, COLUMNS).predict(rows), wanted)


@pytest.mark.parametrize("name", EVERY)
def test_a_word_never_seen_in_training_counts_as_one_that_is_missing(name: str) -> None:
    model = fitted(name, people())
    asked = pd.DataFrame({"trade": ["sorcerer", None, "judge"], "years": [20.0] * 3})
    new, missing, known = model.predict(asked)["p"]
    assert new == missing
    assert abs(known - missing) > 0.1


@pytest.mark.parametrize("name", EVERY)
def test_a_word_that_only_some_folds_know_does_not_shift_the_others(name: str) -> None:
    rows = people()
    with_one_more = pd.concat([rows, rows.iloc[:1].assign(trade="abbot")], ignore_index=True)
    asked = pd.DataFrame({"trade": ["baker", "judge"], "years": [20.0] * 2})
    before, after = (fitted(name, one).predict(asked)["p"].to_numpy() for one in (rows, with_one_more))
    assert np.abs(after - before).max() < 0.1


@pytest.mark.parametrize("name", EVERY)
def test_reasons_name_the_word_and_sum_to_the_prediction(spark: SparkSession, name: str) -> None:
    rows = people(60)
    model = fitted(name, people())
    scored = fetched(model.score(spark.createDataFrame(rows), ["trade", "years"], Why(most=2)))
    begin = []
    for _, row in scored.iterrows():
        given = {one["feature"]: one for one in row["reasons"]}
        begin.append(row["p"] - sum(one["by"] for one in given.values()))
        if "trade" in given:
            assert (given["trade"]["word"], given["trade"]["value"]) == (row["trade"], None)
        assert (given["years"]["word"], given["years"]["value"]) == (None, row["years"])
    assert sum("trade" in [one["feature"] for one in reasons] for reasons in scored["reasons"]) > 30
    assert begin == pytest.approx([begin[0]] * len(begin), abs=1e-5)
    shares = model.importance.set_index("feature")["importance"]
    assert list(shares.index) == ["trade", "years"]
    assert shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("name", EVERY)
def test_a_row_that_weighs_three_times_as_much_is_three_rows(name: str) -> None:
    rows = people().assign(heavy=lambda r: np.where(r["years"] > 20, 3.0, 1.0))
    threefold = rows.loc[rows.index.repeat(rows["heavy"].astype(int))].reset_index(drop=True)
    weighed = Columns(**{**vars(COLUMNS), "weight": "heavy"})
    ours, theirs = fitted(name, rows, weighed).predict(rows), fitted(name, threefold).predict(rows)
    assert ours["p"].to_numpy() == pytest.approx(theirs["p"].to_numpy(), abs=0.01)
    plain = fitted(name, rows).predict(rows)["p"]
    assert np.abs(ours["p"] - plain).max() > 0.02


@pytest.mark.parametrize("heavy", [0.0, -1.0, np.nan])
@pytest.mark.parametrize("name", ["forest", "boosting"])
def test_a_row_that_weighs_nothing_is_refused(name: str, heavy: float) -> None:
    rows = people().assign(heavy=1.0)
    rows.loc[3, "heavy"] = heavy
    with pytest.raises(Refused, match="heavy says what a row weighs, so it must be above 0 in every row"):
        fitted(name, rows, Columns(**{**vars(COLUMNS), "weight": "heavy"}))


def test_of_ten_thousand_words_the_commonest_are_learned() -> None:
    words = [f"w{place:05d}" for place in range(10_000)]
    rows = pd.DataFrame({"trade": [*words, *words[5000 : 5000 + MOST_WORDS], *[None] * 9]})
    assert words_of(rows, COLUMNS) == {"trade": tuple(words[5000 : 5000 + MOST_WORDS])}
