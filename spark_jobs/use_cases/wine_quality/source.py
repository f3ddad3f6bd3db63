"""Where samples come from: a simulated laboratory, or the published wines."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from spark_jobs.declare import Accident, Delivery, Window, some_broken
from spark_jobs.use_cases.wine_quality import lab
from spark_jobs.use_cases.wine_quality.use_case import COLOURS, USE_CASE

SAMPLES = USE_CASE.table("samples")
HEADER = SAMPLES.header
PUBLISHED = date(2009, 10, 7)  # the archive was given both files on this day; of their wines no date is known
ACCIDENT = 1  # draws accidents apart from wines

# What goes wrong, one thing at a time.
ACCIDENTS: tuple[Accident, ...] = (
    ("colour", "rose"),
    ("colour", ""),
    ("alcohol", "130.0"),  # per mille, or a decimal point that was lost
    ("alcohol", "10,5"),  # a decimal comma, so one field too many
    ("pH", "31.2"),
    ("pH", "NaN"),
    ("density", "996.7"),  # grams per litre
    ("residual sugar", "-0.1"),
    ("chlorides", "n/a"),
    ("citric acid", ""),
    ("free sulfur dioxide", "399"),  # more than there is in all
    ("total sulfur dioxide", "1e999"),
    ("quality", "11"),
    ("quality", "good"),
    ("quality", ""),  # nobody has tasted it yet
    ("sulphates", None),  # the connection broke off
)


def simulated(window: Window, knobs: Mapping[str, float]) -> Iterator[Delivery]:
    """Each day is drawn by seed and day alone."""
    for day in window.days:
        chance = np.random.default_rng([int(knobs["seed"]), day.toordinal(), ACCIDENT])
        wines = map(",".join, lab.wines(day, knobs))
        yield delivery(day, some_broken(list(wines), HEADER, ACCIDENTS, chance, knobs["broken"]))


def public(folder: Path, window: Window) -> Iterator[Delivery]:
    """All published wines in one file, the red ones first: a record's number is its row in both files together.

    They arrive once, and every window that ends after that day makes sure that they are there.
    """
    if window.end <= PUBLISHED:
        return
    lines: list[str] = []
    for colour in COLOURS:
        header, *wines = (folder / f"winequality-{colour}.csv").read_text(encoding="ascii").splitlines()
        lines = lines or [f"colour;{header}"]
        lines += [f"{colour};{wine}" for wine in wines]
    yield Delivery(table=SAMPLES.name, day=PUBLISHED, name="winequality.csv", text="\n".join([*lines, ""]))


def delivery(day: date, lines: Sequence[str]) -> Delivery:
    text = "\n".join([",".join(HEADER), *lines, ""])
    return Delivery(table=SAMPLES.name, day=day, name="samples.csv", text=text)
