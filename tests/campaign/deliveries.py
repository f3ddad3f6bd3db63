"""Raw files as nobody should send them, each about a day of its own, so that one run can take them all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from spark_jobs import use_cases
from tests.campaign.installation import FIRST

USE_CASE = use_cases.learning("bike_sharing")
COLUMNS = USE_CASE.table("rides").column_names
HEADER = ",".join(COLUMNS)
DAY = timedelta(days=1)
LONG_AGO = date(2022, 3, 1)  # before everything else there is


def line(day: date, hour: int, **other: str) -> str:
    """A good record of 25 rentals, but for what is said otherwise."""
    values = {
        "instant": str(hour + 1),
        "dteday": str(day),
        "season": "1",
        "yr": str(day.year - 2011),
        "mnth": str(day.month),
        "hr": str(hour),
        "holiday": "0",
        "weekday": str(day.isoweekday() % 7),
        "workingday": "1",
        "weathersit": "1",
        **{"temp": "0.3", "atemp": "0.3", "hum": "0.5", "windspeed": "0.1"},
        **{"casual": "5", "registered": "20", "cnt": "25"},
    }
    return ",".join((values | other)[name] for name in COLUMNS)


def file(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


@dataclass(frozen=True, kw_only=True)
class Bad:
    """Files by name, all of one arrival day, and what has to become of their records."""

    day: date
    files: Mapping[str, bytes]
    kept: Mapping[int, tuple[str, int]] = field(default_factory=dict)  # hour of `about` -> file and rentals
    refused: Mapping[tuple[str, int], str] = field(default_factory=dict)  # file and record -> the first reason
    about: date | None = None  # the day the records describe, if another
    superseded: int = 0

    @property
    def describes(self) -> date:
        return self.about or self.day


def _whole(day: date, content: bytes, reason: str) -> Bad:
    return Bad(day=day, files={"a.csv": content}, refused={("a.csv", 0): reason})


def _second_of_three(day: date, second: bytes | str, reason: str) -> Bad:
    """Between two good records."""
    middle = second.encode() if isinstance(second, str) else second
    content = file(line(day, 0)) + middle + b"\n" + line(day, 2).encode() + b"\n"
    kept = dict.fromkeys((0, 2), ("a.csv", 25))
    return Bad(day=day, files={"a.csv": content}, kept=kept, refused={("a.csv", 2): reason})


def _value(day: date, reason: str, **other: str) -> Bad:
    return _second_of_three(day, line(day, 1, **other), reason)


def _cut_in_half(day: date) -> Bad:
    whole = file(*(line(day, hour) for hour in range(4)))
    half = whole[: whole.index(line(day, 2).encode()) + len(line(day, 2)) // 2]
    reason = f"has {half.splitlines()[-1].count(b',') + 1} fields where the header has 17"
    kept = dict.fromkeys((0, 1), ("a.csv", 25))
    return Bad(day=day, files={"a.csv": half}, kept=kept, refused={("a.csv", 3): reason})


def _same_file_twice(day: date) -> Bad:
    content = file(*(line(day, hour) for hour in range(3)))
    kept = dict.fromkeys(range(3), ("b.csv", 25))
    return Bad(day=day, files={"a.csv": content, "b.csv": content}, kept=kept, superseded=3)


def _two_files_for_one_hour(day: date) -> Bad:
    older = file(line(day, 0), line(day, 1))
    newer = file(line(day, 1, casual="20", cnt="40"), line(day, 2))
    kept = {0: ("a.csv", 25), 1: ("b.csv", 40), 2: ("b.csv", 25)}
    return Bad(day=day, files={"b.csv": newer, "a.csv": older}, kept=kept, superseded=1)


def _for_another_day(day: date) -> Bad:
    """Of the day before, which is late; and of tomorrow, which nobody can have seen."""
    content = file(line(day - DAY, 7), line(day + DAY, 8))
    reason = "describes a day after the one it arrived on"
    kept = {7: ("a.csv", 25)}
    return Bad(day=day, about=day - DAY, files={"a.csv": content}, kept=kept, refused={("a.csv", 2): reason})


BAD = {
    "empty": _whole(LONG_AGO, b"", "the file is empty or begins with an empty line instead of a header"),
    "cut in half": _cut_in_half(LONG_AGO + 2 * DAY),
    "in another encoding": _whole(
        LONG_AGO + 4 * DAY,
        file(line(LONG_AGO, 0)).decode().encode("utf-16"),
        "the file is UTF-16, and only UTF-8 is read",
    ),
    "with a text of another encoding": _second_of_three(
        LONG_AGO + 6 * DAY, line(LONG_AGO, 1, season="été").encode("latin-1"), "is not UTF-8"
    ),
    "with a missing column": _whole(
        LONG_AGO + 8 * DAY, file("1", header=HEADER.removesuffix(",cnt")), "the header lacks cnt"
    ),
    "with a renamed column": _whole(
        LONG_AGO + 10 * DAY,
        file(line(LONG_AGO, 0), header=HEADER.removesuffix("cnt") + "count"),
        "the header lacks cnt and has count, which the use case does not declare",
    ),
    "with an extra column": _whole(
        LONG_AGO + 12 * DAY,
        file(line(LONG_AGO, 0) + ",1", header=HEADER + ",extra"),
        "the header has extra, which the use case does not declare",
    ),
    "with a doubled column": _whole(
        LONG_AGO + 14 * DAY,
        file(line(LONG_AGO, 0) + ",0.5", header=HEADER + ",hum"),
        "the header names hum more than once",
    ),
    "with text in a number": _value(LONG_AGO + 16 * DAY, "temp is not a number", temp="warm"),
    "with NaN": _value(LONG_AGO + 18 * DAY, "hum is not a finite number", hum="NaN"),
    "with infinity": _value(LONG_AGO + 20 * DAY, "windspeed is not a finite number", windspeed="-Infinity"),
    "with a date that is none": _value(LONG_AGO + 22 * DAY, "dteday is not a day like 2024-01-31", dteday="2022-02-30"),
    "with a negative count": _value(LONG_AGO + 24 * DAY, "casual is below 0", casual="-3"),
    "with a field of a million characters": _value(
        LONG_AGO + 26 * DAY, "is longer than 65536 bytes, or has a quote that is never closed", season="1" * 1_000_000
    ),
    "with a NUL byte": _value(LONG_AGO + 28 * DAY, "holds a NUL byte", season="1\0"),
    "with a quoted line break": _value(LONG_AGO + 30 * DAY, "season is not a whole number", season='"1\n1"'),
    "twice": _same_file_twice(LONG_AGO + 32 * DAY),
    "beside another for the same hour": _two_files_for_one_hour(LONG_AGO + 34 * DAY),
    "for another day": _for_another_day(LONG_AGO + 37 * DAY),
}

# It comes days later, corrects an hour of the first range, and changes features of the days after it.
LATE_DAY = FIRST + 4 * DAY
LATE = Bad(
    day=FIRST + 9 * DAY,
    about=LATE_DAY,
    files={"late.csv": file(line(LATE_DAY, 12, casual="980", cnt="1000"))},
    kept={12: ("late.csv", 1000)},
    superseded=1,
)
