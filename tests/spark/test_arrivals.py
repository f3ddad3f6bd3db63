"""Rows that have no time of their own: they arrive, and each record stays a row."""

from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from spark_jobs.declare import Stage, Window
from tests.spark.cellar import DAY, FIRST, GOOD_RED, HEADER, QUALITY, WHITE, Cellar


@pytest.fixture
def cellar(spark: SparkSession, tmp_path: Path) -> Cellar:
    return Cellar(spark, tmp_path)


def midnight(day: int) -> datetime:
    return datetime.combine(FIRST + DAY * day, datetime.min.time())


def test_a_sample_is_of_the_day_its_file_arrived_and_known_by_file_and_place(cellar: Cellar) -> None:
    cellar.deliver(0, GOOD_RED, WHITE)
    cellar.night(QUALITY, 0)
    found = cellar.rows(QUALITY, "gold", "features", "day", "at", "sample", "alcohol", "is_red")
    assert found == [
        (FIRST, midnight(0), "2024-03-01/a.csv:0000001", 9.4, 1),
        (FIRST, midnight(0), "2024-03-01/a.csv:0000002", 8.8, 0),
    ]
    assert cellar.rows(QUALITY, "gold", "labels", "sample", "good") == [
        ("2024-03-01/a.csv:0000001", 0),
        ("2024-03-01/a.csv:0000002", 1),
    ]


def test_equal_records_all_stay_in_one_file_and_in_two(cellar: Cellar) -> None:
    cellar.deliver(0, WHITE, WHITE, GOOD_RED, WHITE)
    cellar.deliver(1, WHITE)
    cellar.night(QUALITY, 0)
    night = cellar.night(QUALITY, 1)
    assert cellar.rows(QUALITY, "silver", "samples", "file", "record") == [
        *(("2024-03-01/a.csv", number) for number in (1, 2, 3, 4)),
        ("2024-03-02/a.csv", 1),
    ]
    assert night["refine"]["rows"]["samples"] == {"in": 1, "kept": 1, "superseded": 0, "quarantined": 0, "nulled": 0}


def test_a_file_that_comes_late_is_of_the_day_it_names_and_no_row_is_lost(cellar: Cellar) -> None:
    cellar.deliver(1, WHITE)
    cellar.night(QUALITY, 1)
    cellar.deliver(0, GOOD_RED)
    cellar.night(QUALITY, 2)
    assert cellar.rows(QUALITY, "gold", "features", "day", "is_red") == [(FIRST, 1), (FIRST + DAY, 0)]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_file_may_come_with_either_delimiter(cellar: Cellar, delimiter: str) -> None:
    cellar.deliver(0, GOOD_RED, WHITE, delimiter=delimiter)
    assert cellar.night(QUALITY, 0)["refine"]["rows"]["samples"]["kept"] == 2


def test_a_file_with_both_delimiters_is_read_by_that_of_its_header(cellar: Cellar) -> None:
    cellar.deliver(0, GOOD_RED.replace(",", ";"), WHITE)
    (refused,) = cellar.night(QUALITY, 0)["refine"]["rows"].values()
    assert (refused["kept"], refused["quarantined"]) == (1, 1)
    assert cellar.rows(QUALITY, "quarantine", "samples", "record", "reasons") == [
        (1, ["has 1 fields where the header has 13"])
    ]


def test_reasons_name_what_is_wrong_with_a_wine(cellar: Cellar) -> None:
    cellar.deliver(0, GOOD_RED.replace("red", "rose"), GOOD_RED.replace(",34,", ",9,"), WHITE.replace(",8", ",11", 1))
    cellar.night(QUALITY, 0)
    reasons = dict(cellar.rows(QUALITY, "quarantine", "samples", "record", "reasons"))
    assert reasons[1] == ["colour is none of red, white"]
    assert reasons[2] == ["not so: free sulfur dioxide is part of the total"]


RECORDS = st.lists(st.sampled_from([GOOD_RED, WHITE, "rose", WHITE[:-1] + "11", WHITE + ",1", '"' + WHITE]), max_size=8)


@pytest.mark.timeout(1200)
@pytest.mark.long
@given(files=st.lists(st.tuples(st.integers(0, 2), RECORDS), min_size=1, max_size=4))
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_records_in_are_rows_and_refusals_and_the_same_at_once_and_night_by_night(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, files: list[tuple[int, list[str]]]
) -> None:
    nightly, at_once = (Cellar(spark, tmp_path_factory.mktemp("cellar")) for _ in range(2))
    for number, (day, records) in enumerate(files):
        for cellar in (nightly, at_once):
            cellar.deliver(day, *records, name=f"{number}.csv")
    for day in (2, 0, 1):
        nightly.night(QUALITY, day)
    counts = at_once.prepare(QUALITY, Window.of(FIRST, FIRST + DAY * 2))["refine"]["rows"]["samples"]
    assert counts["superseded"] == 0
    assert counts["in"] == counts["kept"] + counts["quarantined"]
    for layer, table in (("silver", "samples"), ("quarantine", "samples"), ("gold", "features"), ("gold", "labels")):
        one, other = (cellar.table(QUALITY, layer, table) for cellar in (nightly, at_once))
        assert sorted(map(str, one.collect())) == sorted(map(str, other.collect()))


def test_published_wines_arrive_once_whatever_night_asks_and_all_are_kept(
    spark: SparkSession, tmp_path: Path, published: Path | None
) -> None:
    """On a machine without the files, four wines in their form stand in."""
    cellar, folder = Cellar(spark, tmp_path, source="public"), tmp_path / "landing" / "wine_quality" / "_public"
    folder.mkdir(parents=True)
    names = '"' + '";"'.join(HEADER[1:]) + '"'
    for colour, wine in (("red", GOOD_RED), ("white", WHITE)):
        real = published / "wine_quality" / f"winequality-{colour}.csv" if published else None
        own = "\n".join([names, *[wine.partition(",")[2].replace(",", ";")] * 2, ""])
        (folder / f"winequality-{colour}.csv").write_text(real.read_text() if real else own)
    count, red = (6497, 1599) if published else (4, 2)
    for day in (0, 1):
        night = cellar.night(QUALITY, day)
        assert night["refine"]["rows"]["samples"]["kept"] == (count if day == 0 else 0)
    rows = cellar.table(QUALITY, "silver", "samples")
    assert (rows.count(), rows.where("colour = 'red'").agg({"record": "max"}).collect()[0][0]) == (count, red)
    assert cellar.rows(QUALITY, "gold", "labels", "day", "at")[-1] == (date(2009, 10, 7), datetime(2009, 10, 7))
    assert cellar.table(QUALITY, "gold", "labels").count() == count


def test_a_range_before_the_wines_were_published_finds_none(spark: SparkSession, tmp_path: Path) -> None:
    cellar = Cellar(spark, tmp_path, source="public")
    public = tmp_path / "landing" / "wine_quality" / "_public"
    public.mkdir(parents=True)
    (public / "winequality-red.csv").touch()
    found = cellar.run(Stage.INGEST, QUALITY, Window.of(date(2009, 10, 1), date(2009, 10, 6)))
    assert found["rows"]["samples"]["files"] == 0
