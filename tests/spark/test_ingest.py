"""Whatever lies in landing reaches bronze once, and what cannot be read says why."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.declare import BadRequest, Refused, Stage
from spark_jobs.stages import ingest
from spark_jobs.tables.ledger import Ledger
from tests.spark.shop import USE_CASE, Town

BRONZE = ("day", "file", "record", "line", "raw", "fields", "problem")


@pytest.fixture
def town(spark: SparkSession, tmp_path: Path) -> Town:
    return Town(spark, tmp_path)


def test_records_lie_in_bronze_as_they_came(town: Town) -> None:
    town.deliver("sales", 0, '2024-03-01 10:00:00,1,5,,"two\nlines"', "2024-02-29 09:00:00,1,7,20.5,")
    found = town.run(Stage.INGEST)
    assert found["rows"]["sales"] == {"files": 1, "refused": 0, "records": 2}
    assert found["days"] == [["2024-02-29", "2024-03-02"]]
    assert town.rows("bronze", "sales", *BRONZE) == [
        (
            date(2024, 2, 29),
            "2024-03-01/a.csv",
            2,
            4,
            "2024-02-29 09:00:00,1,7,20.5,",
            ["2024-02-29 09:00:00", "1", "7", "20.5", ""],
            None,
        ),
        (
            date(2024, 3, 1),
            "2024-03-01/a.csv",
            1,
            2,
            '2024-03-01 10:00:00,1,5,,"two\nlines"',
            ["2024-03-01 10:00:00", "1", "5", "", "two\nlines"],
            None,
        ),
    ]


def test_a_file_is_loaded_once(town: Town) -> None:
    town.deliver("sales", 0, "2024-03-01 10:00:00,1,5,,")
    town.run(Stage.INGEST)
    before = town.rows("bronze", "sales")
    before_it = town.raw.below("sales", "2024-03-01", "a.csv").read()
    town.raw.below("sales", "2024-03-01", "a.csv").write(before_it)
    found = town.run(Stage.INGEST)
    assert found["rows"]["sales"] == {"files": 0, "refused": 0, "records": 0}
    assert town.rows("bronze", "sales") == before


def test_a_file_of_any_day_is_loaded_whatever_the_window(town: Town) -> None:
    town.deliver("sales", 5, "2024-03-02 10:00:00,1,5,,")
    assert town.run(Stage.INGEST)["days"] == [["2024-03-02", "2024-03-03"]]


def test_a_blank_before_a_time_does_not_hide_its_day(town: Town) -> None:
    town.deliver("sales", 5, " 2024-03-02 10:00:00,1,5,,")
    assert town.run(Stage.INGEST)["days"] == [["2024-03-02", "2024-03-03"]]


@pytest.mark.parametrize(("ahead", "day"), [(0, date(2024, 3, 1)), (1, date(2024, 3, 2))])
def test_a_record_of_a_day_its_file_cannot_know_of_lies_under_the_day_it_came(
    town: Town, ahead: int, day: date
) -> None:
    shops, sales, closures = USE_CASE.tables
    foreseen = replace(USE_CASE, tables=(shops, replace(sales, days_ahead=ahead), closures))
    town = replace(town, use_case=foreseen)
    town.deliver("sales", 0, *(f"2024-03-0{number} 10:00:00,1,5,," for number in (1, 2, 3)))
    town.run(Stage.INGEST)
    came = date(2024, 3, 1)
    assert sorted(town.rows("bronze", "sales", "record", "day")) == [(1, came), (2, day), (3, came)]


def test_a_file_that_comes_again_with_other_content_is_refused_whole(town: Town) -> None:
    town.deliver("sales", 0, "2024-03-01 10:00:00,1,5,,")
    town.run(Stage.INGEST)
    town.deliver("sales", 0, "2024-03-01 10:00:00,1,6,,")
    for again in (1, 0):  # and only once
        assert town.run(Stage.INGEST)["rows"]["sales"] == {"files": again, "refused": again, "records": again}
    assert town.rows("bronze", "sales", "file", "record", "raw", "problem") == [
        ("2024-03-01/a.csv", 0, "", ingest.OTHER_CONTENT),
        ("2024-03-01/a.csv", 1, "2024-03-01 10:00:00,1,5,,", None),
    ]


def test_a_file_with_a_bad_record_is_not_refused_for_it(town: Town) -> None:
    town.deliver("sales", 0, "2024-03-01 10:00:00,1,5,,", "2024-03-01 10:00:00,1")
    assert town.run(Stage.INGEST)["rows"]["sales"] == {"files": 1, "refused": 0, "records": 2}
    assert town.rows("bronze", "sales_files", "file", "problem") == [("2024-03-01/a.csv", None)]


def test_files_that_are_not_finished_or_not_in_a_day_are_left_alone(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    for name in (".a.csv", "_a.csv", "a.csv.tmp", "a.csv.part"):
        town.deliver("sales", 0, "2024-03-01 10:00:00,1,5,,", name=name)
    for folder in ("march", "20240301"):
        town.raw.below("sales", folder, "a.csv").write(b"time,shop,amount,heat,note\n")
    assert town.run(Stage.INGEST)["rows"]["sales"] == {"files": 0, "refused": 0, "records": 0}
    assert "sales/march is left alone" in caplog.text
    assert "sales/20240301 is left alone" in caplog.text


def test_a_try_that_ended_between_bronze_and_ledger_is_repaired(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.deliver("sales", 0, "2024-03-01 10:00:00,1,5,,")
    town.run(Stage.INGEST)
    town.deliver("sales", 1, "2024-03-02 10:00:00,1,5,,")
    town.drop("sales", 1, "time,shop\n", "bad.csv")
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "add", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            town.run(Stage.INGEST)
    before = town.rows("bronze", "sales")
    found = town.run(Stage.INGEST)
    assert found["rows"]["sales"] == {"files": 2, "refused": 1, "records": 2}
    assert found["days"] == [["2024-03-02", "2024-03-03"]]
    assert town.rows("bronze", "sales") == before
    assert town.rows("bronze", "sales_files", "file", "records", "days", "bronze_version") == [
        ("2024-03-01/a.csv", 1, [date(2024, 3, 1)], 0),
        ("2024-03-02/a.csv", 1, [date(2024, 3, 2)], 1),
        ("2024-03-02/bad.csv", 1, [date(2024, 3, 2)], 1),
    ]


def test_a_header_without_records_is_a_loaded_file(town: Town) -> None:
    town.deliver("sales", 0)
    assert town.run(Stage.INGEST)["rows"]["sales"] == {"files": 1, "refused": 0, "records": 0}
    assert town.run(Stage.INGEST)["rows"]["sales"] == {"files": 0, "refused": 0, "records": 0}


def test_a_lake_and_a_landing_folder_keep_to_one_source(town: Town) -> None:
    town.deliver("sales", 0, "2024-03-01 10:00:00,1,5,,")
    town.run(Stage.INGEST)
    other = replace(town, source="simulated")
    with pytest.raises(Refused, match="lake was begun with own data, and this job asks for simulated"):
        other.run(Stage.INGEST)


def test_dropped_files_and_simulated_ones_never_share_a_folder(town: Town) -> None:
    town.deliver("sales", 0, "2024-03-01 10:00:00,1,5,,")
    with pytest.raises(Refused, match="holds own files, and this job asks for simulated"):
        replace(town, source="simulated").run(Stage.INGEST)


def test_simulated_files_are_made_for_the_window_and_not_made_again(town: Town) -> None:
    simulated = replace(town, source="simulated")
    for _ in range(2):
        simulated.run(Stage.INGEST, 0, 1)
    assert simulated.rows("bronze", "shops", "file", "raw") == [
        ("2024-03-01/simulated.csv", "7,70"),
        ("2024-03-02/simulated.csv", "7,70"),
    ]


def test_knobs_of_the_simulation_are_known_numbers() -> None:
    simulated = replace(USE_CASE, simulation={"broken": 0.0, "seed": 1})
    assert ingest.knobs("broken=0.5", simulated) == {"broken": 0.5, "seed": 1}
    assert ingest.knobs("shop.seed=2,plant.machines=9", simulated) == {"broken": 0.0, "seed": 2}
    with pytest.raises(BadRequest, match="simulation: of shop knows broken, seed, got 'sed'"):
        ingest.knobs("sed=1", simulated)
    with pytest.raises(BadRequest, match="simulation: seed is a number, got 'x'"):
        ingest.knobs("seed=x", simulated)


def test_public_data_that_were_not_fetched_are_asked_for(town: Town) -> None:
    with pytest.raises(Refused, match="Type: make data USE_CASE=shop"):
        replace(town, source="public").run(Stage.INGEST)
