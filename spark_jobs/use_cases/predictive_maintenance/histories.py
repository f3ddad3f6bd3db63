"""Histories of machines in whole numbers: readings are folded into steps, steps into windows; events are counted.

Whole numbers add up to the same in any order, so a row is the same to the last bit whatever else was asked for.
Sums may run over 64 bits and come back: what is left of them in one window lies well inside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from spark_jobs.use_cases.predictive_maintenance.use_case import (
    COMPONENTS,
    ERROR_WINDOWS,
    ERRORS,
    SENSORS,
    STATISTICS,
    STEP,
    WINDOWS,
)

Whole = NDArray[np.int64]
Columns = dict[str, pa.Array]

ASKED, REPLACED, FAILED = "asked", "_replaced", "_failed"

SCALE = 2**14  # a reading is a whole number of these parts of its unit
LANE = 2**40  # seconds: every machine has a stretch of time for itself, so one sorted array holds them all
HOUR, DAY = 3600, 86400
STEP_SECONDS = int(STEP.total_seconds())
HIGHEST = np.iinfo(np.int64).max

MEASURED = [f"{sensor}_{how}_{window}" for sensor in SENSORS for window in WINDOWS for how in STATISTICS]
MISSING = [f"missing_{window}" for window in WINDOWS]
SINCE = [f"{component}{what}_days" for what in (REPLACED, FAILED) for component in COMPONENTS]
COUNTS = [f"{error}_{window}" for error in ERRORS for window in ERROR_WINDOWS]
NEVER = [f"{component}_never{what}" for what in (REPLACED, FAILED) for component in COMPONENTS]
SCHEMA = ", ".join(
    [
        *("machineID bigint", "at timestamp"),
        *(f"{name} double" for name in (*MEASURED, *MISSING, *SINCE)),
        *(f"{name} int" for name in (*COUNTS, *NEVER)),
    ]
)


def told(facts: pa.Table) -> pa.Table:
    """The rows asked for of some machines, from all that is told of them: machineID, second, what, and the sensors."""
    measured = pc.is_null(facts["what"])
    events = facts.filter(pc.invert(measured))
    stamps = Stamps.of(_only(events, ASKED))
    readings = Steps.of(facts.filter(measured), stamps)
    found = {"machineID": pa.array(stamps.machine), "at": _moments(stamps.second)}
    found |= _measured(readings, stamps) | _counts(events, stamps) | _since(events, stamps)
    return pa.table({name: found[name] for name in ("machineID", "at", *MEASURED, *MISSING, *SINCE, *COUNTS, *NEVER)})


@dataclass(frozen=True, kw_only=True)
class Stamps:
    """The rows asked for, in order of machine and time."""

    machines: Whole  # every machine once
    machine: Whole
    second: Whole

    @classmethod
    def of(cls, asked: pa.Table) -> "Stamps":
        """A day's stamps stand at the ends of its steps; the last is the next midnight."""
        steps = np.arange(STEP_SECONDS, DAY + 1, STEP_SECONDS)
        second = (_numbers(asked, "second")[:, None] + steps).ravel()
        machine = np.repeat(_numbers(asked, "machineID"), len(steps))
        order = np.lexsort((second, machine))
        return cls(machines=np.unique(machine), machine=machine[order], second=second[order])

    @property
    def places(self) -> Whole:
        return self.place(self.machine, self.second)

    def place(self, machine: Whole, second: Whole) -> Whole:
        """Machine and time as one number that sorts by both; machines nobody asked for come before all."""
        lane = np.searchsorted(self.machines, machine)
        known = np.append(self.machines, -1)[lane] == machine
        return np.where(known, lane, -1) * LANE + second


class Sums(NamedTuple):
    """Of the readings of one sensor: how many, hours, their squares, values, their squares, hours times values."""

    n: Whole
    x: Whole
    xx: Whole
    v: Whole
    vv: Whole
    xv: Whole


class Folded(NamedTuple):
    """Readings of one sensor, per step or per window."""

    sums: Sums
    lowest: Whole
    highest: Whole


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Readings folded into the steps of their machines: only of steps that have any."""

    ends: Whole  # places
    sensors: Mapping[str, Folded]

    @classmethod
    def of(cls, readings: pa.Table, stamps: Stamps) -> "Steps":
        second = _numbers(readings, "second")
        end = (second // STEP_SECONDS + 1) * STEP_SECONDS
        place = stamps.place(_numbers(readings, "machineID"), end)
        order = np.argsort(place, kind="stable")
        ends, starts = np.unique(place[order], return_index=True)
        hour = (second // HOUR)[order]
        values = {sensor: readings[sensor].to_numpy()[order] for sensor in SENSORS}
        return cls(ends=ends, sensors={sensor: _fold(hour, value, starts) for sensor, value in values.items()})

    def over(self, stamps: Stamps, window: timedelta) -> dict[str, Folded]:
        """What the steps of each stamp's window come to."""
        places, seconds = stamps.places, int(window.total_seconds())
        first, last = (np.searchsorted(self.ends, at, side="right") for at in (places - seconds, places))
        return {sensor: _joined(folded, first, last) for sensor, folded in self.sensors.items()}


