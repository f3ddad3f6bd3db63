"""Half-open stretches of whole days, UTC."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Protocol, TypeVar, cast

from spark_jobs.declare.errors import BadRequest

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, order=True)
class Window:
    """[start 00:00, end 00:00) in UTC: `end` is the first day that is not in it."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise BadRequest("window", f"starts on {self.start} and ends before {self.end}: that holds no day")

    @classmethod
    def of(cls, first: date, last: date | None = None) -> "Window":
        """From the first to the last day, both included."""
        return cls(start=first, end=(last or first) + DAY)

    @property
    def days(self) -> list[date]:
        return [self.start + DAY * n for n in range((self.end - self.start).days)]

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.start, time(), UTC)

    @property
    def ends_at(self) -> datetime:
        return datetime.combine(self.end, time(), UTC)

    def over(self, until: datetime | None) -> list["Window"]:
        """Its days that are over at a moment, as far as anybody asks; none, or one stretch."""
        end = self.end if until is None else min(self.end, until.astimezone(UTC).date())
        return [Window(start=self.start, end=end)] if end > self.start else []

    def moved(self, by: timedelta) -> "Window":
        """The same stretch elsewhere, in whole days."""
        return Window(start=self.start + DAY * by.days, end=self.end + DAY * by.days)

    def widened(self, *, before: timedelta = DAY * 0, after: timedelta = DAY * 0) -> "Window":
        """Every day that a stretch of time reaches, a begun day being a whole one."""
        return Window(start=self.start - DAY * -(-before // DAY), end=self.end + DAY * -(-after // DAY))

    def __str__(self) -> str:
        last = self.end - DAY
        return str(self.start) if last == self.start else f"{self.start} to {last}"


class Stretch(Protocol):
    """From a start to an end that is not in it, of days or of moments."""

    @property
    def start(self) -> Any: ...
    @property
    def end(self) -> Any: ...


S = TypeVar("S", bound=Stretch)


def merged(stretches: Iterable[S]) -> list[S]:
    """The same days, or moments, as the fewest stretches, in order."""
    joined: list[S] = []
    for one in sorted(stretches, key=lambda one: (one.start, one.end)):
        if joined and one.start <= joined[-1].end:
            joined[-1] = replace(cast(Any, joined[-1]), end=max(joined[-1].end, one.end))
        else:
            joined.append(one)
    return joined


def common(one: Iterable[Window], other: Iterable[Window]) -> list[Window]:
    """The days that both hold."""
    others = merged(other)
    starts_and_ends = ((max(a.start, b.start), min(a.end, b.end)) for a in merged(one) for b in others)
    return [Window(start=start, end=end) for start, end in starts_and_ends if start < end]


def days_of(days: Iterable[date]) -> list[Window]:
    """Windows that hold exactly these days."""
    ordered = sorted(set(days))
    breaks = [0, *(i for i, (a, b) in enumerate(pairwise(ordered), 1) if b - a > DAY), len(ordered)]
    return [Window.of(ordered[a], ordered[b - 1]) for a, b in pairwise(breaks) if a < b]
