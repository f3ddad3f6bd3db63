"""Predictive maintenance through its stages: nights, late files, and ranges cut anyhow."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, ERRORS, USE_CASE
from tests.spark.shop import DAY, FIRST, Town
from tests.spark.test_laws import DAYS, File, balanced, deliveries, few, shared_out, windows
from tests.use_cases.plant import file_of

NUMBERS = st.sampled_from(["", "0", "149.9", "0.1", "-7", "much"])
TIMES = st.builds(
    lambda day, hour: f"{FIRST + DAY * day} {hour:02}:00:00", st.integers(-1, DAYS), st.sampled_from([0, 1, 11, 12, 23])
)
MACHINES = st.sampled_from(["1", "2", "9"])
RECORDS = {
    "machines": st.builds("{},model{},{}".format, MACHINES, st.integers(1, 5), st.just(18)),
    "telemetry": st.builds(",".join, st.tuples(TIMES, MACHINES, NUMBERS, NUMBERS, NUMBERS, NUMBERS)),
    "errors": st.builds(",".join, st.tuples(TIMES, MACHINES, st.sampled_from(ERRORS))),
    "maintenance": st.builds(",".join, st.tuples(TIMES, MACHINES, st.sampled_from(COMPONENTS))),
    "failures": st.builds(",".join, st.tuples(TIMES, MACHINES, st.sampled_from(COMPONENTS))),
}
FILES = st.one_of(
    *(
        st.builds(File, st.just(table), st.integers(0, DAYS - 1), st.sampled_from("ab"), st.lists(records, min_size=4))
        for table, records in RECORDS.items()
    )
)


def deliver(town: Town, files: Sequence[File]) -> None:
    for file in files:
        town.drop(file.table, file.day, file_of(file.table, *file.records), name=f"{file.name}.csv")


@pytest.mark.timeout(1800)
@pytest.mark.long  # many small cases are drawn for the functions alone, in tests/use_cases
@given(files=deliveries(FILES, most=20), nights=windows(), data=st.data())
@few(1)
def test_any_cut_into_ranges_gives_the_same_rows_bit_for_bit(
    spark: SparkSession, files: list[File], nights: list[tuple[int, int]], data: st.DataObject
) -> None:
    """In any order, with files that come late, and with a range that is run twice."""
    with TemporaryDirectory() as one, TemporaryDirectory() as many:
        whole, cut = (Town(spark, Path(folder), use_case=USE_CASE) for folder in (one, many))
        deliver(whole, [File("machines", 0, "0", ["1,model1,1"]), *files])
        deliver(cut, [File("machines", 0, "0", ["1,model1,1"])])
        whole.night(0, DAYS - 1)
        for (first, last), delivered in zip(nights, shared_out(data, files, len(nights)), strict=True):
            deliver(cut, delivered)
            assert balanced(cut.night(first, last)["refine"])
        assert cut.everything() == whole.everything()


@pytest.fixture(scope="module")
def town(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Two nights of one machine, then a late file for the first of them."""
    town = Town(spark, tmp_path_factory.mktemp("plant"), use_case=USE_CASE)
    town.drop("machines", 0, file_of("machines", "1,model3,18"))
    for day in (0, 1):
        hours = (f"{FIRST + DAY * day} {hour:02}:00:00,1,170,450,100,40" for hour in range(24))
        town.drop("telemetry", day, file_of("telemetry", *hours))
    town.night(0)
    town.drop("errors", 1, file_of("errors", f"{FIRST} 06:00:00,1,error4"))
    town.night(1)
    return town


def test_11_a_night_leaves_the_rows_of_earlier_nights(town: Town) -> None:
    rows = town.rows("gold", "features", "at", "volt_mean_12h")
    assert [(f"{at:%d %H}", volt) for at, volt in rows] == [(at, 170) for at in ("01 12", "02 00", "02 12", "03 00")]


def test_12_a_late_file_is_in_every_row_that_reads_its_day(town: Town) -> None:
    rows = town.rows("gold", "features", "at", "error4_24h", "error4_7d")
    assert [tuple(counts) for _, *counts in rows] == [(1, 1), (1, 1), (0, 1), (0, 1)]


def test_05_a_row_whose_future_is_not_in_the_data_has_no_label(town: Town) -> None:
    assert [f"{at:%d %H}" for (at,) in town.rows("gold", "labels", "at")] == ["01 12"]


def test_a_failure_that_comes_late_is_in_every_label_whose_horizon_holds_it(town: Town, tmp_path: Path) -> None:
    """That of the row before its day as well, for the end of a horizon belongs to it; and it stays there."""
    copy = replace(town, folder=shutil.copytree(town.folder, tmp_path / "copy"))
    # A table's first file would have everything made again.
    copy.drop("failures", 2, file_of("failures", f"{FIRST} 00:00:00,1,comp2"))
    copy.drop("telemetry", 3, file_of("telemetry", f"{FIRST + DAY * 3} 00:00:00,1,170,450,100,40"))
    copy.night(2, 3)
    copy.drop("failures", 4, file_of("failures", f"{FIRST + DAY * 2} 00:00:00,1,comp1"))
    for night in (4, 0):
        copy.night(night)
        rows = copy.rows("gold", "labels", "at", "comp1", "comp1_hours")
        assert [(f"{at:%d %H}", *label) for at, *label in rows] == [
            ("01 12", 0, None),
            ("02 00", 1, 24.0),
            ("02 12", 1, 12.0),
            ("03 00", 0, None),
            ("03 12", 0, None),
        ]