def _fold(hour: Whole, value: NDArray[np.float64], starts: Whole) -> Folded:
    """A value that is missing weighs nothing."""
    known = ~np.isnan(value)
    v = np.rint(np.where(known, value, 0.0) * SCALE).astype(np.int64)
    x = np.where(known, hour, 0)
    terms = (known.astype(np.int64), x, x * x, v, v * v, x * v)
    lowest = np.minimum.reduceat(np.where(known, v, HIGHEST), starts)
    highest = np.maximum.reduceat(np.where(known, v, -HIGHEST), starts)
    return Folded(Sums(*(np.add.reduceat(term, starts) for term in terms)), lowest, highest)


def _joined(steps: Folded, first: Whole, last: Whole) -> Folded:
    """From the first step to before the last: sums as differences of running totals, extremes by looking."""
    running = (np.concatenate([[0], np.cumsum(term)]) for term in steps.sums)
    between = np.column_stack([first, last]).ravel()
    lowest = np.minimum.reduceat(np.append(steps.lowest, HIGHEST), between)[::2]
    highest = np.maximum.reduceat(np.append(steps.highest, -HIGHEST), between)[::2]
    return Folded(Sums(*(total[last] - total[first] for total in running)), lowest, highest)


def _measured(steps: Steps, stamps: Stamps) -> Columns:
    """The only place where whole numbers become fractions."""
    found: dict[str, pa.Array] = {}
    for name, window in WINDOWS.items():
        over = steps.over(stamps, window)
        for sensor, folded in over.items():
            found |= {f"{sensor}_{how}_{name}": values for how, values in _statistics(folded).items()}
        wanted = len(SENSORS) * int(window.total_seconds()) // HOUR
        found[f"missing_{name}"] = pa.array(1 - sum(folded.sums.n for folded in over.values()) / wanted)
    return found


def _statistics(folded: Folded) -> Columns:
    """A deviation and a slope take two readings, the rest one."""
    n, x, xx, v, vv, xv = folded.sums
    one, two = n >= 1, n >= 2
    whole, pairs = np.maximum(n, 1), np.maximum(n * (n - 1), 1)
    return {
        "mean": _where(one, v / (whole * SCALE)),
        "deviation": _where(two, np.sqrt((n * vv - v * v) / pairs) / SCALE),
        "minimum": _where(one, folded.lowest / SCALE),
        "maximum": _where(one, folded.highest / SCALE),
        "slope": _where(two, (n * xv - x * v) / np.maximum(n * xx - x * x, 1) / SCALE),
    }


def _counts(events: pa.Table, stamps: Stamps) -> Columns:
    """How often each error came within each window."""
    found = {}
    for error in ERRORS:
        happened = _places(_only(events, error), stamps)
        for name, window in ERROR_WINDOWS.items():
            until, before = stamps.places, stamps.places - int(window.total_seconds())
            count = np.searchsorted(happened, until) - np.searchsorted(happened, before)
            found[f"{error}_{name}"] = pa.array(count.astype(np.int32))
    return found


def _since(events: pa.Table, stamps: Stamps) -> Columns:
    """Days since the last of each kind; the indicator tells never from long ago."""
    found = {}
    for what in (REPLACED, FAILED):
        for component in COMPONENTS:
            happened = np.append(-LANE, _places(_only(events, component + what), stamps))
            last = happened[np.searchsorted(happened, stamps.places) - 1]
            ever = last // LANE == stamps.places // LANE
            found[f"{component}{what}_days"] = _where(ever, (stamps.places - last) / DAY)
            found[f"{component}_never{what}"] = pa.array((~ever).astype(np.int32))
    return found


def _places(events: pa.Table, stamps: Stamps) -> Whole:
    return np.sort(stamps.place(_numbers(events, "machineID"), _numbers(events, "second")))


def _only(events: pa.Table, what: str) -> pa.Table:
    return events.filter(pc.equal(events["what"], what))


def _numbers(table: pa.Table, column: str) -> Whole:
    found: Whole = table[column].to_numpy()
    return found


def _where(there: NDArray[np.bool_], values: NDArray[Any]) -> pa.Array:
    return pa.array(values, mask=~there)


def _moments(seconds: Whole) -> pa.Array:
    return pa.array(seconds * 1_000_000).cast(pa.timestamp("us", "UTC"))
