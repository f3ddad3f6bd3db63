"""What is made anew of a table: whole days or, while a day goes on, those units of it that something came for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import functions as f

from spark_jobs.declare import RawTable, Window
from spark_jobs.lakehouse import Lake, within
from spark_jobs.sql import text
from spark_jobs.tables.ledger import SCATTERED, few, loaded_since
from spark_jobs.tables.silver import Silver
from spark_jobs.tables.span import Span, between, few_spans, waiting
from spark_jobs.work import Work

DAY = timedelta(days=1)
UNDATED = "at IS NULL"  # of bronze and quarantine: no time that can be believed


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
        return replace(self, spans=few_spans(span.widened(before=before, after=after) for span in self.spans or ()))

    def rounded(self, unit: timedelta) -> "Cut":
        return replace(self, spans=few_spans(span.rounded(unit) for span in self.spans or ())) if unit else self


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
        return Cut(spans=few_spans([*spans, *late]), files=files)
    return Cut(spans=few_spans(spans), files=files, later=late)


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
        spans=few_spans(span for cut in found for span in cut.spans or ()),
        later=[span for cut in found for span in cut.later],
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
