"""Where the nights left off, told from the Dag runs before this one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from nightshift.beginnings import first_day_undone

DAY = timedelta(days=1)
TODAY = date(2024, 3, 10)


@dataclass(frozen=True, kw_only=True)
class Former:
    """A Dag run before this one, by its first task."""

    day: int  # of March 2024, or before it
    kind: str = "nightly"
    state: str = "success"
    first: int | None = None  # of the days it covered
    by: str = "scheduled"
    planned: bool = True
    until: str = ""  # of a day so far
    minute: int = 120  # of its day, where its interval begins

    @property
    def date(self) -> date:
        return date(2024, 3, 1) + DAY * (self.day - 1)

    @property
    def logical_date(self) -> datetime:
        return datetime.combine(self.date, datetime.min.time(), UTC) + timedelta(minutes=self.minute)

    @property
    def run_id(self) -> str:
        return f"{self.by}__{self.logical_date.isoformat()}"

    @property
    def plan(self) -> dict[str, Any]:
        first = self.date if self.first is None else self.date - DAY * (self.day - self.first)
        window = {"start": str(first), "end": str(self.date + DAY)}
        usual = {"retrain": "if due", "may_promote": True, "version": "", "reason": "", "run_key": "", "by": ""}
        return {"kind": self.kind, "window": window, "until": self.until or None, **usual}


@dataclass(frozen=True)
class Task:
    """Answers as a running task of the night of 9 March does; newest run first."""

    formers: Sequence[Former]
    dag_id: str = "bikes"

    def get_previous_ti(self, logical_date: datetime | None) -> Former | None:
        before = logical_date or datetime(2024, 3, 9, 2, tzinfo=UTC)
        return next((former for former in self.formers if former.logical_date < before), None)

    def xcom_pull(self, task_ids: str, run_id: str) -> dict[str, Any] | None:
        assert task_ids == "check"
        former = self._named(run_id)
        return former.plan if former.planned else None

    def get_dagrun_state(self, dag_id: str, run_id: str) -> str:
        assert dag_id == self.dag_id
        return self._named(run_id).state

    def _named(self, run_id: str) -> Former:
        return next(former for former in self.formers if former.run_id == run_id)


def undone(*formers: Former) -> date | None:
    return first_day_undone({"ti": Task(formers)}, TODAY - 60 * DAY)  # type: ignore[typeddict-item]  # a fake task


@pytest.mark.parametrize(
    ("formers", "day"),
    [
        pytest.param([], None, id="the first night of all has nothing before it"),
        pytest.param([Former(day=8)], 9, id="the night before was good"),
        pytest.param([Former(day=5, first=2)], 6, id="three nights were missed"),
        pytest.param([Former(day=8, state="failed"), Former(day=7)], 8, id="the night before failed"),
        pytest.param([Former(day=8, state="failed", first=6), Former(day=5)], 6, id="it failed making up for others"),
        pytest.param([Former(day=8, planned=False, state="failed"), Former(day=7)], 8, id="it failed without a plan"),
        pytest.param([Former(day=8, state="failed"), Former(day=7, state="failed")], 7, id="no night was ever good"),
        pytest.param(
            [Former(day=8, by="manual", kind="range"), Former(day=7, state="failed"), Former(day=6)],
            7,
            id="a good run of the form is no night",
        ),
        pytest.param(
            [Former(day=8, by="backfill", kind="backfill"), Former(day=6)], 7, id="a good back-fill is no night"
        ),
        pytest.param(
            [Former(day=8, kind="backfill"), Former(day=7, state="failed"), Former(day=6)],
            7,
            id="a back-fill took over a night and did its day only",
        ),
        pytest.param(
            [Former(day=9, kind="frequent", until="2024-03-09T01:00:00+00:00", minute=50)], 9, id="today so far is good"
        ),
        pytest.param(
            [Former(day=8, kind="frequent", until="2024-03-09T00:00:00+00:00", minute=1430)], 9, id="yesterday is over"
        ),
        pytest.param(
            [Former(day=8, kind="frequent", until="2024-03-08T23:50:00+00:00", minute=1420)],
            8,
            id="of yesterday the end is missing",
        ),
        pytest.param(
            [
                *(Former(day=8, kind="frequent", state="failed", minute=minute) for minute in range(1430, 0, -10)),
                Former(day=7, kind="frequent", until="2024-03-07T23:50:00+00:00", minute=1420),
            ],
            7,
            id="a day of failures, and the end of the one before is missing",
        ),
        pytest.param([Former(day=-100)], -99, id="long before all that one night can make up for"),
    ],
)
def test_a_night_begins_where_the_last_good_one_ended(formers: list[Former], day: int | None) -> None:
    assert undone(*formers) == (None if day is None else date(2024, 3, 1) + DAY * (day - 1))


def test_looking_back_ends_where_it_can_change_nothing() -> None:
    asked: list[datetime | None] = []

    class Counting(Task):
        def get_previous_ti(self, logical_date: datetime | None) -> Former | None:
            asked.append(logical_date)
            return super().get_previous_ti(logical_date)

    many = [Former(day=-day, by="backfill", kind="backfill") for day in range(2000)]
    assert first_day_undone({"ti": Counting(many)}, TODAY - 60 * DAY) is None  # type: ignore[typeddict-item]  # a fake
    assert len(asked) < 70


def test_of_a_day_of_failures_one_is_looked_at() -> None:
    asked: list[datetime | None] = []

    class Counting(Task):
        def get_previous_ti(self, logical_date: datetime | None) -> Former | None:
            asked.append(logical_date)
            return super().get_previous_ti(logical_date)

    days = [
        Former(day=day, kind="frequent", state="failed", minute=minute)
        for day in range(8, -31, -1)
        for minute in range(1430, -10, -10)
    ]
    assert first_day_undone({"ti": Counting(days)}, TODAY - 60 * DAY) == date(2024, 1, 30)  # type: ignore[typeddict-item]  # a fake
    assert len(asked) == 40
