"""Half-open stretches of whole days."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.declare import BadRequest, Window, common, days_of, merged

DAYS = st.dates(min_value=date(2024, 1, 1), max_value=date(2024, 3, 31))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_a_window_includes_its_first_and_its_last_day() -> None:
    window = Window.of(date(2024, 2, 28), date(2024, 3, 1))
    assert window.days == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert window.starts_at == datetime(2024, 2, 28, tzinfo=UTC)
    assert window.ends_at == datetime(2024, 3, 2, tzinfo=UTC)
    assert str(window) == "2024-02-28 to 2024-03-01"
    assert str(Window.of(date(2024, 2, 28))) == "2024-02-28"


def test_a_window_without_a_day_is_refused() -> None:
    with pytest.raises(BadRequest, match="that holds no day"):
        Window(start=date(2024, 1, 1), end=date(2024, 1, 1))


@pytest.mark.parametrize(("stretch", "days"), [(HOUR, 1), (DAY, 1), (25 * HOUR, 2), (timedelta(), 0)])
def test_a_begun_day_is_a_whole_one(stretch: timedelta, days: int) -> None:
    window = Window.of(date(2024, 2, 10))
    assert window.widened(before=stretch).start == date(2024, 2, 10 - days)
    assert window.widened(after=stretch).end == date(2024, 2, 11 + days)


def test_a_moved_window_is_as_long_as_before() -> None:
    assert Window.of(date(2024, 2, 28), date(2024, 2, 29)).moved(DAY) == Window.of(date(2024, 2, 29), date(2024, 3, 1))


@given(st.lists(DAYS))
@settings(deadline=None)
def test_days_become_the_fewest_windows_that_hold_them(days: list[date]) -> None:
    windows = days_of(days)
    assert [day for window in windows for day in window.days] == sorted(set(days))
    assert all(a.end < b.start for a, b in pairwise(windows))


WINDOWS = st.lists(st.tuples(DAYS, DAYS).map(lambda pair: Window.of(*sorted(pair))))


@given(WINDOWS)
@settings(deadline=None)
def test_merged_windows_hold_the_same_days_once(windows: list[Window]) -> None:
    assert merged(windows) == days_of(day for window in windows for day in window.days)


@given(WINDOWS, WINDOWS)
@settings(deadline=None)
def test_common_days_are_those_that_both_hold(one: list[Window], other: list[Window]) -> None:
    days = {day for window in one for day in window.days} & {day for window in other for day in window.days}
    assert common(one, other) == days_of(days)
