"""Stretches of event time, smaller than days."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from spark_jobs.declare import Window, merged
from spark_jobs.tables.ledger import SCATTERED

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, order=True)
class Span:
    """[start, end) in UTC."""

    start: datetime
    end: datetime

    @property
    def days(self) -> Window:
        """Those it has a part of."""
        return Window.of(self.start.date(), (self.end - timedelta(microseconds=1)).date())

    def widened(self, *, before: timedelta = timedelta(), after: timedelta = timedelta()) -> "Span":
        return Span(start=self.start - before, end=self.end + after)

    def rounded(self, unit: timedelta) -> "Span":
        """To whole units, of which a day is made."""
        return Span(start=self.start - (self.start - EPOCH) % unit, end=self.end + (EPOCH - self.end) % unit)


def between(spans: Iterable[Span], moment: str) -> str:
    """An SQL condition that holds within these spans, and never where there is none."""
    told = (f"({moment} >= {_literal(span.start)} AND {moment} < {_literal(span.end)})" for span in spans)
    return " OR ".join(told) or "FALSE"


def _literal(moment: datetime) -> str:
    return f"TIMESTAMP'{moment:%Y-%m-%d %H:%M:%S}Z'"


def note_of(later: Iterable[Span]) -> dict[str, Any]:
    """What came behind the watermark, for a table's note."""
    told = [[span.start.isoformat(), span.end.isoformat()] for span in few_spans(later)]
    return {"later": told} if told else {}


def waiting(note: Mapping[str, Any]) -> list[Span]:
    """What came behind the watermark, as a table's note says."""
    told = ((datetime.fromisoformat(moment) for moment in span) for span in note.get("later", []))
    return [Span(start=start, end=end) for start, end in told]


def few_spans(spans: Iterable[Span]) -> list[Span]:
    joined = merged(spans)
    return joined if len(joined) <= SCATTERED else [replace(joined[0], end=joined[-1].end)]
