"""Where rides and forecasts come from: a simulated city, or the two published years replayed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np

from spark_jobs.declare import Accident, Delivery, Window, some_broken
from spark_jobs.use_cases.bike_sharing import city
from spark_jobs.use_cases.bike_sharing.use_case import USE_CASE

DAY = timedelta(days=1)
FRACTIONS = {"temp": "%.2f", "atemp": "%.4f", "hum": "%.2f", "windspeed": "%.4f"}
HEADER = {table.name: table.column_names for table in USE_CASE.tables}

# What goes wrong, one thing at a time.
OF_INSTRUMENTS: tuple[Accident, ...] = (
    ("temp", ""),  # a sensor was silent
    ("temp", "21.4"),  # degrees, not scaled
    ("hum", "63"),  # per cent, not scaled
    ("hum", "NaN"),
    ("windspeed", "0,1940"),  # a decimal comma, so one field too many
    ("atemp", "n/a"),
    ("weathersit", "9"),  # a code nobody knows
    ("weekday", "7"),  # Sunday, in another country
    ("hr", "24"),  # midnight, counted the other way
    ("mnth", "13"),
    ("season", "spring"),
    ("dteday", "2023-02-30"),
    ("dteday", "31/12/2023"),
    ("instant", "-1"),
    ("hum", None),  # the connection broke off
)
OF_COUNTERS: tuple[Accident, ...] = (
    ("casual", "-3"),  # more bicycles came back than went out
    ("registered", "1e999"),
    ("cnt", "99999"),  # the counter ran on, so the sum is wrong
    ("cnt", ""),
)
ACCIDENTS = {"rides": OF_INSTRUMENTS + OF_COUNTERS, "forecast": OF_INSTRUMENTS}


def simulated(window: Window, knobs: Mapping[str, float]) -> Iterator[Delivery]:
    """Each day its rides, and the forecast of the day after."""
    seed = int(knobs["seed"])
    days = [*window.days, window.end]
    when, sky = city.calendar(days), city.weather(days, seed)
    rides = _lines("rides", days, when | sky | city.rentals(days, seed, when, sky))
    ahead = _lines("forecast", days, when | city.forecast(days, seed, sky))
    for place, day in enumerate(window.days):
        chance = city.random(day, seed, city.ACCIDENT)
        for table, lines in (("rides", rides[place]), ("forecast", ahead[place + 1])):
            broken = some_broken(lines, HEADER[table], ACCIDENTS[table], chance, knobs["broken"])
            yield delivery(table, day, broken)


def public(folder: Path, window: Window) -> Iterator[Delivery]:
    """hour.csv, each day on its date. Its own weather of the next day is the forecast: a perfect one."""
    days = published(folder / "hour.csv")
    width = len(HEADER["forecast"])
    for day in window.days:
        if day in days:
            yield delivery("rides", day, days[day])
        if day + DAY in days:
            yield delivery("forecast", day, [",".join(line.split(",")[:width]) for line in days[day + DAY]])


def published(file: Path) -> dict[date, list[str]]:
    """The lines of hour.csv by their day, untouched."""
    with file.open(encoding="ascii") as text:
        lines = text.read().splitlines()[1:]
    return {date.fromisoformat(day): list(some) for day, some in groupby(lines, key=lambda line: line.split(",")[1])}


def delivery(table: str, day: date, lines: Sequence[str]) -> Delivery:
    """The one place that names files: a table's file of a day is called like the table."""
    text = "\n".join([",".join(HEADER[table]), *lines, ""])
    return Delivery(table=table, day=day, name=f"{table}.csv", text=text)


def _lines(table: str, days: Sequence[date], values: Mapping[str, np.ndarray]) -> list[list[str]]:
    """24 lines for each day."""
    columns = []
    for name in HEADER[table]:
        if name == "dteday":
            columns.append([str(day) for day in days for _ in range(24)])
        elif name in FRACTIONS:
            columns.append([FRACTIONS[name] % value for value in values[name].tolist()])
        else:
            columns.append([str(value) for value in values[name].astype(int).tolist()])
    lines = [",".join(fields) for fields in zip(*columns, strict=True)]
    return [lines[first : first + 24] for first in range(0, len(lines), 24)]
