"""Runs over the day so far: when they come, which days they are about, and how they end where nothing new came."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pendulum
import pytest
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import DagRunInfo, DataInterval

from nightshift.pipeline import dag_of
from nightshift.plan import Form, Kind, Plan, Started, plan_of, why_not_now
from spark_jobs.declare import Window
from spark_jobs.use_cases import learning, load
from tests.contract.test_often import ALLOWED

Asked = Callable[[timedelta], Callable[[DataInterval | None, datetime], DataInterval]]
DEVICES = load("iot_devices")
DAY, TODAY = timedelta(days=1), date(2024, 3, 10)
MIDNIGHT = datetime.combine(TODAY, time(), UTC)


def at(clock: str, day: date = TODAY) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), UTC)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What Airflow's scheduler is told by the timetable it has stored, at any time."""

    def asked(every: timedelta) -> Callable[[DataInterval | None, datetime], DataInterval]:
        stored = DagSerialization.from_dict(DagSerialization.to_dict(dag_of(replace(DEVICES, every=every))))

        def after(last: DataInterval | None, now: datetime) -> DataInterval:
            monkeypatch.setattr("airflow.timetables.interval.utcnow", lambda: now)
            info = DagRunInfo.interval(start=last.start, end=last.end) if last else None
            found = stored.next_dagrun_info(last_automated_run_info=info)
            assert found and found.data_interval
            return found.data_interval

        return after

    return asked


def interval(start: datetime, length: timedelta = timedelta(minutes=10)) -> DataInterval:
    return DataInterval(start=pendulum.instance(start), end=pendulum.instance(start + length))


@pytest.mark.parametrize("every", ALLOWED, ids=str)
def test_intervals_have_the_declared_length_from_midnight_to_midnight(every: timedelta, asked: Asked) -> None:
    after, last = asked(every), None
    for number in range(DAY // every + 1):
        begins = MIDNIGHT + number * every
        last = after(last, begins + every + timedelta(seconds=1))
        assert last == interval(begins, every)


def test_of_those_that_a_run_held_up_the_newest_is_made(asked: Asked) -> None:
    """And the one, if any, that Airflow wrote down as the next when the slow one began."""
    after = asked(timedelta(minutes=10))
    slow, held, newest = (interval(at(start)) for start in ("10:10", "10:20", "10:50"))
    assert after(slow, at("10:20")) == held
    assert after(slow, at("11:05")) == after(held, at("11:05")) == newest


def started(start: str, until: datetime, run_type: str = "scheduled", undone_since: date | None = None) -> Started:
    return Started(
        run_key="iot_devices/1",
        run_type=run_type,
        by="scheduled",
        run_after=until.date(),
        interval=Window.of(at(start).date()),
        until=until,
        undone_since=undone_since,
    )


def plan(begun: Started, **form: Any) -> Plan:
    return plan_of(DEVICES, begun, Form.of(form), today=TODAY)


def test_a_run_is_over_its_day_as_far_as_its_interval_goes() -> None:
    made = plan(started("10:10", at("10:20")))
    assert (made.kind, made.window, made.until) == (Kind.FREQUENT, Window.of(TODAY), at("10:20"))
    assert (made.name, made.is_whole, made.done_until) == ("frequent 2024-03-10 until 10:20", False, TODAY)


def test_the_run_that_ends_at_midnight_closes_the_day_before_it() -> None:
    made = plan(started("23:50", MIDNIGHT + DAY))
    assert (made.window, made.until) == (Window.of(TODAY), MIDNIGHT + DAY)
    assert (made.name, made.is_whole, made.done_until) == ("frequent 2024-03-10 until 24:00", True, TODAY + DAY)


def test_days_that_no_run_closed_are_made_up_for_as_nights_are() -> None:
    made = plan(started("10:10", at("10:20"), undone_since=date(2024, 3, 7)))
    assert (made.window, made.until) == (Window.of(date(2024, 3, 7), TODAY), at("10:20"))
    long_off = plan(started("10:10", at("10:20"), undone_since=date(2023, 1, 1)))
    assert long_off.window.start == TODAY - DEVICES.most_missed


def test_whoever_does_not_say_how_often_runs_by_night_and_is_told_no_moment() -> None:
    made = plan_of(learning("bike_sharing"), started("02:00", at("02:00", TODAY + DAY)), Form(), today=TODAY)
    assert (made.kind, made.until, made.name) == (Kind.NIGHTLY, None, "nightly 2024-03-10")


def test_form_and_ranges_are_about_whole_days_that_are_over() -> None:
    begun = started("10:10", at("10:20"), run_type="manual")
    assert [plan(begun).window, plan(begun).until, plan(begun).kind] == [Window.of(TODAY - DAY), None, Kind.FORM]
    made = plan(begun, first_day="2024-03-01", last_day="2024-03-02")
    assert (made.kind, made.window, made.until) == (Kind.RANGE, Window.of(date(2024, 3, 1), date(2024, 3, 2)), None)


def test_of_a_back_fill_the_last_run_of_a_day_makes_it_whole_and_the_others_end() -> None:
    last, other = (started(*one, run_type="backfill") for one in (("23:50", MIDNIGHT + DAY), ("10:10", at("10:20"))))
    for begun in (last, other):
        assert (plan(begun).kind, plan(begun).window, plan(begun).until) == (Kind.BACKFILL, Window.of(TODAY), None)
    assert why_not_now(DEVICES, plan(last), last) == ""
    assert why_not_now(DEVICES, plan(other), other).startswith("a back-fill makes a day whole, in its run that ends at")
    for night in (replace(DEVICES, every=None), learning("bike_sharing")):
        assert why_not_now(night, plan(other), other) == ""
    assert why_not_now(DEVICES, plan(started("10:10", at("10:20"))), other) == ""


def test_the_page_and_the_form_say_how_often_it_runs() -> None:
    dag = dag_of(DEVICES)
    assert "By itself it runs **every 10 minutes**, over the day so far" in str(dag.doc_md)
    assert "For days gone by take the\nform with two days" in str(dag.doc_md)
    assert str(dag.params.get_param("first_day").description).endswith(
        "By itself it runs every 10 minutes, over today."
    )
    assert "By itself it runs" not in str(dag_of(learning("bike_sharing")).doc_md)
