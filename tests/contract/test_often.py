"""How often a use case may run, and what such a run is told."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift import often
from spark_jobs.declare import BadDeclaration, BadRequest, Delivery, Job, Reads, Report, Stage, Window
from spark_jobs.use_cases import learning, load

DEVICES = load("iot_devices")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ALLOWED = [
    *(MINUTE * n for n in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)),
    *(HOUR * n for n in (1, 2, 3, 4, 6, 8, 12, 24)),
]


def test_a_clock_shows_the_length_between_two_runs() -> None:
    assert [every for every in (MINUTE * number for number in range(1, 3000)) if _taken(every)] == ALLOWED


def _taken(every: timedelta) -> bool:
    try:
        return replace(DEVICES, every=every).every == every
    except BadDeclaration:
        return False


@pytest.mark.parametrize("every", [timedelta(), -MINUTE, MINUTE / 2, MINUTE * 1.5, HOUR + MINUTE / 60])
def test_what_no_clock_shows_is_refused(every: timedelta) -> None:
    with pytest.raises(BadDeclaration, match=f"divides a day; got {every}"):
        replace(DEVICES, every=every)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"lookback": 15 * MINUTE}, "lookback and unit of by_hour are whole units, 0:10:00 each"),
        ({"unit": 15 * MINUTE}, "lookback and unit of by_hour are whole units, 0:10:00 each"),
        ({"unit": 7 * HOUR}, "the unit of by_hour is of its moment, and a day is made of them"),
        ({"unit": HOUR, "moment": ""}, "the unit of by_hour is of its moment, and a day is made of them"),
    ],
)
def test_a_report_is_made_of_whole_units(told: dict[str, Any], says: str) -> None:
    by_hour = Report(name="by_hour", key=("hour",), moment="hour", unit=HOUR, lookback=20 * MINUTE)
    assert replace(DEVICES, reports=(by_hour,)).reports[0].unit == HOUR
    with pytest.raises(BadDeclaration, match=says):
        replace(DEVICES, reports=(replace(by_hour, **told),))


def test_one_that_learns_runs_by_night() -> None:
    with pytest.raises(BadDeclaration, match="wine_score: a model is trained by night, so what learns has no `every`"):
        replace(learning("wine_score"), every=HOUR)


def test_one_that_reads_tables_of_another_waits_for_whole_days() -> None:
    with pytest.raises(
        BadDeclaration, match="every goes with tables of its own; those of wine_quality are read once a"
    ):
        replace(DEVICES, tables=(), reads=Reads(use_case="wine_quality", tables=("samples",)))


def test_how_often_it_runs_makes_nothing_anew() -> None:
    assert repr(DEVICES) == repr(replace(DEVICES, every=None)) == repr(replace(DEVICES, every=HOUR))


@pytest.mark.parametrize(
    ("every", "said"),
    [
        (MINUTE, "every minute"),
        (10 * MINUTE, "every 10 minutes"),
        (HOUR, "every hour"),
        (6 * HOUR, "every 6 hours"),
        (DAY, "every day"),
    ],
)
def test_people_read_how_often_in_words(every: timedelta, said: str) -> None:
    assert often.in_words(every) == said


def test_a_job_of_a_day_so_far_says_how_far_and_no_other_job_does() -> None:
    job = Job(stage=Stage.INGEST, use_case="doors", window=Window.of(date(2026, 11, 30)))
    usual = ["ingest", "doors", "--start=2026-11-30", "--end=2026-12-01"]
    assert job.argv() == usual
    until = datetime(2026, 11, 30, 12, 20, tzinfo=timezone(2 * HOUR))
    assert replace(job, until=until).argv() == [*usual, "--until=2026-11-30T10:20"]


@pytest.mark.parametrize(
    "until",
    [datetime(2026, 11, 30, 10, 20), datetime(2026, 11, 30, 10, 20, 1, tzinfo=UTC)],
)
def test_a_moment_is_a_minute_of_a_known_zone(until: datetime) -> None:
    with pytest.raises(BadRequest, match="until: is a whole minute of a known time zone, got 2026-11-30 10:20"):
        Job(stage=Stage.INGEST, use_case="doors", window=Window.of(date(2026, 11, 30)), until=until)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 40), st.integers(-2 * 1440, 43 * 1440))
def test_days_are_over_when_their_midnight_is(first: date, days: int, minutes: int) -> None:
    window = Window(start=first, end=first + days * DAY)
    until = window.starts_at + minutes * MINUTE
    over = [day for day in window.days if Window.of(day).ends_at <= until]
    assert [day for one in window.over(until) for day in one.days] == over
    assert window.over(None) == [window]


def test_a_file_is_made_when_it_is_asked_for() -> None:
    made: list[str] = []

    def make() -> str:
        made.append("once")
        return "text"

    delivery = Delivery(table="t", day=date(2024, 1, 1), name="a", make=make)
    assert made == []
    assert (delivery.content, made) == ("text", ["once"])
    assert Delivery(table="t", day=date(2024, 1, 1), name="a", text="other").content == "other"
