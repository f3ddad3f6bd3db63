"""Runs over the day so far: a day is the same in one piece or in many, and nothing that is left to do is forgotten."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from spark_jobs.declare import NotYet, Reads, Report, Stage, Tables, Window
from spark_jobs.lakehouse import Table
from spark_jobs.stages import ingest, refine
from spark_jobs.tables.shared import require_refined
from spark_jobs.tables.span import Span
from spark_jobs.tables.typed import settings
from spark_jobs.use_cases.iot_devices.use_case import USE_CASE
from spark_jobs.work import Work
from tests.spark.shop import Town
from tests.spark.test_iot_devices_nights import DAY, FIRST, STAGES
from tests.spark.test_iot_devices_nights import Fleet as Devices
from tests.spark.test_laws import few

KNOBS = "devices=8,pause=1800,late=0.1,twice=0.05,broken=0.03"
TABLES = ("bronze/readings", "silver/readings", "quarantine/readings", *(f"gold/{r.name}" for r in USE_CASE.reports))


@dataclass(frozen=True)
class Fleet:
    spark: SparkSession
    folder: Path

    def work(self, stage: Stage, minutes: int | None, window: Window | None = None) -> Work:
        """Of the first day, as it stands so many minutes after it began."""
        devices = Devices(self.spark, self.folder, knobs=KNOBS)
        return devices.work(stage, window or Window.of(FIRST), None if minutes is None else at(minutes))

    def stage(self, stage: Stage, minutes: int | None, declared: Tables = USE_CASE) -> dict[str, Any]:
        found: dict[str, Any] = STAGES[stage].run(replace(self.work(stage, minutes), use_case=declared))
        return found

    def run(self, minutes: int | None) -> dict[str, Any]:
        """As a Dag run does: nothing after ingest, where it finds nothing to do."""
        found = self.stage(Stage.INGEST, minutes)
        if not found.get("nothing"):
            for stage in (Stage.REFINE, Stage.REPORT):
                self.stage(stage, minutes)
        return found

    def table(self, name: str) -> Table:
        return self.work(Stage.REPORT, None).lake.table(*name.split("/"))

    def files(self, name: str) -> int:
        """That its newest version is made of."""
        return int(self.spark.sql(f"DESCRIBE DETAIL {self.table(name).sql_name}").collect()[0]["numFiles"])

    def forget_old_files(self) -> None:
        """As VACUUM does in time."""
        check = "spark.databricks.delta.retentionDurationCheck.enabled"
        with settings(self.spark, {check: "false"}):
            self.spark.sql(f"VACUUM {self.table('bronze/readings').sql_name} RETAIN 0 HOURS")

    def rows(self, name: str) -> list[str]:
        return sorted(map(repr, self.table(name).read().collect()))


def at(minutes: int) -> datetime:
    return datetime(2024, 3, 1, tzinfo=UTC) + timedelta(minutes=minutes)


def test_what_is_rounded_to_longer_units_loses_nothing() -> None:
    hour = timedelta(hours=1)
    assert Span(start=at(70), end=at(80)).rounded(hour) == Span(start=at(60), end=at(120))
    assert Span(start=at(60), end=at(120)).rounded(hour) == Span(start=at(60), end=at(120))
    assert Span(start=at(-5), end=at(5)).rounded(DAY) == Span(start=at(-1440), end=at(1440))


@pytest.mark.long
@given(st.sets(st.integers(1, 143), min_size=1, max_size=2).map(sorted))
@few(1)
def test_a_day_in_pieces_is_the_day_in_one(spark: SparkSession, cuts: list[int]) -> None:
    with TemporaryDirectory() as one, TemporaryDirectory() as many:
        whole, pieces = Fleet(spark, Path(one)), Fleet(spark, Path(many))
        whole.run(None)
        for cut in [*cuts, 144]:
            assert "nothing" not in pieces.run(cut * 10)
            last = pieces.work(Stage.REPORT, None).lake.silver("readings").read().selectExpr("max(at)").collect()
            assert last[0][0].replace(tzinfo=UTC) < at(cut * 10)
        for name in TABLES:
            assert pieces.rows(name) == whole.rows(name), name
        assert len(whole.rows("silver/readings")) > 300


@dataclass(frozen=True)
class TwoDays(Fleet):
    def work(self, stage: Stage, minutes: int | None, window: Window | None = None) -> Work:
        """Of two days, as they stand then."""
        reach = Window(start=FIRST, end=FIRST + (1 if minutes is not None and minutes <= 1440 else 2) * DAY)
        return super().work(stage, minutes, window or reach)


STEPS = ("run", "report fails", "all fails", "the first day by the form", "with fewer reports")
FEWER = replace(USE_CASE, reports=USE_CASE.reports[:2])


@pytest.mark.long
@given(st.dictionaries(st.integers(1, 287), st.sampled_from(STEPS), min_size=3, max_size=5))
@few(2)
def test_days_are_the_same_after_whatever_happened_while_they_went_on(
    spark: SparkSession, steps: dict[int, str]
) -> None:
    """What is late on the first day comes on the second, behind the watermark."""
    with TemporaryDirectory() as one, TemporaryDirectory() as many:
        whole, pieces = TwoDays(spark, Path(one)), TwoDays(spark, Path(many))
        whole.run(None)
        for slot, step in sorted(steps.items()):
            _happens(pieces, slot * 10, step)
        pieces.run(2880)
        for name in TABLES:
            assert pieces.rows(name) == whole.rows(name), (name, steps)


def _happens(fleet: Fleet, minutes: int, step: str) -> None:
    declared = FEWER if step == "with fewer reports" else USE_CASE
    fleet.stage(Stage.INGEST, minutes, declared)
    if step == "the first day by the form" and minutes > 1440:
        for stage in (Stage.REFINE, Stage.REPORT):
            STAGES[stage].run(fleet.work(stage, None, Window.of(FIRST)))
    elif step != "all fails":
        fleet.stage(Stage.REFINE, minutes, declared)
        if step != "report fails":
            fleet.stage(Stage.REPORT, minutes, declared)


@pytest.fixture(scope="module")
def morning(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Two hours of a day at least, and all that came is made."""
    fleet = Fleet(spark, tmp_path_factory.mktemp("morning"))
    assert fleet.stage(Stage.INGEST, 0)["nothing"] == "nothing has come yet"
    fleet.run(120)
    return fleet


