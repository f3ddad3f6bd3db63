"""Every record of bronze becomes a row of silver, a row of quarantine with its reasons, or is superseded.

What arrives stands above the test it is for; all of it is refined in three nights, and once more by other rules.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.declare import Column, Kind, Stage
from spark_jobs.stages import refine
from tests.spark.shop import Town, declaring

Rows = list[tuple[Any, ...]]
NIGHTS: Mapping[int, list[tuple[str, str, tuple[str, ...]]]] = defaultdict(list)


def arrives(night: int, file: str, *records: str) -> None:
    """A file like "sales/a.csv" that arrives on a night, counted from 0."""
    table, name = file.split("/")
    NIGHTS[night].append((table, name, records))


@dataclass(frozen=True)
class Left:
    """What a run left of each table."""

    counts: Mapping[str, Mapping[str, int]]
    tables: Mapping[str, Rows]

    def silver(self, file: str, *columns: int) -> Rows:
        """Rows of one file, like "sales/2024-03-01/a.csv"; of them the columns at these places."""
        return self._of("silver", file, columns)

    def quarantine(self, file: str, *columns: int) -> Rows:
        return self._of("quarantine", file, columns)

    def _of(self, layer: str, file: str, columns: tuple[int, ...]) -> Rows:
        table, name = file.split("/", 1)
        rows = [row for row in self.tables[f"{layer}/{table}"] if name in row]
        return [tuple(row[n] for n in columns) for row in rows] if columns else rows


def left(town: Town, day: int) -> Left:
    counts = town.run(Stage.REFINE, day)["rows"]
    return Left(counts, town.everything())


@pytest.fixture(scope="module")
def town(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(spark, tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module")
def nights(town: Town) -> list[Left]:
    found = []
    for night, files in NIGHTS.items():
        for table, name, records in files:
            if records and records[0].startswith("HEADER "):
                town.drop(table, night, "\n".join([records[0].removeprefix("HEADER "), *records[1:], ""]), name)
            else:
                town.deliver(table, night, *records, name=name)
        town.run(Stage.INGEST, night)
        found.append(left(town, night))
    return found


@pytest.fixture(scope="module")
def by_other_rules(town: Town, nights: list[Left]) -> Left:
    """Nothing new came, but heat has no bounds, and amounts have other ones."""
    amount, heat = Column(name="amount", kind=Kind.INTEGER), Column(name="heat", required=False)
    return left(replace(town, use_case=declaring(amount, heat, check="amount + 1 > 6")), 9)


arrives(0, "shops/a.csv", "1,10", "2,20")
arrives(0, "sales/types.csv", "2024-03-01 10:00:00,1,5,20.5,hot", "2024-02-29T09:30:00, 2 ,7,,")


def test_silver_has_typed_columns_and_an_event_time(town: Town, nights: list[Left]) -> None:
    early, late, file = datetime(2024, 2, 29, 9, 30), datetime(2024, 3, 1, 10), "2024-03-01/types.csv"
    names = ("day", "at", "time", "shop", "amount", "heat", "note", "file", "record")
    assert town.lake.silver("sales").read().columns == list(names)
    assert nights[0].silver(f"sales/{file}") == [
        (date(2024, 2, 29), early, early, 2, 7, None, None, file, 2),
        (date(2024, 3, 1), late, late, 1, 5, 20.5, "hot", file, 1),
    ]


arrives(0, "sales/blanks.csv", "2024-02-12 10:00:00 , 1, 5 ,, hot ", "2024-02-12 11:00:00,1,5,,  ")


def test_blanks_around_a_value_are_no_part_of_it(nights: list[Left]) -> None:
    assert nights[0].silver("sales/2024-03-01/blanks.csv", 4, 6) == [(5, "hot"), (5, None)]


NOT_A_TIME = "time is not a time like 2024-01-31 06:00:00"
BAD = {
    "2024-03-01 11:00:00,1,x,,": ["amount is not a whole number"],
    "2024-03-01 11:00:00,1,5.5,,": ["amount is not a whole number"],
    "2024-03-01 11:00:00,1,-1,,": ["amount is below 0"],
    "2024-03-01 11:00:00,1,101,,": ["amount is above 100"],
    "2024-03-01 11:00:00,1,9223372036854775808,,": ["amount is not a whole number"],
    "2024-03-01 11:00:00,1,,,": ["amount is missing"],
    "2024-03-01 11:00:00,,x,,": ["shop is missing", "amount is not a whole number"],
    "2024-03-01 11:00:00,1,13,,": ["not so: nobody pays 13"],
    "2024-03-01 11:00:00,9,5,,": ["shop is not in shops"],
    "yesterday,1,5,,": [NOT_A_TIME],
    "2024-02-30 11:00:00,1,5,,": [NOT_A_TIME],
    "12:00,1,5,,": [NOT_A_TIME],
    ",1,5,,": ["time is missing"],
    "2024-03-02 11:00:00,1,5,,": ["describes a day after the one it arrived on"],
    "2024-02-29 23:30:00-02:00,1,5,,": ["the event time is not on the day that time names"],
    "2024-03-01 11:00:00,1,5": ["has 3 fields where the header has 5"],
    f"2024-03-01 11:00:00,1,5,,{'x' * 1_000_000}": ["is longer than 65536 bytes, or has a quote that is never closed"],
    "2024-03-01 11:00:00,1,5,,\0": ["holds a NUL byte"],
    '2024-03-01 11:00:00,1,5,,"a': ["has a quote that is never closed"],
}
arrives(0, "sales/bad.csv", *BAD)


def test_each_bad_record_is_quarantined_with_its_reasons(nights: list[Left]) -> None:
    found = sorted(nights[0].quarantine("sales/2024-03-01/bad.csv", 3, 6))
    assert found == list(enumerate(BAD.values(), 1))
    assert nights[0].silver("sales/2024-03-01/bad.csv") == []


arrives(1, "sales/shown.csv", "2024-03-01 09:00:00,1,5,,", "2024-03-01 12:00:00,1,abc,,")


def test_quarantine_shows_where_a_record_came_from_and_its_text(nights: list[Left]) -> None:
    days, file = (date(2024, 3, 1), date(2024, 3, 2)), "2024-03-02/shown.csv"
    text, reasons = "2024-03-01 12:00:00,1,abc,,", ["amount is not a whole number"]
    assert nights[1].quarantine(f"sales/{file}") == [(*days, file, 2, 3, text, reasons)]


arrives(0, "sales/header.csv", "HEADER time,shop", "2024-03-01 10:00:00,1")


def test_a_file_refused_whole_counts_as_one(nights: list[Left]) -> None:
    found = nights[0].quarantine("sales/2024-03-01/header.csv", 3, 5, 6)
    assert found == [(0, "time,shop", ["the header lacks amount, heat, note"])]


HEATS = ("51", "hot", "NaN", "Infinity", "-1e999", "50")
arrives(0, "sales/heats.csv", *(f"2024-03-01 0{hour}:00:00,2,6,{heat}," for hour, heat in enumerate(HEATS)))


def test_a_bad_value_may_be_declared_to_become_null(nights: list[Left]) -> None:
    assert nights[0].silver("sales/2024-03-01/heats.csv", 5) == [(None,)] * 5 + [(50.0,)]
    assert nights[0].counts["sales"]["nulled"] == 5


def test_a_number_without_bounds_is_finite(by_other_rules: Left) -> None:
    found = sorted(by_other_rules.quarantine("sales/2024-03-01/heats.csv", 3, 6))
    finite = ["heat is not a finite number"]
    assert found == [(2, ["heat is not a number"]), (3, finite), (4, finite), (5, finite)]


RECORD = "2024-02-20 10:00:00,1,{},,"
arrives(0, "sales/z.csv", RECORD.format(6), RECORD.format(7))
arrives(1, "sales/a.csv", RECORD.format(8), RECORD.format(9), RECORD.format("x"))


def test_of_two_records_of_one_key_the_newer_one_wins(nights: list[Left]) -> None:
    file = "2024-03-{:02}/{}.csv"
    assert nights[0].silver("sales/" + file.format(1, "z"), 4, 8) == [(7, 2)]
    assert nights[1].silver("sales/" + file.format(1, "z")) == []
    assert nights[1].silver("sales/" + file.format(2, "a"), 4, 8) == [(9, 2)]


arrives(0, "closures/b.csv", *(f"2024-03-01 10:00:00,1,{why}" for why in ("planned", "sudden", "planned")))
arrives(1, "closures/a.csv", *(f"2024-03-01 10:00:00,1,{why}" for why in ("sudden", "planned")))


def test_where_repeats_are_refused_the_first_of_a_file_counts(nights: list[Left]) -> None:
    repeats = ["repeats an earlier record of its file"]
    assert nights[0].silver("closures/2024-03-01/b.csv", 4, 6) == [("planned", 1)]
    assert nights[1].silver("closures/2024-03-02/a.csv", 4, 6) == [("sudden", 1)]
    assert nights[1].quarantine("closures/2024-03-01/b.csv", 3, 6) == [(2, repeats), (3, repeats)]
    assert nights[1].quarantine("closures/2024-03-02/a.csv", 3, 6) == [(2, repeats)]
    counts = {"in": 5, "kept": 1, "superseded": 1, "quarantined": 3, "nulled": 0}
    assert nights[1].counts["closures"] == counts


arrives(0, "closures/wrong.csv", *(f"2024-02-10 10:00:00,1,{why}" for why in ("often", "seldom", "planned")))


def test_a_record_that_was_refused_is_not_repeated_by_another(nights: list[Left]) -> None:
    reasons = ["why is none of planned, sudden"]
    assert nights[0].quarantine("closures/2024-03-01/wrong.csv", 3, 6) == [(1, reasons), (2, reasons)]
    assert nights[0].silver("closures/2024-03-01/wrong.csv", 4, 6) == [("planned", 3)]


arrives(1, "shops/a.csv", "1,11", "3,30", "3,31", "4,x")


def test_the_newest_word_about_a_thing_counts(nights: list[Left]) -> None:
    assert nights[1].tables["silver/shops"] == [
        (date(2024, 3, 1), 2, 20, "2024-03-01/a.csv", 2),
        (date(2024, 3, 2), 1, 11, "2024-03-02/a.csv", 1),
        (date(2024, 3, 2), 3, 31, "2024-03-02/a.csv", 3),
    ]


arrives(0, "sales/later.csv", "2024-01-01 10:00:00,3,5,,", "2024-01-02 10:00:00,4,5,,")


def test_a_thing_that_becomes_known_later_brings_back_what_was_refused(nights: list[Left]) -> None:
    assert len(nights[0].quarantine("sales/2024-03-01/later.csv")) == 2
    assert nights[1].silver("sales/2024-03-01/later.csv", 3) == [(3,)]
    assert nights[1].quarantine("sales/2024-03-01/later.csv", 6) == [(["shop is not in shops"],)]


arrives(0, "sales/alone.csv", "2024-01-03 10:00:00,5,5,,")
arrives(2, "shops/a.csv", "5,50")


def test_a_thing_that_becomes_known_brings_back_what_was_refused_where_nothing_else_comes(nights: list[Left]) -> None:
    assert nights[1].silver("sales/2024-03-01/alone.csv") == []
    assert nights[2].silver("sales/2024-03-01/alone.csv", 3) == [(5,)]


arrives(
    0,
    "sales/most.csv",
    f"2024-01-20 10:00:00,1,{2**63 - 1},,",
    "2024-01-20 11:00:00,1,5,,",
    "2024-01-20 12:00:00,1,6,,",
)


def test_a_record_whose_arithmetic_overflows_is_refused(by_other_rules: Left) -> None:
    found = by_other_rules.quarantine("sales/2024-03-01/most.csv", 3, 6)
    assert found == [(1, ["not so: as asked"]), (2, ["not so: as asked"])]


def test_other_rules_rebuild_every_day(nights: list[Left], by_other_rules: Left) -> None:
    assert by_other_rules.counts["sales"]["in"] == len(nights[1].tables["bronze/sales"])


def test_what_did_not_change_is_not_refined_again(by_other_rules: Left) -> None:
    assert by_other_rules.counts["shops"]["in"] == 0
    assert by_other_rules.counts["closures"]["in"] == 0


def test_the_books_balance(nights: list[Left], by_other_rules: Left) -> None:
    for counts in (counts for left in (*nights, by_other_rules) for counts in left.counts.values()):
        assert counts["in"] == counts["kept"] + counts["quarantined"] + counts["superseded"]
    for layer, what in (("silver", "kept"), ("quarantine", "quarantined")):
        assert len(by_other_rules.tables[f"{layer}/sales"]) == by_other_rules.counts["sales"][what]


def test_a_try_that_ended_after_quarantine_is_done_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town(spark, tmp_path)
    town.deliver("closures", 0, "2024-03-01 10:00:00,1,planned", "2024-03-01 11:00:00,1,x")
    town.run(Stage.INGEST)
    with monkeypatch.context() as patch:
        patch.setattr(refine, "as_silver", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            town.run(Stage.REFINE, 5)
    town.run(Stage.REFINE, 5)
    assert (len(town.rows("silver", "closures")), len(town.rows("quarantine", "closures"))) == (1, 1)
