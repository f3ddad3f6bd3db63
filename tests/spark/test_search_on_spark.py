"""Kinds that fit on Spark are searched as others are, in the job, and nothing is done twice."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.errors.exceptions.connect import SparkConnectException
from pyspark.ml import Estimator, Pipeline
from pyspark.ml.feature import MinMaxScaler, StandardScaler, VectorAssembler
from pyspark.ml.regression import GBTRegressor, LinearRegression
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import Choice, HashSplit, Place, Real, Search, Space, Whole, tags
from spark_jobs.kinds import Candidate, Params
from spark_jobs.kinds.spark_ml_steps import Steps, Together
from spark_jobs.learning.attempt import Attempt, best
from spark_jobs.learning.search import Bench, Searching, search
from spark_jobs.learning.search.on_spark import KEPT
from spark_jobs.session import spark_session
from tests.spark import tiny
from tests.spark.test_search import by_number, essence, spent_again, trying

ROUNDS = (2, 3, 5)
GRID = Search(
    trials=1,
    by="grid",
    folds=2,
    spaces={"trees": {"depth": Choice(options=(1, 3)), "rounds": Choice(options=ROUNDS)}},
)


def prepared(last: Any) -> Estimator[Any]:
    assembled = VectorAssembler(inputCols=["x1", "x2"], outputCol="assembled")
    return Pipeline(stages=[assembled, StandardScaler(inputCol="assembled", outputCol="all"), last])


def trees(params: Params) -> Estimator[Any]:
    shape = {"maxDepth": params["depth"], "maxIter": params["rounds"], "stepSize": 0.3}
    return prepared(GBTRegressor(featuresCol="all", labelCol="y", subsamplingRate=0.8, **shape))


def line(params: Params) -> Estimator[Any]:
    return prepared(LinearRegression(featuresCol="all", labelCol="y", regParam=params["penalty"]))


TREES = Candidate(name="trees", kind="spark_ml", build=trees)
IN_MEMORY = tiny.candidates()
LINE = Candidate(name="line", kind="spark_ml", build=line)


def bench(spark: SparkSession, folds: int) -> Bench:
    rows = trying(folds)
    train, validate = spark.createDataFrame(rows.train), spark.createDataFrame(rows.validate)
    return Bench(trying=rows, train=train, validate=validate, key=("at",))


def searching(spark: SparkSession, *candidates: Candidate, declared: Search = GRID, **more: Any) -> Searching:
    on_spark = bench(spark, declared.folds)
    return Searching(
        spark=spark,
        trying=on_spark.trying,
        candidates=candidates or (TREES,),
        declared=declared,
        bench=on_spark,
        **{"finished": {}, "told": lambda _: None, **more},
    )


def test_a_grid_prepares_once_for_each_fold_and_fits_once_for_all_rounds(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fit, prepare = Together.of, Steps.prepared

    def fits(*given: Any) -> Together:
        calls.append("fit")
        return fit(*given)

    def prepares(steps: Steps, *given: Any) -> Any:
        calls.append("prepare")
        return prepare(steps, *given)

    monkeypatch.setattr(Together, "of", fits)
    monkeypatch.setattr(Steps, "prepared", prepares)
    found = search(searching(world.spark))
    assert [(one.params["depth"], one.params["rounds"]) for one in found] == [(d, r) for d in (1, 3) for r in ROUNDS]
    assert (calls.count("prepare"), calls.count("fit")) == (2, 2 * 2)
    assert {len(one.steps) for one in found} == {2}
    assert best(found, tiny.USE_CASE.gate).params == {"depth": 3, "rounds": 5}
    alone = search(searching(world.spark, declared=replace(GRID, by="optuna", trials=6)))
    same = {json.dumps(one.params): one.metrics["rmse"] for one in found}
    assert {json.dumps(one.params): one.metrics["rmse"] for one in alone}.items() <= {
        name: pytest.approx(value, abs=1e-12) for name, value in same.items()
    }.items()


def scaled(params: Params) -> Estimator[Any]:
    assembled = VectorAssembler(inputCols=["x1", "x2"], outputCol="assembled")
    to_range = MinMaxScaler(inputCol="assembled", outputCol="all", max=params["to"])
    return Pipeline(stages=[assembled, to_range, LinearRegression(featuresCol="all", labelCol="y")])


def test_of_rows_that_each_trial_prepares_anew_only_the_last_are_kept(world: tiny.World) -> None:
    declared = replace(GRID, spaces={"scaled": {"to": Choice(options=(1.0, 2.0, 3.0, 4.0, 5.0))}})
    asked = searching(world.spark, Candidate(name="scaled", kind="spark_ml", build=scaled), declared=declared)
    found = search(asked)
    assert [one.metrics["rmse"] for one in found] == pytest.approx([found[0].metrics["rmse"]] * 5)
    assert asked.bench
    assert len(asked.bench.kept) == KEPT * 2


def test_however_many_run_at_once_the_same_is_found_and_told_in_order(world: tiny.World) -> None:
    told: list[int] = []
    one, four = (
        search(searching(world.spark, declared=replace(GRID, at_once=many), told=lambda one: told.append(one.number)))
        for many in (1, 4)
    )
    assert essence(one) == essence(four)
    assert told[: len(one)] == told[len(one) :] == [attempt.number for attempt in one]


@pytest.mark.parametrize("way", ["genetic", "optuna"])
def test_a_killed_search_on_spark_goes_on_where_it_was(world: tiny.World, way: str) -> None:
    declared = replace(GRID.asked(way), trials=6, batch=3)
    asked = searching(world.spark, declared=declared)
    whole = search(asked)
    again = search(replace(asked, finished=by_number(whole[:4])))
    assert essence(again) == essence(whole)
    assert spent_again(whole, again) == [4, 5]


def test_rows_fall_into_the_folds_they_fall_into_in_memory(world: tiny.World) -> None:
    """Kinds that fit on Spark and others are compared on the same rows."""
    on_spark = bench(world.spark, 3)
    for place, side in enumerate(on_spark.sides):
        left, learn = (sorted(row["at"] for row in frame.select("at").collect()) for frame in (side.left, side.learn))
        inside = on_spark.trying.fold_of_rows == place
        assert [pd.Timestamp(at) for at in left] == sorted(on_spark.trying.train["at"][inside])
        assert [pd.Timestamp(at) for at in learn] == sorted(on_spark.trying.train["at"][~inside])


def test_one_search_holds_candidates_of_both_sorts(world: tiny.World) -> None:
    spaces: dict[str, Space] = {
        "line": {"penalty": Real(low=0.001, high=5, log=True)},
        "boosted": {"max_depth": Whole(low=1, high=4)},
    }
    declared = Search(trials=12, batch=4, folds=2, spaces=spaces)
    found = search(searching(world.spark, *tiny.candidates(), LINE, declared=declared))
    assert [one.error for one in found] == [""] * 12
    assert {one.candidate for one in found} == {"line", "boosted"}
    assert best(found, tiny.USE_CASE.gate).candidate == "line"  # for y is a line


def test_without_folds_the_rows_to_validate_with_choose(world: tiny.World) -> None:
    found = search(searching(world.spark, declared=replace(GRID, folds=0)))
    assert [one.settled for one in found] == [one.params for one in found]
    assert best(found, tiny.USE_CASE.gate).params == {"depth": 3, "rounds": 5}


class Troubled:
    """An estimator that cannot be built, cannot fit, or takes for ever."""

    def __init__(self, trouble: str) -> None:
        if trouble == "not built":
            raise ValueError("no such thing")
        self.trouble = trouble

    def fit(self, rows: DataFrame) -> Any:
        if self.trouble == "for ever":
            rows.sparkSession.range(0, 10**13, numPartitions=1).selectExpr("sum(sqrt(id))").collect()
        return line({"penalty": 0.1}).fit(rows if self.trouble == "none" else rows.drop("x1"))


def test_a_trial_on_spark_that_fails_or_takes_too_long_hurts_itself_alone(world: tiny.World) -> None:
    troubles = ("none", "not built", "not fitted", "for ever")
    declared = replace(GRID, longest=timedelta(seconds=20), spaces={"troubled": {"trouble": Choice(options=troubles)}})
    candidate = Candidate(name="troubled", kind="spark_ml", build=lambda params: Troubled(params["trouble"]))
    found = search(searching(world.spark, candidate, declared=declared))
    errors = [one.error for one in found]
    assert errors[:2] == ["", "ValueError: no such thing"]
    assert "x1" in errors[2]
    assert errors[3] == "took longer than 20 s and was ended"


class Robbed:
    """An estimator in whose midst another try takes the session."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def fit(self, _: DataFrame) -> Any:
        with spark_session(self.place, "robbed"):
            raise ValueError("what a library says then")