NOTHING = "nothing new came since 2024-03-01/readings-0150.json"


def test_what_a_failed_refine_or_report_left_is_not_forgotten(morning: Fleet) -> None:
    assert morning.stage(Stage.INGEST, 120)["nothing"] == NOTHING
    assert "nothing" not in morning.stage(Stage.INGEST, 130)  # and the next job fails, before it does anything
    assert "nothing" not in morning.stage(Stage.INGEST, 130)
    morning.stage(Stage.REFINE, 130)
    assert "nothing" not in morning.stage(Stage.INGEST, 130)
    morning.stage(Stage.REPORT, 130)
    assert morning.stage(Stage.INGEST, 130)["nothing"].endswith("readings-0200.json")


def test_a_report_that_is_new_and_a_rule_that_is_another_are_something(morning: Fleet) -> None:
    work = morning.work(Stage.INGEST, 120)
    more = replace(USE_CASE, reports=(*USE_CASE.reports, Report(name="more", key=("day",))))
    other = replace(USE_CASE, tables=(replace(USE_CASE.tables[0], days_behind=31),))
    assert "nothing" in ingest.run(work)
    for declared in (more, other):
        assert "nothing" not in ingest.run(replace(work, use_case=declared))


def test_a_day_is_handed_on_once_it_is_over_and_that_is_something_to_do(spark: SparkSession, tmp_path: Path) -> None:
    fleet = Fleet(spark, tmp_path)
    reader = replace(
        USE_CASE, name="reader", tables=(), every=None, reads=Reads(use_case="iot_devices", tables=("readings",))
    )
    whole = fleet.work(Stage.INGEST, None)
    reading = replace(whole, use_case=reader.on(USE_CASE))
    fleet.run(1430)
    with pytest.raises(NotYet, match="readings of iot_devices is not refined for all of 2024-03-01 yet"):
        require_refined(reading)
    fleet.stage(Stage.INGEST, 1440)
    for stage in (Stage.REFINE, Stage.REPORT):
        fleet.stage(stage, 1430)  # the last files came, and the run that closes the day was not the one that made it
    assert "nothing" not in fleet.run(1440)
    assert require_refined(reading)
    assert fleet.run(1440)["nothing"].endswith("readings-2350.json")
    before = {name: fleet.rows(name) for name in TABLES}
    fleet.forget_old_files()
    fleet.run(None)
    assert {name: fleet.rows(name) for name in TABLES} == before


def test_the_run_that_closes_a_day_puts_its_small_files_together(morning: Fleet) -> None:
    """And it makes anew what came behind the watermark, which earlier ones leave alone."""
    files = {name: morning.files(name) for name in ("bronze/readings", "bronze/readings_files", "silver/readings")}
    assert min(files.values()) > 1
    morning.run(1440)
    assert {name: morning.files(name) for name in files} == dict.fromkeys(files, 1)


def test_rows_that_wait_for_a_thing_that_has_come_are_something(spark: SparkSession, tmp_path: Path) -> None:
    town = Town(spark, tmp_path)
    until = datetime(2024, 3, 1, 12, tzinfo=UTC)

    def run(stage: Stage) -> dict[str, Any]:
        work = town.work(stage, 0, 0)
        found: dict[str, Any] = {Stage.INGEST: ingest, Stage.REFINE: refine}[stage].run(
            replace(work, job=replace(work.job, until=until))
        )
        return found

    town.deliver("sales", 0, "2024-03-01 10:00:00,1,5,,")
    run(Stage.INGEST)
    run(Stage.REFINE)
    assert run(Stage.INGEST)["nothing"] == "nothing new came since 2024-03-01/a.csv"
    town.deliver("shops", 0, "1,10")
    run(Stage.INGEST)
    clock = replace(town.use_case.labels, clock="shops")
    shops = replace(town.use_case, tables=town.use_case.tables[:1], labels=clock)
    refine.run(replace(town.work(Stage.REFINE, 0, 0), use_case=shops))  # and then it died
    assert "nothing" not in run(Stage.INGEST)
    run(Stage.REFINE)
    assert "nothing" in run(Stage.INGEST)
    assert len(town.rows("silver", "sales")) == 1
