"""Alarms made of the pieces of hours are those that the readings of two days say, told in one go."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from statistics import median
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.spark.test_laws import few

FIRST = datetime(2024, 3, 1, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SCHEMA = (
    "day date, at timestamp, device_id bigint, battery_level bigint, temp double, humidity double, c02_level bigint, "
    "lcd_is_wrong boolean"
)
Reading = dict[str, Any]
Alarm = tuple[int, str, datetime, datetime | None, int]

# Of a device: how many readings in a row, minutes between them, and what they say.
stretches = st.lists(
    st.tuples(
        st.integers(1, 30), st.sampled_from([7, 20, 95]), st.integers(0, 2), st.sampled_from([900, 1400, 1401, 1500])
    ),
    min_size=1,
    max_size=6,
)


def readings_of(device: int, told: list[tuple[int, int, int, int]], begins: int) -> Iterator[Reading]:
    at = FIRST + begins * MINUTE
    for count, minutes, battery, air in told:
        for _ in range(count):
            if at < FIRST + 2 * DAY:
                yield {"at": at, "day": at.date(), "device_id": device, "battery_level": battery, "c02_level": air} | {
                    "temp": float(count % 3),
                    "humidity": 50.0,
                    "lcd_is_wrong": False,
                }
            at += minutes * MINUTE


def told_at_once(readings: list[Reading], day: datetime) -> set[Alarm]:
    """Of one day, by its readings and those of the day before."""
    seen = [one for one in readings if day - DAY <= one["at"] < day + DAY]
    if not any(one["at"] >= day for one in seen):
        return set()
    newest = max(one["at"] for one in seen)
    found: set[Alarm] = set()
    for device, group in groupby(sorted(seen, key=lambda one: (one["device_id"], one["at"])), lambda o: o["device_id"]):
        own = list(group)
        found |= {(device, *alarm) for alarm in (*runs(own), *silences(own, newest))}
    return {one for one in found if (one[3] is None or one[3] > day) and one[2] < day + DAY}


def runs(own: list[Reading]) -> Iterator[tuple[str, datetime, datetime | None, int]]:
    kinds = {
        "battery low": lambda one: one["battery_level"] <= 1 or None,
        "air red": lambda one: one["c02_level"] >= 1401 or None,
        "sensor stuck": lambda one: (one["temp"], one["humidity"], one["c02_level"]),
    }
    for kind, says in kinds.items():
        place = 0
        for what, group in groupby(own, says):
            count = len(list(group))
            ends = own[place + count]["at"] if place + count < len(own) else None
            if what is not None and (kind != "sensor stuck" or count >= 12):
                yield kind, own[place]["at"], ends, count
            place += count


def silences(own: list[Reading], newest: datetime) -> Iterator[tuple[str, datetime, datetime | None, int]]:
    times = [one["at"] for one in own]
    hours = {hour: list(group) for hour, group in groupby(times, lambda at: at.replace(minute=0))}
    within = {hour: [b - a for a, b in pairwise(ats)] for hour, ats in hours.items()}
    between = [b[0] - a[-1] for a, b in pairwise(hours.values())]
    weighed = [median(pauses) for pauses in within.values() for _ in pauses] + between
    if not weighed:
        return
    usual = median(weighed)
    for place, at in enumerate(times):
        after = times[place + 1] if place + 1 < len(times) else None
        lasted, hour = (after or newest) - at, at.replace(minute=0)
        unusual = after is None or after.replace(minute=0) != hour or lasted > 2 * median(within[hour])
        if lasted > 2 * usual and unusual:
            yield "silent", at, after, 0


@given(st.lists(st.tuples(stretches, st.integers(0, 1500)), min_size=1, max_size=3))
@few(6)
def test_pieces_of_hours_make_the_alarms_of_days(
    spark: SparkSession, fleet: list[tuple[list[tuple[int, int, int, int]], int]]
) -> None:
    from spark_jobs.use_cases.iot_devices import reports

    readings = [one for number, (told, begins) in enumerate(fleet) for one in readings_of(number, told, begins)]
    frames = {"readings": spark.createDataFrame(readings or [], SCHEMA)}
    frames |= {name: getattr(reports, name)(frames) for name in ("device_hours", "alarm_pieces")}
    rows = reports.alarms(frames).select("day", "device_id", "alarm", "since", "until", "readings").collect()
    for day in (FIRST, FIRST + DAY):
        made = [
            (row.device_id, row.alarm, utc(row.since), row.until and utc(row.until), row.readings)
            for row in rows
            if row.day == day.date()
        ]
        assert len(made) == len(set(made))
        assert set(made) == told_at_once(readings, day)


def utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
