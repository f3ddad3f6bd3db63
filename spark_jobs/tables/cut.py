"""What is made anew of a table: whole days or, while a day goes on, those units of it that something came for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import functions as f

from spark_jobs.declare import RawTable, Window, merged
from spark_jobs.lakehouse import Lake, within
from spark_jobs.sql import text
from spark_jobs.tables.ledger import SCATTERED, few, loaded_since
from spark_jobs.tables.silver import Silver
from spark_jobs.work import Work

DAY = timedelta(days=1)
UNDATED = "at IS NULL"  # of bronze and quarantine: no time that can be believed


@dataclass(frozen=True, kw_only=True, order=True)
class Span:
    """[start, end) in UTC."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, windows: Iterable[Window]) -> "list[Span]":
        return [cls(start=window.starts_at, end=window.ends_at) for window in windows]

    @property
    def days(self) -> Window:
        """Those it has a part of."""
        return Window.of(self.start.date(), (self.end - timedelta(microseconds=1)).date())

    def widened(self, *, before: timedelta = timedelta(), after: timedelta = timedelta()) -> "Span":
        return Span(start=self.start - before, end=self.end + after)


@dataclass(frozen=True, kw_only=True)
class Cut:
    """By days, or by spans of event time."""

    days: Sequence[Window] = ()
    spans: Sequence[Span] | None = None
    files: Sequence[str] = ()  # with spans: whose records without a time go along
    later: Sequence[Span] = ()  # what came behind the watermark, and waits for the run that closes the day

    def rows(self, moment: str = "at") -> str:
        """An SQL condition over rows that have a day and, for spans, a moment."""
        return within(self.days) if self.spans is None else between(self.spans, moment)

    @property
    def records(self) -> str:
        """The same over bronze and quarantine."""
        if self.spans is None or not self.files:
            return self.rows()
        return f"{self.rows()} OR ({UNDATED} AND file IN ({', '.join(map(text, self.files))}))"

    @property
    def holds_any(self) -> bool:
        return bool(self.days or self.spans)

    @property
    def span_days(self) -> list[Window]:
        return [span.days for span in self.spans or ()]

    def widened(self, *, before: timedelta = timedelta(), after: timedelta = timedelta()) -> "Cut":
        """Spans further reaching; days are widened by whole days."""
        return replace(self, spans=_few(span.widened(before=before, after=after) for span in self.spans or ()))

    @property
    def note(self) -> dict[str, Any]:
        later = [[span.start.isoformat(), span.end.isoformat()] for span in self.later]
        return {"later": later} if later else {}


def between(spans: Iterable[Span], moment: str) -> str:
    """An SQL condition that holds within these spans, and never where there is none."""
    told = (f"({moment} >= {_literal(span.start)} AND {moment} < {_literal(span.end)})" for span in spans)
    return " OR ".join(told) or "FALSE"


def _literal(moment: datetime) -> str:
    return f"TIMESTAMP'{moment:%Y-%m-%d %H:%M:%S}Z'"


def waiting(note: Mapping[str, Any]) -> list[Span]:
    """What came behind the watermark, as a table's note says."""
    told = ((datetime.fromisoformat(moment) for moment in span) for span in note.get("later", []))
    return [Span(start=start, end=end) for start, end in told]


def often_cut(work: Work, table: RawTable, since: int, until: int, waits: Sequence[Span]) -> Cut | None:
    """Of a run over the day so far, the units that files loaded since touch. None: whole days are better."""
    often, now = table.often, work.job.until
    if often is None or now is None:
        return None
    files = [row.file for row in loaded_since(work.lake, table, since, until)]
    if len(files) > SCATTERED:
        return None
    came, horizon = _units(work.lake, table, files, until), now - often.watermark
    late = [*waits, *(span for span in came if span.end <= horizon)]
    spans = [span for span in came if span.end > horizon]
    if work.job.days_over:  # it closes a day
        return Cut(spans=_few([*spans, *late]), files=files)
    return Cut(spans=_few(spans), files=files, later=_few(late))


def follow(work: Work, silver: Silver, note: Mapping[str, Any]) -> Cut | None:
    """The same of all tables together, for one that is made from their silver."""
    since, until, waits = note.get("bronze", {}), silver.said("bronze"), waiting(note)
    cuts = []
    for table in silver.delivered:
        if table.timed:
            known = since.get(table.name)
            cuts.append(None if known is None else often_cut(work, table, known, until[table.name], waits))
    found = [cut for cut in cuts if cut]
    if not found or len(found) < len(cuts):
        return None
    return Cut(
        spans=_few(span for cut in found for span in cut.spans or ()), later=_few(s for cut in found for s in cut.later)
    )


def day_cut(windows: Iterable[Window], waits: Iterable[Span]) -> Cut:
    """Whole days, and those of what waits."""
    return Cut(days=few([*windows, *(span.days for span in waits)]))


def _units(lake: Lake, table: RawTable, files: Sequence[str], version: int) -> list[Span]:
    """Those that records of these files name."""
    unit = table.often.unit if table.often else DAY
    if not files:
        return []
    seconds = int(unit.total_seconds())
    records = lake.bronze(table.name).read(version).where(f.col("file").between(min(files), max(files)))
    dated = records.where(f.col("file").isin(files)).where(f"NOT ({UNDATED})")
    starts = dated.selectExpr(f"unix_seconds(at) div {seconds} * {seconds} AS start").distinct().collect()
    begins = (datetime.fromtimestamp(row.start, UTC) for row in starts)
    return [Span(start=start, end=start + unit) for start in begins]


def _few(spans: Iterable[Span]) -> list[Span]:
    joined = merged(spans)
    return joined if len(joined) <= SCATTERED else [replace(joined[0], end=joined[-1].end)]
