"""Which rows train, validate and judge: laws that hold for every declaration."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import HashSplit, Refused, TimeSplit, UseCase, Window
from spark_jobs.learning.splits import BUCKETS, Part, Parts, _bucket, by_stratum, parts
from tests.spark import tiny

DAY = timedelta(days=1)
WINDOW = Window(start=tiny.START, end=tiny.START + 100 * DAY)
BY_CONTENT = replace(tiny.USE_CASE, split=HashSplit(judge=0.25, validate=0.15))


def by_time(judge: int, validate: int, embargo: int, history: int) -> UseCase:
    split = TimeSplit(judge=judge * DAY, validate=validate * DAY, embargo=embargo * DAY)
    return replace(tiny.USE_CASE, split=split, history=history * DAY)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 10), st.integers(30, 400))
@example(40, 1, 0, 30)  # more judge days than there is history
def test_an_embargo_lies_between_parts_and_nothing_outside_the_history(
    judge: int, validate: int, embargo: int, history: int
) -> None:
    cut = parts(by_time(judge, validate, embargo, history), WINDOW)
    assert cut.train.end + embargo * DAY <= cut.validate.start
    assert cut.validate.end + embargo * DAY <= cut.judge.start
    assert cut.judge.end == WINDOW.ends_at
    assert min(cut.train.start, cut.validate.start, cut.judge.start) >= WINDOW.ends_at - history * DAY


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 10))
def test_what_fits_the_winner_in_the_end_ends_an_embargo_before_the_judge(
    judge: int, validate: int, embargo: int
) -> None:
    cut = parts(by_time(judge, validate, embargo, 400), WINDOW)
    assert (cut.fitted.start, cut.fitted.end) == (cut.train.start, cut.validate.end)


def test_a_part_survives_its_journey_as_a_tag() -> None:
    for use_case in (tiny.USE_CASE, BY_CONTENT):
        cut = parts(use_case, WINDOW)
        for part in (cut.train, cut.validate, cut.judge, cut.fitted):
            assert Part.from_json(part.to_json()) == part


def contents(spark: SparkSession, count: int) -> DataFrame:
    rows = tiny.facts(90).iloc[:count]
    return spark.createDataFrame(pd.concat([rows, rows.assign(at=rows["at"] + pd.Timedelta(hours=1))]))


def sides(frame: DataFrame) -> pd.DataFrame:
    cut = parts(BY_CONTENT, WINDOW)
    of = f"""CASE WHEN {cut.judge.condition()} THEN 'judge' WHEN {cut.validate.condition()} THEN 'validate'
             WHEN {cut.train.condition()} THEN 'train' END AS side"""
    return frame.selectExpr("at", "x1", "x2", of, f"{cut.fitted.condition()} AS fitted").toPandas()


def test_rows_of_the_same_content_fall_on_the_same_side(spark: SparkSession) -> None:
    found = sides(contents(spark, 500))
    assert len(found) == 1000
    assert found.groupby(["x1", "x2"])["side"].nunique().max() == 1


def test_no_row_changes_side_when_data_grow(spark: SparkSession) -> None:
    few, many = sides(contents(spark, 200)), sides(contents(spark, 1500))
    both = few.merge(many, on=["at", "x1", "x2"])
    assert len(both) == 400
    assert (both["side_x"] == both["side_y"]).all()


def test_shares_are_those_declared_and_no_judge_row_is_fitted(spark: SparkSession) -> None:
    found = sides(contents(spark, 2000))
    share = found["side"].value_counts(normalize=True)
    assert abs(share["judge"] - 0.25) < 0.03
    assert abs(share["validate"] - 0.15) < 0.03
    assert (found["fitted"] == (found["side"] != "judge")).all()


def test_no_row_lies_in_two_parts(spark: SparkSession) -> None:
    cut = parts(BY_CONTENT, WINDOW)
    many = " + ".join(f"int({part.condition()})" for part in (cut.train, cut.validate, cut.judge))
    assert contents(spark, 500).selectExpr(f"{many} AS parts").where("parts <> 1").count() == 0


def test_a_row_on_the_edge_of_two_parts_lies_in_the_later_one(spark: SparkSession) -> None:
    one = contents(spark, 1)
    [row, _] = one.selectExpr(f"{_bucket(('x1', 'x2'))} AS bucket").collect()
    edge = row["bucket"] / BUCKETS
    cut = parts(replace(BY_CONTENT, split=HashSplit(judge=edge, validate=(1 - edge) / 2)), WINDOW)
    conditions = [f"{part.condition()} AS {name}" for name, part in vars(cut).items()]
    [found, again] = one.selectExpr(*conditions).collect()
    assert found.asDict() == again.asDict() == {"judge": False, "validate": True, "train": False, "fitted": True}


IN_STRATA = HashSplit(judge=0.25, validate=0.15, strata=("kind", "y"))


def people(spark: SparkSession, counts: Mapping[tuple[str | None, int], int]) -> DataFrame:
    """So many rows of each kind and label, no two alike."""
    rows = [(kind, y, float(place)) for (kind, y), count in counts.items() for place in range(count)]
    frame = pd.DataFrame(rows, columns=["kind", "y", "x1"]).assign(
        x2=lambda r: r["x1"] * 7 + r["y"], at=pd.Timestamp(tiny.START)
    )
    return spark.createDataFrame(frame, "kind string, y int, x1 double, x2 double, at timestamp")


STRATIFIED = replace(tiny.USE_CASE, labels=replace(tiny.USE_CASE.labels, facts=("kind",)), split=IN_STRATA)


def counted(frame: DataFrame, cut: Parts) -> dict[str, list[int]]:
    table = by_stratum(frame, cut).drop(columns="share")
    return {stratum: counts for stratum, *counts in table.to_numpy().tolist()}


def test_within_each_stratum_the_shares_are_kept_to_the_row(spark: SparkSession) -> None:
    frame = people(spark, {("a", 0): 1000, ("a", 1): 90, ("b", 1): 10, (None, 0): 3, ("it's", 0): 1})
    cut = parts(STRATIFIED, WINDOW, frame)
    assert counted(frame, cut) == {  # rows, train, validate, judge
        "a, 0": [1000, 600, 150, 250],
        "a, 1": [90, 54, 13, 23],
        "b, 1": [10, 6, 1, 3],
        "it's, 0": [1, 1, 0, 0],
        "missing, 0": [3, 2, 0, 1],
    }
    many = " + ".join(f"int({part.condition()})" for part in (cut.train, cut.validate, cut.judge))
    fitted = f"{cut.fitted.condition()} = NOT {cut.judge.condition()}"
    assert frame.where(f"{many} <> 1 OR NOT ({fitted})").count() == 0
    for part in vars(cut).values():
        assert Part.from_json(part.to_json()) == part


def test_a_stratum_that_nobody_had_seen_belongs_to_no_part(spark: SparkSession) -> None:
    cut = parts(STRATIFIED, WINDOW, people(spark, {("a", 0): 100}))
    strange = people(spark, {("b", 0): 50})
    assert counted(strange, cut) == {"b, 0": [50, 0, 0, 0]}


def test_rows_of_the_same_content_and_stratum_fall_on_the_same_side(spark: SparkSession) -> None:
    twice = people(spark, {("a", 0): 40})
    frame = twice.union(twice).union(twice)
    cut = parts(STRATIFIED, WINDOW, frame)
    sides = frame.selectExpr("x1", cut.judge.condition(), cut.validate.condition()).distinct()
    assert sides.count() == 40
    assert sum(counted(frame, cut)["a, 0"][1:]) == 120


def test_as_data_grow_only_rows_between_the_old_edge_and_the_new_change_sides(spark: SparkSession) -> None:
    few, many = people(spark, {("a", 0): 1000, ("b", 1): 300}), people(spark, {("a", 0): 4000, ("b", 1): 900})
    before, after = (parts(STRATIFIED, WINDOW, frame).judge for frame in (few, many))
    moved = few.where(f"{before.condition()} <> {after.condition()}").count()
    assert 0 < moved < 0.04 * 1300
    for old, new in zip(before.edges, after.edges, strict=True):
        low, high = sorted(edge.high or 0 for edge in (old, new))
        outside = (
            f"xxhash64(x1, x2) NOT BETWEEN {low} AND {high} AND concat_ws(', ', kind, string(y)) = '{old.stratum}'"
        )
        assert few.where(f"{before.condition()} <> {after.condition()} AND {outside}").count() == 0


def test_rows_without_a_label_lie_where_they_may_lie_in_any_stratum(spark: SparkSession) -> None:
    frame = people(spark, {("a", 0): 1000, ("b", 1): 300})
    fitted = parts(STRATIFIED, WINDOW, frame).fitted
    unlabelled = frame.drop("kind", "y")
    inside, possible = frame.where(fitted.condition()), unlabelled.where(fitted.possible())
    assert inside.select("at", "x1", "x2").exceptAll(possible.select("at", "x1", "x2")).count() == 0
    assert 975 <= possible.count() < 1040


def test_too_many_strata_are_refused_by_name(spark: SparkSession) -> None:
    frame = people(spark, {(f"k{place}", 0): 1 for place in range(101)})
    with pytest.raises(Refused, match="kind, y take more than 100 values together"):
        parts(STRATIFIED, WINDOW, frame)
