"""A town that never was: its calendar, its weather and who rides through it.

Every number is a function of seed and day: what persists is a sum over the draws of the days before, never a state.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating[Any]]
Whole = NDArray[np.int64]

DAY = timedelta(days=1)
MEMORY_DAYS = 8  # older draws weigh too little to be seen

# One stream of draws each, so that a new one moves none of the others.
WARMTH, WETNESS, WIND, MOOD, RIDERS, ERROR, ACCIDENT = range(7)

FIXED_HOLIDAYS = ((1, 1), (4, 16), (7, 4), (11, 11), (12, 25))
MONDAYS = ((1, 3), (2, 3), (9, 1), (10, 2))  # month and which Monday of it
THANKSGIVING = (11, 4)  # the fourth Thursday

# Rentals per hour of a mild, dry day.
WORKING = (10, 5, 3, 2, 4, 22, 95, 265, 430, 215, 120, 140, 175, 170, 155, 185, 290, 520, 480, 330, 230, 170, 115, 60)
FREE = (70, 55, 42, 20, 8, 8, 17, 38, 88, 150, 205, 245, 275, 280, 270, 265, 258, 240, 210, 170, 130, 105, 88, 65)
VISITORS = (9, 7, 5, 3, 1, 1, 3, 8, 18, 35, 60, 80, 92, 98, 102, 102, 98, 88, 72, 52, 38, 30, 24, 15)


def calendar(days: Sequence[date]) -> dict[str, Whole]:
    """The calendar columns of hour.csv, 24 rows a day."""
    columns = {
        "instant": [day.toordinal() * 24 - 23 for day in days],
        "season": [_season(day) for day in days],
        "yr": [day.year - 2011 for day in days],
        "mnth": [day.month for day in days],
        "holiday": [int(day in _holidays(day.year)) for day in days],
        "weekday": [day.isoweekday() % 7 for day in days],
    }
    found = {name: np.repeat(np.array(values, dtype=np.int64), 24) for name, values in columns.items()}
    found["hr"] = np.tile(np.arange(24), len(days))
    found["instant"] += found["hr"]
    found["workingday"] = ((found["holiday"] == 0) & (found["weekday"] % 6 != 0)).astype(np.int64)
    return found


def weather(days: Sequence[date], seed: int) -> dict[str, Numbers]:
    """Seasons, warm and wet spells of days, and the course of a day; scaled as in hour.csv."""
    hour = np.tile(np.arange(24), len(days))
    year_turns = np.repeat([day.timetuple().tm_yday - 18 for day in days], 24) / 365.25
    afternoon = np.cos(2 * np.pi * (hour - 15) / 24)
    wetness = _persistent(days, seed, WETNESS, hours=9)
    temp = 0.5 - 0.23 * np.cos(2 * np.pi * year_turns) + 0.055 * afternoon
    temp += 0.07 * _persistent(days, seed, WARMTH, hours=60) - 0.02 * np.maximum(wetness, 0)
    hum = 0.63 - 0.11 * afternoon + 0.12 * wetness
    windspeed = 0.17 * np.exp(0.5 * _persistent(days, seed, WIND, hours=12)) + 0.02 * afternoon
    return _measured(temp, hum, windspeed, wetness)


def forecast(days: Sequence[date], seed: int, truth: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """The weather to come as it looked the day before."""
    error = _draws(days, seed, ERROR, width=4)
    temp = truth["temp"] + 0.02 * error[0]
    hum = truth["hum"] + 0.05 * error[1]
    windspeed = truth["windspeed"] * np.exp(0.2 * error[2])
    wetness = truth["wetness"] + 0.3 * error[3]
    return _measured(temp, hum, windspeed, wetness)


def rentals(days: Sequence[date], seed: int, when: Mapping[str, Whole], sky: Mapping[str, Numbers]) -> dict[str, Whole]:
    """Who rides: people to work and back, people at leisure and visitors, in the weather there is."""
    working = when["workingday"] == 1
    mood = 0.1 * _persistent(days, seed, MOOD, hours=20)
    luck = _draws(days, seed, RIDERS, width=2)
    pleasant = _pleasant(sky)
    towns_people = np.where(working, np.tile(WORKING, len(days)), np.tile(FREE, len(days)))
    visitors = np.tile(VISITORS, len(days)) * np.where(working, 0.8, 2.4)
    size = np.repeat([_size(day) for day in days], 24) * np.exp(mood)
    registered = _counted(size * towns_people * pleasant**0.7, luck[0])
    casual = _counted(size * visitors * pleasant**1.6, luck[1])
    return {"casual": casual, "registered": registered, "cnt": casual + registered}


def _measured(temp: Numbers, hum: Numbers, windspeed: Numbers, wetness: Numbers) -> dict[str, Numbers]:
    """What instruments show of it; `wetness` is what makes clouds and rain, and is not in the files."""
    temp, hum, windspeed = (_within(temp, 0.02, 1, 2), _within(hum, 0.1, 1, 2), _within(windspeed, 0, 0.85, 4))
    situation: Numbers = 1.0 + (wetness > 0.45) + (wetness > 1.45) + (wetness > 3.6)
    felt = _within(0.02 + 0.95 * temp - 0.08 * windspeed, 0, 1, 4)
    return {
        "weathersit": situation,
        "temp": temp,
        "atemp": felt,
        "hum": hum,
        "windspeed": windspeed,
        "wetness": wetness,
    }


def _within(values: Numbers, low: float, high: float, digits: int) -> Numbers:
    inside: Numbers = np.clip(values, low, high)
    return inside.round(digits)


def _pleasant(sky: Mapping[str, Numbers]) -> Numbers:
    warm = 0.2 + 0.8 * np.exp(-(((sky["temp"] - 0.7) / 0.3) ** 2))
    dry = np.array([1.0, 0.93, 0.5, 0.25])[sky["weathersit"].astype(int) - 1]
    fresh = (1 - 0.4 * np.maximum(sky["hum"] - 0.65, 0)) * (1 - 0.25 * sky["windspeed"])
    pleasant: Numbers = warm * dry * fresh
    return pleasant


def _counted(expected: Numbers, luck: Numbers) -> Whole:
    """Chance as in counting, and a tenth more for all that is not known of a town."""
    spread = np.sqrt(expected + (0.12 * expected) ** 2)
    return np.maximum(np.rint(expected + spread * luck), 0).astype(np.int64)


def _size(day: date) -> float:
    """How large the scheme is: it took off in 2012 and has grown by a hundredth of that a year since 2011."""
    years = (day - date(2011, 1, 1)).days / 365.25
    return float(0.8 + 1.0 / (1 + np.exp(-3 * (years - 1.1))) + 0.01 * max(years, 0.0))


def _persistent(days: Sequence[date], seed: int, stream: int, hours: float) -> Numbers:
    """Unit noise that forgets within so many hours. Summed lag by lag: no other order, so no other rounding."""
    before = [days[0] - DAY * n for n in range(MEMORY_DAYS, 0, -1)]
    shocks = _draws([*before, *days], seed, stream, width=1)[0]
    weights = np.exp(-np.arange(MEMORY_DAYS * 24) / hours)
    weights /= np.sqrt((weights**2).sum())
    total = np.zeros(len(days) * 24)
    for lag, weight in enumerate(weights):
        first = MEMORY_DAYS * 24 - lag
        total += weight * shocks[first : first + len(total)]
    return total.round(6)


def _draws(days: Sequence[date], seed: int, stream: int, width: int) -> Numbers:
    """`width` rows of unit normal draws, one per hour."""
    drawn = [random(day, seed, stream).standard_normal((width, 24)) for day in days]
    return np.concatenate(drawn, axis=1)


def random(day: date, seed: int, stream: int) -> np.random.Generator:
    """Philox takes a key as it is; seeding the default generator takes ten times as long."""
    key = np.array([seed, stream * 10_000_000 + day.toordinal()], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def _season(day: date) -> int:
    """1 from 21 December on, as in hour.csv."""
    starts = ((3, 21), (6, 21), (9, 23), (12, 21))
    return sum((day.month, day.day) >= start for start in starts) % 4 + 1


@lru_cache(maxsize=256)
def _holidays(year: int) -> frozenset[date]:
    fixed = {date(year, month, day) for month, day in FIXED_HOLIDAYS}
    mondays = {_nth(year, month, 0, which) for month, which in MONDAYS}
    memorial = _nth(year, 6, 0, 1) - 7 * DAY
    return frozenset(fixed | mondays | {memorial, _nth(year, THANKSGIVING[0], 3, THANKSGIVING[1])})


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    first = date(year, month, 1)
    return first + DAY * ((weekday - first.weekday()) % 7 + 7 * (which - 1))
