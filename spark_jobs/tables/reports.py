"""Gold tables made for people: from silver and live predictions, for every day either of them changed."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_jobs import use_cases
from spark_jobs.declare import BadDeclaration, Report, Window
from spark_jobs.files import Files
from spark_jobs.lakehouse import Commit, State, Table, within
from spark_jobs.tables.cut import Cut, follow
from spark_jobs.tables.ledger import few
from spark_jobs.tables.live import live_sql
from spark_jobs.tables.page import page
from spark_jobs.tables.pictures import seen
from spark_jobs.tables.silver import Silver
from spark_jobs.tables.span import note_of, waiting
from spark_jobs.tables.standing import code_of_reports
from spark_jobs.tracking import Tracking
from spark_jobs.work import Work

if TYPE_CHECKING:
    import pandas as pd

LOG = logging.getLogger(__name__)

Frames = Mapping[str, DataFrame]
PAGE = "report.html"


@dataclass(frozen=True, kw_only=True)
class Written:
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    inputs: dict[str, int | None] = field(default_factory=dict)
    outputs: dict[str, int | None] = field(default_factory=dict)
    page: dict[str, str] = field(default_factory=dict)  # its name in the run, where there is one


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What reports are made of too, where there is a model."""

    key: tuple[str, ...]
    window: Window  # just scored


