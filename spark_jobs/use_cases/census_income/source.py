"""Where people come from: a simulated census, or the published one."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from spark_jobs.declare import Accident, Delivery, Window, some_broken
from spark_jobs.use_cases.census_income.people import people
from spark_jobs.use_cases.census_income.use_case import PEOPLE

HEADER = PEOPLE.header
PUBLISHED = date(1996, 5, 1)  # the archive was given the file on this day; when each of them was asked is not known
ACCIDENT = 1  # draws accidents apart from people

# What goes wrong, one thing at a time.
ACCIDENTS: tuple[Accident, ...] = (
    ("age", "thirty-nine"),
    ("age", "1957"),  # the year of birth
    ("age", "12"),  # of no age to be asked
    ("workclass", "Retired"),
    ("fnlwgt", "0"),
    ("fnlwgt", "NaN"),
    ("education", "B.Sc."),
    ("education", "?"),  # unknown, where something must be known
    ("education-num", "1"),  # of another level than the education
    ("education-num", "17"),
    ("marital-status", "Married"),
    ("occupation", "prof-specialty"),
    ("relationship", "Wife, Husband"),  # two answers, so one field too many
    ("race", ""),
    ("sex", "M"),
    ("capital-gain", "2,174"),  # thousands set apart, so one field too many
    ("capital-loss", "-1902"),
    ("hours-per-week", "0"),
    ("hours-per-week", "37.5"),
    ("hours-per-week", "400"),
    ("native-country", "USA"),
    ("income", ">50K."),  # as another file of the archive writes it
    ("income", "52000"),
    ("income", ""),  # not told yet
    ("occupation", None),  # the connection broke off
)


def simulated(window: Window, knobs: Mapping[str, float]) -> Iterator[Delivery]:
    """Each day is drawn by seed and day alone."""
    for day in window.days:
        chance = np.random.default_rng([int(knobs["seed"]), day.toordinal(), ACCIDENT])
        told = map(",".join, people(day, knobs))
        yield delivery(day, "people.csv", some_broken(list(told), HEADER, ACCIDENTS, chance, knobs["broken"]))


def public(folder: Path, window: Window) -> Iterator[Delivery]:
    """All published people in one file, now with a header: a record's number is the row in the published file.

    They arrive once, and every window that ends after that day makes sure that they are there.
    """
    if window.end <= PUBLISHED:
        return
    lines = (folder / "adult.data").read_text(encoding="ascii").splitlines()
    yield delivery(PUBLISHED, "adult.csv", [line.replace(", ", ",") for line in lines if line.strip()])


def begun(line: str) -> str:
    """How a file to predict begins that has no header, as the published ones; a remark stands in its place in one."""
    header = ",".join(HEADER) + "\n"
    if line.startswith("|"):
        return header
    age, _, _ = line.partition(",")
    return header + line if age.strip().isdigit() else line


def delivery(day: date, name: str, lines: Sequence[str]) -> Delivery:
    text = "\n".join([",".join(HEADER), *lines, ""])
    return Delivery(table=PEOPLE.name, day=day, name=name, text=text)
