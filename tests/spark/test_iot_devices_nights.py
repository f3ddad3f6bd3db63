"""iot_devices, from lines of JSON to alarms: nothing lost, nothing twice, and a day is the same however it came."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import Job, Place, Stage, Window
from spark_jobs.stages import ingest, refine, report
from spark_jobs.use_cases.iot_devices.use_case import USE_CASE
from spark_jobs.work import Work

DAY = timedelta(days=1)
FIRST = date(2024, 3, 1)
STAGES = {Stage.INGEST: ingest, Stage.REFINE: refine, Stage.REPORT: report}


@dataclass(frozen=True)
class Fleet:
    spark: SparkSession
    folder: Path
    source: str = "simulated"
    knobs: str = "devices=12,pause=900,late=0.05,twice=0.03,broken=0.02"

    def work(self, stage: Stage, window: Window, until: datetime | None = None) -> Work:
        address = f"sqlite:///{self.folder}/mlflow.db"
        place = Place(
            lake=f"{self.folder}/lake",
            landing=f"{self.folder}/landing",
            tracking=address,
            registry=address,
            source=self.source,
            simulation=self.knobs,
        )
        job = Job(stage=stage, use_case=USE_CASE.name, window=window, until=until)
        return Work(job=job, place=place, use_case=USE_CASE, spark=self.spark)

    def night(self, first: int, last: int | None = None) -> dict[str, Any]:
        window = Window.of(FIRST + first * DAY, FIRST + (first if last is None else last) * DAY)
        return {str(stage): module.run(self.work(stage, window)) for stage, module in STAGES.items()}

    def deliver(self, day: int, *readings: dict[str, Any], name: str = "readings.json") -> None:
        path = self.folder / "landing" / "iot_devices" / "readings" / str(FIRST + day * DAY) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*map(json.dumps, readings), ""]))

    def table(self, name: str) -> DataFrame:
        return self.work(Stage.REPORT, Window.of(FIRST)).lake.table(*name.split("/")).read()

    def alarms(self, day: int) -> list[tuple[Any, ...]]:
        columns = ("device_id", "alarm", "since", "until", "evidence")
        found = self.table("gold/alarms").where(f"day = DATE'{FIRST + day * DAY}'").select(*columns)
        return sorted(
            (d, a, s.strftime("%d %H:%M"), u and u.strftime("%d %H:%M"), e) for d, a, s, u, e in found.collect()
        )


def reading(device: int, at: str, **other: Any) -> dict[str, Any]:
    """On a day of March, as "01 06:30"."""
    when = datetime.strptime(f"2024-03-{at}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    told = {"device_id": device, "device_name": f"device-{device}", "ip": "1.2.3.4", "cca2": "NO", "cca3": "NOR"}
    told |= {"cn": "Norway", "latitude": 62.0, "longitude": 10.0, "scale": "Celsius", "temp": 11, "humidity": 70}
    told |= {"battery_level": 7, "c02_level": 900, "lcd": "green", "timestamp": int(when.timestamp() * 1000)}
    return told | other


@pytest.fixture(scope="module")
def simulated(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Fleet, dict[str, Any]]:
    fleet = Fleet(spark, tmp_path_factory.mktemp("at_once"))
    return fleet, fleet.night(0, 2)


def test_every_line_is_kept_superseded_or_refused_with_its_reason(simulated: tuple[Fleet, dict[str, Any]]) -> None:
    fleet, told = simulated
    counts = told["refine"]["rows"]["readings"]
    assert counts["in"] == told["ingest"]["rows"]["readings"]["records"] == fleet.table("bronze/readings").count()
    assert counts["in"] == counts["kept"] + counts["superseded"] + counts["quarantined"]
    assert min(counts["superseded"], counts["quarantined"]) > 20
    reasons = {
        reason for (found,) in fleet.table("quarantine/readings").select("reasons").collect() for reason in found
    }
    assert {
        "device_id is missing",
        "lcd is none of green, yellow, red",
        "describes a day after the one it arrived on",
        "describes a day more than 30 days before the one it arrived on",
        "timestamp is not a whole number",
        "names temp twice",
    } <= reasons
    assert any(reason.startswith("is no JSON: ") for reason in reasons)


def test_an_alarm_opens_stays_open_and_closes_with_its_evidence(spark: SparkSession, tmp_path: Path) -> None:
    fleet = Fleet(spark, tmp_path, source="own")
    hours = [f"{hour:02d}:30" for hour in range(24)]
    first = [reading(1, f"01 {at}", battery_level=1 if at > "20:00" else 5, temp=n) for n, at in enumerate(hours)]
    first += [reading(2, f"01 {at}", c02_level=1401 + n if 5 < n < 9 else 900, temp=n) for n, at in enumerate(hours)]
    first += [reading(3, f"01 {at}", temp=min(n, 10)) for n, at in enumerate(hours)]
    first += [reading(4, f"01 {at}", temp=n) for n, at in enumerate(hours) if not 10 < n < 14]
    second = [reading(1, f"02 {at}", battery_level=0 if at < "03:00" else 9, temp=n) for n, at in enumerate(hours)]
    second += [reading(4, f"02 {at}", temp=n) for n, at in enumerate(hours[:6])]
    fleet.deliver(0, *first)
    fleet.deliver(1, *second)
    fleet.night(0)
    of_the_first = [
        (1, "battery low", "01 20:30", None, "level 1"),
        (2, "air red", "01 06:30", "01 09:30", "up to 1409 ppm"),
        (3, "sensor stuck", "01 10:30", None, "10.0 70.0 900"),
        (4, "silent", "01 10:30", "01 14:30", "usually a reading every 3600 s"),
    ]
    assert fleet.alarms(0) == of_the_first
    fleet.night(1)
    assert fleet.alarms(0) == of_the_first
    assert fleet.alarms(1) == [
        (1, "battery low", "01 20:30", "02 03:30", "level 0"),
        (2, "silent", "01 23:30", None, "usually a reading every 3600 s"),
        (3, "sensor stuck", "01 10:30", None, "10.0 70.0 900"),
        (3, "silent", "01 23:30", None, "usually a reading every 3600 s"),
        (4, "silent", "02 05:30", None, "usually a reading every 3600 s"),
    ]
    exported = (tmp_path / "lake" / "iot_devices" / "export" / "alarms.csv").read_text().splitlines()
    assert len(exported) == 6


def test_what_comes_late_counts_and_a_display_that_is_wrong_is_marked(spark: SparkSession, tmp_path: Path) -> None:
    fleet = Fleet(spark, tmp_path, source="own")
    fleet.deliver(0, reading(1, "01 06:30"), reading(1, "01 06:40", lcd="red"))
    fleet.night(0)
    before = fleet.table("gold/device_hours").select("readings", "lcd_wrong", "temp_max").collect()
    assert list(map(tuple, before)) == [(2, 1, 11.0)]
    fleet.deliver(1, reading(1, "01 06:35", temp=40), name="late.json")
    fleet.night(1)
    after = fleet.table("gold/device_hours").select("readings", "lcd_wrong", "temp_max").collect()
    assert list(map(tuple, after)) == [(3, 1, 40.0)]
