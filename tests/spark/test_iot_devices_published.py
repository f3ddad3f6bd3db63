"""iot_devices on readings as they were published, told again by Python and pandas from the same lines."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from pyspark.sql import SparkSession

from local.data import main
from spark_jobs.declare import Window
from spark_jobs.use_cases.iot_devices.source import PUBLISHED, simulated
from tests.spark.test_iot_devices_nights import STAGES, Fleet

Readings = list[dict[str, Any]]
KNOBS = {"devices": 100, "pause": 600, "seed": 1, "broken": 0, "late": 0, "twice": 0}
HALF, ODD, AGAIN, WRONG = 1, 4, 10, 5  # of what a second file brings
DAY_AND_HOUR = ["day", "hour"]
WORDS = {"min": "min", "avg": "mean", "max": "max", "last": "last"}  # of Spark, and of pandas
MEASURED = ("temp", "humidity", "c02_level")


@pytest.fixture(scope="module")
def lines(published: Path | None) -> list[str]:
    """Of the published file where it is at hand, else simulated: of a hundred devices one each, of the same day."""
    if published:
        return (published / "iot" / "iot_devices_100.json").read_text().splitlines()
    hours = simulated(Window.of(PUBLISHED), KNOBS)
    told = [line for hour in hours for line in hour.text.splitlines()]
    return list({json.loads(line)["device_id"]: line for line in told}.values())


@pytest.fixture(scope="module")
def readings(lines: list[str]) -> Readings:
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def brought(
    spark: SparkSession, lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Fleet, dict[str, Any]]:
    """As `make data USE_CASE=iot_devices FROM=<folder>` and a night bring them in."""
    folder = tmp_path_factory.mktemp("published")
    return bring(Fleet(spark, folder, source="public"), {"iot_devices_100.json": lines})


def bring(fleet: Fleet, files: dict[str, list[str]]) -> tuple[Fleet, dict[str, Any]]:
    origin = fleet.folder / "downloads"
    origin.mkdir()
    (origin / "another.json").write_text("{}\n")  # not of the publication
    for name, held in files.items():
        (origin / name).write_text("\n".join([*held, ""]))
    main({"USE_CASE": "iot_devices", "NIGHTSHIFT_HOME": str(fleet.folder), "FROM": str(origin)})
    window = Window.of(PUBLISHED)
    return fleet, {str(stage): module.run(fleet.work(stage, window)) for stage, module in STAGES.items()}


def at(reading: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(reading["timestamp"] / 1000, UTC).replace(tzinfo=None)


def shown(level: int) -> str:
    return "green" if level <= 1000 else "yellow" if level <= 1400 else "red"


def frame(readings: Readings) -> pd.DataFrame:
    rows = pd.DataFrame(readings)
    rows["at"] = pd.to_datetime(rows["timestamp"], unit="ms").astype("datetime64[ns]")
    return rows.assign(hour=rows["at"].dt.floor("h"), day=rows["at"].dt.date, red=rows["c02_level"] > 1400)


def table(fleet: Fleet, name: str, *key: str) -> pd.DataFrame:
    rows: pd.DataFrame = fleet.table(name).toPandas()
    return rows.sort_values([*key]).reset_index(drop=True)


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert_frame_equal(found, expected[[*found.columns]], check_dtype=False)


def test_a_hundred_readings_are_a_hundred_rows_each_as_its_line_says(
    brought: tuple[Fleet, dict[str, Any]], readings: Readings
) -> None:
    fleet, told = brought
    counts = told["refine"]["rows"]["readings"]
    assert [counts[how] for how in ("in", "kept", "quarantined", "superseded")] == [100, 100, 0, 0]
    found = {row.device_id: row.asDict() for row in fleet.table("silver/readings").collect()}
    assert sorted(found) == sorted(reading["device_id"] for reading in readings)
    for reading in readings:
        row = found[reading["device_id"]]
        assert {name: row[name] for name in reading} == reading
        assert row["lcd_is_wrong"] == (reading["lcd"] != shown(reading["c02_level"]))


def test_they_happened_on_their_day_by_the_clock_of_utc(
    brought: tuple[Fleet, dict[str, Any]], readings: Readings
) -> None:
    found = table(brought[0], "silver/readings", "device_id")
    assert set(found["day"]) == {date(2016, 3, 20)}
    assert list(found["at"]) == [at(one) for one in sorted(readings, key=lambda one: one["device_id"])]


def usual_pause(at: "pd.Series[Any]") -> float:
    """In microseconds."""
    pauses = at.diff().dropna()
    return float(pauses.median() / pd.Timedelta(microseconds=1)) if len(pauses) else float("nan")


def test_hours_of_devices_are_what_pandas_says(brought: tuple[Fleet, dict[str, Any]], readings: Readings) -> None:
    groups = frame(readings).sort_values("at").groupby(["day", "device_id", "hour"])
    how = {f"{name}_{one}": (name, word) for name in MEASURED for one, word in WORDS.items()}
    wrong = Counter(one["device_id"] for one in readings if one["lcd"] != shown(one["c02_level"]))
    when = {"first_at": ("at", "min"), "last_at": ("at", "max"), "usual_pause": ("at", usual_pause)}
    expected = groups.agg(
        readings=("at", "size"), battery_level_last=("battery_level", "last"), share_red=("red", "mean"), **how, **when
    ).reset_index()
    expected["pauses"] = expected["readings"] - 1
    expected["lcd_wrong"] = expected["device_id"].map(lambda device: wrong[device])
    same(table(brought[0], "gold/device_hours", "device_id", "hour"), expected)


def test_hours_of_countries_are_what_pandas_says(brought: tuple[Fleet, dict[str, Any]], readings: Readings) -> None:
    groups = frame(readings).rename(columns={"cca3": "country"}).groupby([*DAY_AND_HOUR, "country"])
    means = {f"{name}_avg": (name, "mean") for name in MEASURED}
    expected = groups.agg(
        devices=("device_id", "nunique"), readings=("at", "size"), share_red=("red", "mean"), **means
    ).reset_index()
    same(table(brought[0], "gold/country_hours", *DAY_AND_HOUR, "country"), expected)


def test_alarms_are_those_of_empty_batteries_and_bad_air(
    brought: tuple[Fleet, dict[str, Any]], readings: Readings
) -> None:
    """A device that spoke once has no usual pause, so none is silent, and nothing can have stuck."""
    empty = [(one, "battery low", f"level {one['battery_level']}") for one in readings if one["battery_level"] < 2]
    red = [(one, "air red", f"up to {one['c02_level']} ppm") for one in readings if one["c02_level"] > 1400]
    expected = sorted((one["device_id"], alarm, at(one), why) for one, alarm, why in [*empty, *red])
    found = table(brought[0], "gold/alarms", "device_id", "alarm")
    assert list(zip(*(found[name] for name in ("device_id", "alarm", "since", "evidence")), strict=True)) == expected
    assert found["until"].isna().all()
    assert len(expected) > 3


def test_its_page_counts_what_was_published(brought: tuple[Fleet, dict[str, Any]], readings: Readings) -> None:
    page = (brought[0].folder / "lake" / "iot_devices" / "export" / "report.html").read_text()
    assert "Sunday, 20 March 2016, by hours of UTC. Source: public." in page
    for country, count in Counter(one["cca3"] for one in readings).most_common(3):
        assert f'<span title="{country}">{country}</span>' in page
        assert f"</i>{count}</div>" in page


def test_what_a_second_file_says_again_wrongly_or_not_at_all_is_counted(
    spark: SparkSession, tmp_path: Path, lines: list[str], readings: Readings
) -> None:
    odd = [json.dumps(one | {"scale": "Fahrenheit"}) for one in readings[:ODD]]
    wrong = [json.dumps(one | {"lcd": "green" if one["lcd"] != "green" else "red"}) for one in readings[-WRONG:]]
    second = [*lines[:AGAIN], *odd, *wrong, lines[0][:40]]
    files = {"iot_devices_100.json": lines, "iot_devices_more.json": second}
    fleet, told = bring(Fleet(spark, tmp_path, source="public"), files)
    counts = told["refine"]["rows"]["readings"]
    assert [counts[how] for how in ("in", "kept", "quarantined", "superseded")] == [
        *(100 + AGAIN + ODD + WRONG + HALF, 100, ODD + HALF, AGAIN + WRONG)
    ]
    marked = fleet.table("silver/readings").where("lcd_is_wrong").select("device_id", "file").collect()
    expected = {one["device_id"] for one in readings[:-WRONG] if one["lcd"] != shown(one["c02_level"])}
    assert {device for device, _ in marked} == expected | {one["device_id"] for one in readings[-WRONG:]}
    wrong_by_hour = table(fleet, "gold/device_hours", "device_id").set_index("device_id")["lcd_wrong"]
    assert wrong_by_hour.sum() == len(marked)