def test_a_session_that_another_try_took_ends_the_search_and_fails_no_trial(
    world: tiny.World, engine: dict[str, str]
) -> None:
    place, told = replace(world.place, **engine), list[Attempt]()
    space: dict[str, Space] = {"robbed": {"number": Choice(options=(1, 2, 3))}}
    candidate = Candidate(name="robbed", kind="spark_ml", build=lambda _: Robbed(place))

    def searched() -> None:
        with spark_session(place, "robbed") as session:
            search(searching(session, candidate, declared=replace(GRID, spaces=space, at_once=1), told=told.append))

    with ThreadPoolExecutor(1) as pool, pytest.raises(SparkConnectException, match="SESSION"):
        pool.submit(searched).result()  # a thread has one session, and this one has the tests'
    assert told == []


def test_a_trial_on_spark_that_falls_behind_is_given_up(world: tiny.World) -> None:
    declared = Search(
        trials=20, folds=3, batch=4, seed=3, spaces={"line": {"penalty": Real(low=0.001, high=50, log=True)}}
    )
    found = search(searching(world.spark, LINE, declared=declared))
    given_up = [one for one in found if one.given_up]
    assert given_up
    assert all(len(one.steps) < 3 for one in given_up)


def candidates() -> tuple[Candidate, ...]:
    return (TREES, *IN_MEMORY)


