"""Where readings come from: a simulated fleet, or the published ones."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from spark_jobs.declare import Delivery, Window
from spark_jobs.use_cases.iot_devices.devices import HOMES, Fleet, Shown, shown
from spark_jobs.use_cases.iot_devices.use_case import READINGS

DAY, HOURS = timedelta(days=1), 24
PUBLISHED = date(2016, 3, 20)
LCD = ("green", "yellow", "red")
ON_THE_WAY = 4  # draws what happens to a reading apart from what it says
YEAR = 365 * 86_400_000  # milliseconds

# What goes wrong with a line, one thing at a time.
ACCIDENTS: tuple[tuple[str, Any], ...] = (
    ("device_id", None),
    ("device_id", "none"),
    ("cca3", ""),
    ("latitude", 381.0),
    ("scale", "Fahrenheit"),
    ("temp", "hot"),
    ("temp", -300),
    ("humidity", 160),
    ("battery_level", 11),
    ("c02_level", -1),
    ("lcd", "blue"),
    ("timestamp", YEAR),  # a clock that was never set
    ("timestamp", 70 * YEAR),  # and one that runs years ahead
    ("timestamp", "yesterday"),
    ("", "half"),  # the connection broke off
    ("", "again"),  # a key twice
    ("", "joined"),  # a line break is lost, and both are good
)


def simulated(window: Window, knobs: Mapping[str, float]) -> Iterator[Delivery]:
    """A file for each hour, with what came in that hour; what came late is in a file of the next day."""
    fleet = Fleet.of(int(knobs["devices"]), int(knobs["seed"]))
    late: list[str] | None = None
    for day in window.days:
        if late is None:
            late = _told(fleet, day - DAY, knobs)[1]
        hours, its_late = _told(fleet, day, knobs)
        for hour, lines in enumerate(hours):
            yield delivery(day, f"readings-{hour:02d}.json", lines)
        if late:
            yield delivery(day, "late.json", late)
        late = its_late


def public(folder: Path, window: Window) -> Iterator[Delivery]:
    """All of them in one file; they arrive on the day they were made."""
    if window.end <= PUBLISHED:
        return
    for path in sorted(folder.glob("iot_devices*.json")):
        yield delivery(PUBLISHED, path.name, path.read_text(encoding="utf-8").splitlines())


def delivery(day: date, name: str, lines: Sequence[str]) -> Delivery:
    return Delivery(table=READINGS.name, day=day, name=name, text="\n".join([*lines, ""]))


def _told(fleet: Fleet, day: date, knobs: Mapping[str, float]) -> tuple[list[list[str]], list[str]]:
    """The lines of a day by the hour they came in, and those that come a day later."""
    readings = shown(fleet, day, knobs)
    chance = np.random.default_rng([int(knobs["seed"]), ON_THE_WAY, day.toordinal()])
    fate, which = chance.random((3, len(readings.second))), chance.integers(len(ACCIDENTS), size=len(readings.second))
    hours: list[list[str]] = [[] for _ in range(HOURS)]
    late: list[str] = []
    for place, line in enumerate(_lines(fleet, day, readings)):
        told = _after(line, ACCIDENTS[which[place]]) if fate[0, place] < knobs["broken"] else line
        hour = int(readings.second[place] // 3600)
        (late if fate[1, place] < knobs["late"] else hours[hour]).append(told)
        if fate[2, place] < knobs["twice"]:
            hours[min(hour + 1, HOURS - 1)].append(told)
    return hours, late


def _lines(fleet: Fleet, day: date, readings: Shown) -> Iterator[str]:
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    columns = (
        *(readings.device.tolist(), (midnight + readings.second * 1000).astype(int).tolist(), readings.temp.tolist()),
        *(readings.humidity.tolist(), readings.battery.tolist(), readings.air.tolist(), readings.lcd.tolist()),
    )
    latitude, longitude, homes = fleet.latitude.tolist(), fleet.longitude.tolist(), fleet.homes.tolist()
    for device, at, temp, humidity, battery, air, lcd in zip(*columns, strict=True):
        cca2, cca3, country, *_ = HOMES[homes[device]]
        yield (
            f'{{"device_id": {device + 1}, "device_name": "{fleet.names[device]}", "ip": "{fleet.ips[device]}", '
            f'"cca2": "{cca2}", "cca3": "{cca3}", "cn": "{country}", "latitude": {latitude[device]}, '
            f'"longitude": {longitude[device]}, "scale": "Celsius", "temp": {temp}, "humidity": {humidity}, '
            f'"battery_level": {battery}, "c02_level": {air}, "lcd": "{LCD[lcd]}", "timestamp": {at}}}'
        )


def _after(line: str, accident: tuple[str, Any]) -> str:
    column, what = accident
    if not column:
        return {"half": line[: len(line) // 2], "again": f'{line[:-1]}, "temp": 20}}', "joined": line + line}[what]
    told = json.loads(line)
    return json.dumps({name: value for name, value in (told | {column: what}).items() if value is not None})
