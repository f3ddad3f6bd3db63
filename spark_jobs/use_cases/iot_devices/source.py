"""Where readings come from: a simulated fleet, or the published ones."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spark_jobs.declare import Delivery, Window
from spark_jobs.use_cases.iot_devices.devices import HOMES, Fleet, Shown, shown
from spark_jobs.use_cases.iot_devices.use_case import EVERY, READINGS

DAY = timedelta(days=1)
SLOTS = DAY // EVERY
PUBLISHED = date(2016, 3, 20)
LCD = ("green", "yellow", "red")
ON_THE_WAY = 4  # draws what happens to a reading apart from what it says
YEAR = 365 * 86_400_000  # milliseconds


class Fate(Enum):
    """Of a reading on its way; it may be sent twice, be it late or not."""

    ONCE, LATE, TWICE = range(3)


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
    """A file for each slot, when it is over; what came late is in a file of the next day, when its first slot is over.

    No file is drawn before it is asked for: a run over some minutes draws those minutes.
    """
    air = _Air(fleet=Fleet.of(int(knobs["devices"]), int(knobs["seed"])), knobs=knobs)
    for day in window.days:
        if knobs["late"]:
            yield _file(day, "late.json", 1, partial(air.late, day - DAY))
        for slot in range(SLOTS):
            name = f"readings-{midnight(day) + slot * EVERY:%H%M}.json"
            yield _file(day, name, slot + 1, partial(air.came, day, slot))


def public(folder: Path, window: Window) -> Iterator[Delivery]:
    """All of them in one file; they arrive on the day they were made."""
    if window.end <= PUBLISHED:
        return
    for path in sorted(folder.glob("iot_devices*.json")):
        make = partial(path.read_text, encoding="utf-8")
        yield Delivery(table=READINGS.name, day=PUBLISHED, name=path.name, make=make)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _file(day: date, name: str, slots: int, lines: Callable[[], Iterable[str]]) -> Delivery:
    """It arrives when so many slots of the day are over."""
    at = midnight(day) + slots * EVERY
    return Delivery(table=READINGS.name, day=day, name=name, make=lambda: "\n".join([*lines(), ""]), at=at)


@dataclass(frozen=True, kw_only=True)
class _Air:
    """What readings go through on their way, by seed, day and slot alone."""

    fleet: Fleet
    knobs: Mapping[str, float]

    def came(self, day: date, slot: int) -> Iterator[str]:
        """Readings of the slot, and once more some of the slot before; of the last its own."""
        if slot:
            yield from self.told(day, slot - 1, Fate.TWICE)
        yield from self.told(day, slot, Fate.ONCE)
        if slot == SLOTS - 1:
            yield from self.told(day, slot, Fate.TWICE)

    def late(self, day: date) -> Iterator[str]:
        for slot in range(SLOTS):
            yield from self.told(day, slot, Fate.LATE)

    def told(self, day: date, slot: int, fate: Fate) -> Iterator[str]:
        """The lines of those readings of a slot that this befalls."""
        readings = shown(self.fleet, day, slot, self.knobs)
        chance = np.random.default_rng([int(self.knobs["seed"]), ON_THE_WAY, day.toordinal(), slot])
        broken, late, twice = chance.random((3, len(readings.second)))
        which = chance.integers(len(ACCIDENTS), size=len(readings.second))
        is_late = late < self.knobs["late"]
        befalls = {Fate.ONCE: ~is_late, Fate.LATE: is_late, Fate.TWICE: twice < self.knobs["twice"]}
        for place in np.flatnonzero(befalls[fate]).tolist():
            line = _line(self.fleet, day, readings, place)
            yield _after(line, ACCIDENTS[which[place]]) if broken[place] < self.knobs["broken"] else line


def _line(fleet: Fleet, day: date, readings: Shown, place: int) -> str:
    device = int(readings.device[place])
    cca2, cca3, country, *_ = HOMES[fleet.homes[device]]
    at = int(midnight(day).timestamp()) * 1000 + round(readings.second[place] * 1000)
    return (
        f'{{"device_id": {device + 1}, "device_name": "{fleet.names[device]}", "ip": "{fleet.ips[device]}", '
        f'"cca2": "{cca2}", "cca3": "{cca3}", "cn": "{country}", "latitude": {fleet.latitude[device]}, '
        f'"longitude": {fleet.longitude[device]}, "scale": "Celsius", "temp": {readings.temp[place]}, '
        f'"humidity": {readings.humidity[place]}, "battery_level": {readings.battery[place]}, '
        f'"c02_level": {readings.air[place]}, "lcd": "{LCD[readings.lcd[place]]}", "timestamp": {at}}}'
    )


def _after(line: str, accident: tuple[str, Any]) -> str:
    column, what = accident
    if not column:
        return {"half": line[: len(line) // 2], "again": f'{line[:-1]}, "temp": 20}}', "joined": line + line}[what]
    told = json.loads(line)
    return json.dumps({name: value for name, value in (told | {column: what}).items() if value is not None})