@pytest.mark.parametrize(("way", "trials"), [("grid", 8), ("genetic", 4), ("optuna", 4)])
def test_judge_rows_choose_nothing_however_and_wherever_a_search_goes(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch, way: str, trials: int
) -> None:
    """What is searched on Spark is trained, refitted and registered as anything else."""
    monkeypatch.setattr(tiny, "candidates", candidates)
    spaces = {**GRID.spaces, "boosted": {"max_depth": Choice(options=(1, 2))}}
    declared = replace(GRID.asked(way), trials=4, batch=2, spaces=spaces)
    world.use_case = replace(tiny.USE_CASE, split=HashSplit(judge=0.25, validate=0.15), search=declared)
    rows = tiny.facts(60)
    world.fill(rows)
    first = world.train(60)
    judges = judge_rows(world, rows)
    world.fill(rows.assign(y=rows["y"].where(~judges, 1e6)))
    second = world.train(60)
    assert (first["version"], second["version"]) == ("1", "2")
    assert first["metrics"] == pytest.approx(second["metrics"], rel=1e-9)
    assert params_of(world, first["run_id"]) == params_of(world, second["run_id"])
    found = [told_of(world, run["run_id"]) for run in (first, second)]
    assert found[0] == found[1]
    assert len(found[0]) == trials
    assert {candidate for candidate, *_ in found[0]} == {"trees", "boosted"}


def told_of(world: tiny.World, run: str) -> list[tuple[str, str, float]]:
    trials = [json.loads(trial.data.tags[tags.TRIAL]) for trial in world.children(run)]
    return sorted((one["candidate"], json.dumps(one["params"]), round(one["metrics"]["rmse"], 9)) for one in trials)


def judge_rows(world: tiny.World, rows: pd.DataFrame) -> "pd.Series[bool]":
    part = "pmod(xxhash64(x1, x2), 1000000) < 250000"
    found = {row["at"] for row in world.spark.createDataFrame(rows).where(part).select("at").collect()}
    inside = rows["at"].isin([pd.Timestamp(at) for at in found])
    assert 0.15 < float(np.mean(inside)) < 0.35
    return inside


def params_of(world: tiny.World, run: str) -> dict[str, str]:
    return dict(world.client.get_run(run).data.params)
