"""Counts that never were, but could have been: the same seed and day give the same lines, whatever the window."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime

import numpy as np

from spark_jobs.declare import Delivery, Window

DOORS = ("north", "south")
DAY = 86_400  # seconds


def simulated(window: Window, knobs: Mapping[str, float]) -> Iterator[Delivery]:
    for day in window.days:
        yield Delivery(table="counts", day=day, name=f"{day}.json", text="\n".join([*_lines(day, knobs), ""]))


def _lines(day: date, knobs: Mapping[str, float]) -> Iterator[str]:
    chance = np.random.default_rng([int(knobs["seed"]), day.toordinal()])
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    for second in range(0, DAY, int(knobs["pause"])):
        busy = 20 * np.sin(np.pi * second / DAY) ** 4
        for door in DOORS:
            told = {"door": door, "people": {"in": int(chance.poisson(busy))}, "timestamp": 1000 * (midnight + second)}
            line = json.dumps(told)
            yield line[: len(line) // 2] if chance.random() < knobs["broken"] else line
