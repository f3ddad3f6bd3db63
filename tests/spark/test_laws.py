"""What always holds: books that balance, and tables that depend on the files delivered and on nothing else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from spark_jobs.work import Result
from tests.spark.shop import DAY, FIRST, Town

DAYS = 4
TABLES = ("shops", "sales", "closures")


@dataclass(frozen=True)
class File:
    """A file as it is delivered: its records may repeat, be late, early or nonsense."""

    table: str
    day: int
    name: str
    records: Sequence[str]


TIMES = st.builds(
    lambda day, hour: f"{FIRST + DAY * day} {hour}:00:00", st.integers(-1, DAYS), st.sampled_from(["00", "06", "18"])
)
SHOPS = st.sampled_from(["1", "2", "3", "x"])
RECORDS = {
    "shops": st.builds("{},{}".format, SHOPS, st.integers(1, 3)),
    "sales": st.builds("{},{},{},,".format, TIMES, SHOPS, st.sampled_from(["5", "7", "13", "many"])),
    "closures": st.builds("{},{},{}".format, TIMES, SHOPS, st.sampled_from(["planned", "sudden", '"'])),
}
FILES = st.one_of(
    *(
        st.builds(File, st.just(table), st.integers(0, DAYS - 1), st.sampled_from(["a", "b", "c"]), st.lists(records))
        for table, records in RECORDS.items()
    )
)


def deliveries(files: st.SearchStrategy[File], most: int) -> st.SearchStrategy[list[File]]:
    """Never the simplest ones, with which hypothesis begins: a case takes a minute, so few are drawn."""
    found = st.lists(files, min_size=12, max_size=most, unique_by=lambda file: (file.table, file.day, file.name))
    return found.filter(lambda files: sum(len(file.records) for file in files) > 40)


@st.composite
def windows(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Every day, cut anyhow, in any order; one window twice."""
    cuts = sorted(draw(st.sets(st.integers(1, DAYS - 1), min_size=1, max_size=2)))
    found = list(zip([0, *cuts], [cut - 1 for cut in [*cuts, DAYS]], strict=True))
    return [*draw(st.permutations(found)), draw(st.sampled_from(found))]


def few(cases: int) -> settings:
    """Each case is many nights, so few are drawn: other ones each time, by the seed that the header names."""
    unchecked = list(HealthCheck)
    return settings(max_examples=cases, phases=[Phase.generate], deadline=None, suppress_health_check=unchecked)


def shared_out(data: st.DataObject, files: Sequence[File], nights: int) -> Iterator[Sequence[File]]:
    """What is delivered before each of the nights: together all files."""
    cuts = st.lists(st.integers(0, len(files)), min_size=nights - 1, max_size=nights - 1)
    return (files[start:end] for start, end in pairwise([0, *sorted(data.draw(cuts)), len(files)]))


def deliver(town: Town, files: Sequence[File]) -> None:
    for file in files:
        town.deliver(file.table, file.day, *file.records, name=f"{file.name}.csv")


def balanced(result: Result) -> bool:
    return all(
        counts["in"] == counts["kept"] + counts["quarantined"] + counts["superseded"]
        for counts in result["rows"].values()
    )


@pytest.mark.timeout(1800)
@pytest.mark.long
@given(files=deliveries(FILES, most=24), nights=windows(), data=st.data())
@few(2)
def test_the_same_files_give_the_same_rows(
    spark: SparkSession, files: list[File], nights: list[tuple[int, int]], data: st.DataObject
) -> None:
    """However days are cut into windows, in whatever order files and windows come, and however often."""
    with TemporaryDirectory() as one, TemporaryDirectory() as many:
        whole, cut = Town(spark, Path(one)), Town(spark, Path(many))
        deliver(whole, files)
        refined = whole.night(0, DAYS - 1)["refine"]
        for name, counts in refined["rows"].items():
            held = {layer: len(whole.rows(layer, name, "day")) for layer in ("bronze", "silver", "quarantine")}
            assert held == {"bronze": counts["in"], "silver": counts["kept"], "quarantine": counts["quarantined"]}
        assert balanced(refined)
        for (first, last), delivered in zip(nights, shared_out(data, files, len(nights)), strict=True):
            deliver(cut, delivered)
            assert balanced(cut.night(first, last)["refine"])
        assert cut.everything() == whole.everything()
