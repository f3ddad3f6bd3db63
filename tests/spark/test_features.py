"""Features and labels are rebuilt wherever the window or a new file can have changed them, and nowhere else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import NightshiftError, Stage
from tests.spark import shop
from tests.spark.shop import DAY, FIRST, USE_CASE, Town


@pytest.fixture
def town(spark: SparkSession, tmp_path: Path) -> Town:
    return Town(spark, tmp_path)


def at(day: int, hour: int = 12) -> datetime:
    return datetime.combine(FIRST, datetime.min.time()) + DAY * day + timedelta(hours=hour)


def sale(day: int, amount: int = 5, hour: int = 12) -> str:
    return f"{at(day, hour)},1,{amount},,"


def test_late_files_change_later_features_and_earlier_labels(town: Town) -> None:
    town.deliver("shops", 0, "1,10")
    for day in range(4):
        town.deliver("sales", day, sale(day))
    town.night(0, 3)
    assert town.rows("gold", "features") == [
        (FIRST, 1, at(0), 10, None, None),
        (FIRST + DAY, 1, at(1), 10, 5, None),
        (FIRST + DAY * 2, 1, at(2), 10, 5, None),
        (FIRST + DAY * 3, 1, at(3), 10, 5, None),
    ]
    mature = [(FIRST, 1, at(0), 0), (FIRST + DAY, 1, at(1), 0), (FIRST + DAY * 2, 1, at(2), 0)]
    assert town.rows("gold", "labels") == mature  # noon of the last day needs a day that has not come

    town.deliver("closures", 4, f"{at(1, 6)},1,sudden")
    town.deliver("sales", 4, sale(0, 7, hour=23))
    found = town.night(4)["features"]
    assert found["rows"] == {"features": {"rows": 5}, "labels": {"rows": 4}}
    assert town.rows("gold", "features") == [
        (FIRST, 1, at(0), 10, None, None),
        (FIRST, 1, at(0, 23), 10, 5, None),
        (FIRST + DAY, 1, at(1), 10, 12, at(1, 6)),
        (FIRST + DAY * 2, 1, at(2), 10, 5, at(1, 6)),
        (FIRST + DAY * 3, 1, at(3), 10, 5, at(1, 6)),
    ]
    assert town.rows("gold", "labels") == [
        (FIRST, 1, at(0), 1),
        (FIRST, 1, at(0, 23), 1),
        (FIRST + DAY, 1, at(1), 0),
        (FIRST + DAY * 2, 1, at(2), 0),
    ]


def test_only_days_that_can_have_changed_are_written(town: Town) -> None:
    town.deliver("shops", 0, "1,10")
    for day in range(5):
        town.deliver("sales", day, sale(day))
    town.night(0, 4)
    town.deliver("sales", 9, sale(1, 8, hour=13))
    assert town.night(9)["features"]["rows"]["features"] == {"rows": 3}  # of day 1, and of day 2 that looks back


def test_a_day_of_which_every_record_was_refused_is_no_day(town: Town) -> None:
    town.deliver("shops", 0, "1,10")
    town.deliver("sales", 0, sale(0), sale(-20_000, amount=13))  # a clock that was never set
    town.night(0)
    assert town.lake.gold("labels").note()["days"] == [[str(FIRST), str(FIRST + DAY)]]


def test_a_new_word_about_a_thing_changes_all_its_rows(town: Town) -> None:
    town.deliver("shops", 0, "1,10")
    town.deliver("sales", 0, sale(0))
    town.night(0)
    town.deliver("shops", 1, "1,11")
    town.night(1)
    assert town.rows("gold", "features", "size") == [(11,)]
    town.deliver("shops", 2, "1,11")  # says nothing new
    assert town.night(2)["features"]["rows"]["features"] == {"rows": 0}


def test_labels_mature_after_a_gap_in_the_data(town: Town) -> None:
    town.deliver("shops", 0, "1,10")
    town.deliver("sales", 0, sale(0))
    town.night(0)
    assert town.rows("gold", "labels") == []
    town.deliver("sales", 9, sale(9))
    town.night(9)
    assert town.rows("gold", "labels", "at", "closes") == [(at(0), 0)]


def test_changed_features_rebuild_every_day_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.deliver("shops", 0, "1,10")
    town.deliver("sales", 0, sale(0), sale(0, hour=13))
    town.night(0)
    wider = replace(USE_CASE.features, columns=(*USE_CASE.features.columns, "extra"))
    other = replace(town, use_case=replace(USE_CASE, features=wider))
    original = shop.features
    monkeypatch.setattr(shop, "features", lambda frames: original(frames).selectExpr("*", "size + 1 AS extra"))
    for rows in (2, 0):
        assert other.run(Stage.FEATURES, 9)["rows"]["features"] == {"rows": rows}
    assert town.rows("gold", "features", "extra") == [(11,), (11,)]


def test_rows_that_appear_where_there_were_none_have_features_too(town: Town) -> None:
    town.deliver("sales", 0, sale(0))
    assert town.night(0)["features"]["rows"]["features"] == {"rows": 0}  # of a shop nobody knows
    town.deliver("shops", 5, "1,10")
    town.night(5)
    assert town.rows("gold", "features", "at", "size") == [(at(0), 10)]


def test_nothing_delivered_is_nothing_to_do(town: Town) -> None:
    assert town.night(0)["features"] == {"skipped": "nothing was delivered yet"}


WRONG: list[tuple[Callable[[DataFrame], DataFrame], str]] = [
    (lambda frame: frame.drop("size"), "the columns use_case.py declares: it lacks size"),
    (lambda frame: frame.selectExpr("*", "1 AS more"), "it adds undeclared more"),
    (lambda frame: frame.union(frame), r'more than one row for {"shop":1,"at":"2024-03-01T12:00:00.000Z"}'),
]


def test_a_frame_that_is_not_as_declared_ends_the_job(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.deliver("shops", 0, "1,10")
    town.deliver("sales", 0, sale(0))
    town.run(Stage.INGEST)
    town.run(Stage.REFINE)
    original = shop.features
    for change, says in WRONG:
        monkeypatch.setattr(shop, "features", lambda frames, change=change: change(original(frames)))
        with pytest.raises(NightshiftError, match=r"shop/features.py: features\(\).*" + says):
            town.run(Stage.FEATURES)
    assert not town.lake.gold("features").exists()
