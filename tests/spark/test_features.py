"""Features and labels are rebuilt wherever the window or a new file can have changed them, and nowhere else.

Shops keep to themselves, so each test looks at one; all of it happens to one town in four nights.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import NightshiftError, Stage
from spark_jobs.work import Result
from tests.spark import shop
from tests.spark.shop import DAY, FIRST, USE_CASE, Town


def at(day: int, hour: int = 12) -> datetime:
    return datetime.combine(FIRST, datetime.min.time()) + DAY * day + timedelta(hours=hour)


def sale(day: int, hour: int = 12, *, shop: int = 1, amount: int = 5) -> str:
    return f"{at(day, hour)},{shop},{amount},,"


@dataclass(frozen=True)
class Left:
    """What a night left in gold."""

    result: Result
    features: list[tuple[Any, ...]]
    labels: list[tuple[Any, ...]]

    def of(self, shop: int) -> list[tuple[Any, ...]]:
        """Stamp, size, sold before, closed before."""
        return [row[2:] for row in self.features if row[1] == shop]

    def labelled(self, shop: int) -> list[tuple[Any, ...]]:
        """Stamp, and whether it closes."""
        return [row[2:] for row in self.labels if row[1] == shop]


@pytest.fixture(scope="module")
def town(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(spark, tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module")
def nights(town: Town) -> list[Left]:
    """Four days at once; late files about them; new words about shops; a word that is no news, and a late sale."""
    town.deliver("shops", 0, "1,10", "2,20")
    town.deliver("sales", 0, sale(0, shop=2), sale(0, shop=3), name="others.csv")
    for day in range(4):
        town.deliver("sales", day, sale(day))
    town.deliver("closures", 3, f"{at(3)},2,planned")  # a table's first file would have everything made again
    found = [_left(town, 0, 3)]
    town.deliver("closures", 4, f"{at(1, 6)},1,sudden")
    town.deliver("sales", 4, sale(1, 23, amount=7), sale(-20_000, amount=13))  # a clock that was never set
    found.append(_left(town, 4, 4))
    town.deliver("shops", 5, "2,21", "3,30")
    found.append(_left(town, 5, 5))
    town.deliver("shops", 9, "2,21")
    town.deliver("sales", 9, sale(9), sale(1, 13, amount=8))
    return [*found, _left(town, 9, 9)]


def _left(town: Town, first: int, last: int) -> Left:
    result = town.night(first, last)["features"]
    return Left(result, town.rows("gold", "features"), town.rows("gold", "labels"))


def test_features_look_back_and_labels_need_a_day_that_has_come(nights: list[Left]) -> None:
    assert nights[0].of(1) == [(at(0), 10, None, None), *((at(day), 10, 5, None) for day in (1, 2, 3))]
    assert nights[0].labelled(1) == [(at(0), 0), (at(1), 0), (at(2), 0)]


def test_late_files_change_later_features_and_earlier_labels(nights: list[Left]) -> None:
    assert nights[1].of(1) == [
        (at(0), 10, None, None),
        (at(1), 10, 5, at(1, 6)),
        (at(1, 23), 10, 5, at(1, 6)),
        (at(2), 10, 12, at(1, 6)),
        (at(3), 10, 5, at(1, 6)),
    ]
    assert nights[1].labelled(1) == [(at(0), 1), (at(1), 0), (at(1, 23), 0), (at(2), 0)]
    assert nights[1].result["rows"] == {"features": {"rows": 4}, "labels": {"rows": 5}}


def test_a_new_word_about_a_thing_changes_all_its_rows(nights: list[Left]) -> None:
    assert [night.of(2) for night in nights] == [[(at(0), size, None, None)] for size in (20, 20, 21, 21)]


def test_rows_that_appear_where_there_were_none_have_features_too(nights: list[Left]) -> None:
    assert [night.of(3) for night in nights] == [[], [], *[[(at(0), 30, None, None)]] * 2]


def test_only_days_that_can_have_changed_are_written(nights: list[Left]) -> None:
    """One row of the new day, three of the day of the late sale, and one of the day after, that looks back."""
    assert nights[3].result["rows"]["features"] == {"rows": 5}


def test_a_day_of_which_every_record_was_refused_is_no_day(town: Town, nights: list[Left]) -> None:
    assert town.lake.gold("labels").note()["days"] == [
        [str(FIRST), str(FIRST + DAY * 6)],
        [str(FIRST + DAY * 9), str(FIRST + DAY * 10)],
    ]


def test_labels_mature_after_a_gap_in_the_data(nights: list[Left]) -> None:
    assert (at(3), 0) not in nights[1].labelled(1)
    assert nights[3].labelled(1)[-1] == (at(3), 0)


@pytest.fixture
def copy(town: Town, nights: list[Left], tmp_path: Path) -> Town:
    """As the four nights left it."""
    return replace(town, folder=shutil.copytree(town.folder, tmp_path / "copy"))


def test_changed_features_rebuild_every_day_once(copy: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    wider = replace(USE_CASE.features, columns=(*USE_CASE.features.columns, "extra"))
    other = replace(copy, use_case=replace(USE_CASE, features=wider))
    original = shop.features
    monkeypatch.setattr(shop, "features", lambda frames: original(frames).selectExpr("*", "size + 1 AS extra"))
    sizes = copy.rows("gold", "features", "size")
    for rows in (len(sizes), 0):
        assert other.run(Stage.FEATURES, 12)["rows"]["features"] == {"rows": rows}
    assert copy.rows("gold", "features", "extra") == [(size + 1,) for (size,) in sizes]


def test_another_horizon_makes_every_label_again_once(copy: Town) -> None:
    sooner = replace(copy, use_case=replace(USE_CASE, labels=replace(USE_CASE.labels, horizon=timedelta(hours=6))))
    assert (at(9), 0) not in _left(copy, 12, 12).labelled(1)
    for rows in (len(copy.rows("gold", "features")), 0):
        assert sooner.run(Stage.FEATURES, 12)["rows"]["labels"] == {"rows": rows}
    assert (at(9), 0) in [row[2:] for row in copy.rows("gold", "labels")]


def test_a_new_word_about_a_known_thing_alone_changes_all_its_rows(copy: Town) -> None:
    copy.deliver("shops", 10, "3,31")
    assert _left(copy, 10, 10).of(3) == [(at(0), 31, None, None)]


def test_a_whole_history_is_read_by_every_later_day_however_far_apart_its_news_are(copy: Town) -> None:
    copy.deliver("closures", 20, f"{at(1, 18)},1,sudden", f"{at(12)},1,planned")
    copy.deliver("sales", 20, sale(20))
    assert [(sold, closed) for sold, *_, closed in _left(copy, 20, 20).of(1)] == [
        (at(0), None),
        (at(1), at(1, 6)),
        (at(1, 13), at(1, 6)),
        *((sold, at(1, 18)) for sold in (at(1, 23), at(2), at(3), at(9))),
        (at(20), at(12)),
    ]


def test_nothing_delivered_is_nothing_to_do(spark: SparkSession, tmp_path: Path) -> None:
    assert Town(spark, tmp_path).night(0)["features"] == {"skipped": "nothing was delivered yet"}


WRONG: list[tuple[Callable[[DataFrame], DataFrame], str]] = [
    (lambda frame: frame.drop("size"), "the columns use_case.py declares: it lacks size"),
    (lambda frame: frame.selectExpr("*", "1 AS more"), "it adds undeclared more"),
    (lambda frame: frame.union(frame), r'more than one row for {"shop":1,"at":"2024-03-01T12:00:00.000Z"}'),
]


def test_a_frame_that_is_not_as_declared_ends_the_job(copy: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    before = copy.lake.gold("features").version()
    original = shop.features
    for change, says in WRONG:
        monkeypatch.setattr(shop, "features", lambda frames, change=change: change(original(frames)))
        with pytest.raises(NightshiftError, match=r"shop/features.py: features\(\).*" + says):
            copy.run(Stage.FEATURES, 0)
    assert copy.lake.gold("features").version() == before