@dataclass(frozen=True, kw_only=True)
class _Making:
    work: Work
    silver: Silver
    scored: Scored | None
    made: dict[str, State] = field(default_factory=dict)  # reports, as they stand now
    cuts: dict[str, Cut | None] = field(default_factory=dict)  # for reports that saw the same last

    def write(self, report: Report, table: Table) -> Commit:
        work, note = self.work, table.state().note
        if note.get("code") != self.code:
            note = {}  # everything is to be made again
        cut = self._followed(report, note) or self._days(report, note)
        made = _function(work, report)(self._frames(report, cut)) if cut.holds_any else table.read().limit(0)
        if "day" not in made.columns:
            raise BadDeclaration(f"{work.use_case.name}/reports.py: {report.name} must give a column 'day'")
        where = cut.rows(report.moment)
        rows = made.select("day", *(name for name in made.columns if name != "day")).where(where)
        note = self._note(report, cut)
        done = table.replace(rows, where, note)
        self.made[report.name] = State(version=done.version, note=note)
        return done

    @cached_property
    def code(self) -> str:
        return code_of_reports(self.work, self.silver)

    def _note(self, report: Report, cut: Cut) -> dict[str, Any]:
        """What silver still waits with, or a report that is read, this one waits with too."""
        read = (span for name in report.reads for span in waiting(self.made[name].note))
        return self.silver.made_from | {"code": self.code} | note_of([*cut.later, *self.silver.later, *read])

    def _days(self, report: Report, note: Mapping[str, Any]) -> Cut:
        """Those asked for and scored, and those whose facts came later."""
        changes = self.silver.changes(note, sure=self.work.job.window)
        late = [window for days in changes.days.values() for window in days]
        scored = [self.scored.window] if self.scored else []
        days = (window.widened(after=report.lookback) for window in (self.work.job.window, *scored, *late))
        return Cut(days=few(days))

    def _followed(self, report: Report, note: Mapping[str, Any]) -> Cut | None:
        """While a day goes on, what the units touch that something came for."""
        cut = None if self.silver.all_changed(note) else self._since(note)
        if cut is None or report.moment:
            return cut and cut.widened(after=report.lookback).rounded(report.unit)
        return replace(cut, spans=None, days=few(day.widened(after=report.lookback) for day in cut.span_days))

    def _since(self, note: Mapping[str, Any]) -> Cut | None:
        """Asked of bronze once."""
        seen = repr([note.get(word) for word in ("bronze", "later")])
        if seen not in self.cuts:
            self.cuts[seen] = follow(self.work, self.silver, note)
        return self.cuts[seen]

    def _frames(self, report: Report, cut: Cut) -> Frames:
        """Of what is cut and some before: silver and live predictions, or reports; tables without time whole."""
        before = report.lookback
        reach = within(few(day.widened(before=before) for day in cut.days or cut.span_days))
        if report.reads:
            return {name: self.work.lake.gold(name).read(self.made[name].version).where(reach) for name in report.reads}
        if cut.spans is not None:
            return self.silver.rows(cut.widened(before=before).rows())
        silver = self.silver.frames(cut.days, before=before)
        if self.scored is None:
            return silver
        predictions = f"(SELECT * FROM {self.work.lake.gold('predictions').sql_name} WHERE {reach})"
        return silver | {"predictions": self.work.spark.sql(live_sql(predictions, self.scored.key))}

    @cached_property
    def newest_day(self) -> date | None:
        """The one that was scored last; where there is no model, the last one that a table has rows of."""
        if self.scored:
            day: date | None = self.work.lake.gold("predictions").read().agg(f.max("day")).collect()[0][0]
            return day
        days = [self.silver.last_day(table.name) for table in self.work.use_case.tables if table.timed]
        return max(filter(None, days), default=None)

    @property
    def of_the_newest_day(self) -> str:
        return f"day = DATE'{self.newest_day}'" if self.newest_day else "false"

    def export(self, book: Tracking, report: Report, whole: DataFrame) -> None:
        """The newest day as one file that people open, and as a table of the night's MLflow run.

        That day may have no rows: an empty list is right then, yesterday's is not.
        """
        work = self.work
        rows: pd.DataFrame = cast(Any, whole.where(self.of_the_newest_day).orderBy(*report.key).toPandas())
        export = Files(work.place.exports(work.use_case.name)).below(f"{report.name}.csv")
        export.write(rows.to_csv(index=False).encode())
        if work.job.run:
            book.show_table(work.job.run, rows, f"{report.name}.json")

    def show(self, book: Tracking, made: Sequence[tuple[Report, DataFrame]]) -> dict[str, str]:
        """The newest day in pictures: one page beside the files, and on the night's MLflow run."""
        work = self.work
        pictures = [one for report, whole in made for one in seen(report, whole.where(self.of_the_newest_day))]
        text = page(work.use_case, self.newest_day, work.place.source, pictures)
        file = Files(work.place.exports(work.use_case.name)).below(PAGE)
        file.write(text.encode())
        LOG.info("in pictures: %s", file.address)
        if not work.job.run:
            return {}
        book.client.log_text(work.job.run, text, PAGE)
        return {"page": PAGE}


def write_reports(work: Work, book: Tracking, scored: Scored | None = None) -> Written:
    """For the window, for the days just scored, and for days whose facts came later."""
    written = Written()
    if not work.use_case.reports:
        return written
    making = _Making(work=work, silver=Silver.of(work), scored=scored)
    written.inputs.update(making.silver.versions)
    pictured: list[tuple[Report, DataFrame]] = []
    for report in work.use_case.reports:
        name, table = f"gold/{report.name}", work.lake.gold(report.name)
        done = making.write(report, table)
        written.rows[name], written.outputs[name] = {"rows": done.rows}, done.version
        LOG.info("%s: %d rows", report.name, done.rows)
        if report.export:
            making.export(book, report, table.read(done.version))
        if report.pictures:
            pictured.append((report, table.read(done.version)))
    if pictured:
        written.page.update(making.show(book, pictured))
    return written


def _function(work: Work, report: Report) -> Callable[[Frames], DataFrame]:
    module = use_cases.part(work.use_case.name, "reports")
    if not hasattr(module, report.name):
        raise BadDeclaration(f"{work.use_case.name}/reports.py: write a function {report.name}(frames) -> DataFrame")
    return cast(Callable[[Frames], DataFrame], getattr(module, report.name))
