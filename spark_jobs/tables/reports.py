"""Gold tables made for people: from silver and live predictions, for every day either of them changed."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_jobs import use_cases
from spark_jobs.declare import BadDeclaration, Report, Window
from spark_jobs.files import Files
from spark_jobs.lakehouse import Commit, Table, within
from spark_jobs.tables.ledger import few
from spark_jobs.tables.live import live_sql
from spark_jobs.tables.silver import Silver
from spark_jobs.tracking import Tracking
from spark_jobs.work import Work

if TYPE_CHECKING:
    import pandas as pd

LOG = logging.getLogger(__name__)

Frames = Mapping[str, DataFrame]


@dataclass(frozen=True, kw_only=True)
class Written:
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    inputs: dict[str, int | None] = field(default_factory=dict)
    outputs: dict[str, int | None] = field(default_factory=dict)


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

    @property
    def asked(self) -> list[Window]:
        return [self.work.job.window, *([self.scored.window] if self.scored else [])]

    def late(self, table: Table) -> list[Window]:
        """Days whose facts came later."""
        changes = self.silver.changes(table.state().note, sure=self.work.job.window)
        return [window for days in changes.days.values() for window in days]

    def write(self, report: Report, table: Table) -> Commit:
        work = self.work
        days = few(window.widened(after=report.lookback) for window in (*self.asked, *self.late(table)))
        made = _function(work, report)(self._frames(days, report.lookback))
        if "day" not in made.columns:
            raise BadDeclaration(f"{work.use_case.name}/reports.py: {report.name} must give a column 'day'")
        rows = made.select("day", *(name for name in made.columns if name != "day")).where(within(days))
        return table.replace(rows, within(days), self.silver.made_from)

    def _frames(self, days: Sequence[Window], before: timedelta) -> Frames:
        """Of these days and some before, silver and live predictions; tables without time whole."""
        silver = self.silver.frames(days, before=before)
        if self.scored is None:
            return silver
        reach = within(few(window.widened(before=before) for window in days))
        predictions = f"(SELECT * FROM {self.work.lake.gold('predictions').sql_name} WHERE {reach})"
        return silver | {"predictions": self.work.spark.sql(live_sql(predictions, self.scored.key))}

    def newest_day(self) -> DataFrame:
        """The one that was scored last; where there is no model, the last one that a table has rows of."""
        if self.scored:
            return self.work.lake.gold("predictions").read().select(f.max("day").alias("day"))
        days = [self.silver.last_day(table.name) for table in self.work.use_case.tables if table.timed]
        newest = max(filter(None, days), default=None)
        return self.work.spark.createDataFrame([(newest,)], "day date")

    def export(self, book: Tracking, report: Report, whole: DataFrame) -> None:
        """The newest day as one file that people open, and as a table of the night's MLflow run.

        That day may have no rows: an empty list is right then, yesterday's is not.
        """
        work = self.work
        rows: pd.DataFrame = cast(Any, whole.join(self.newest_day(), "day").orderBy(*report.key).toPandas())
        export = Files(work.place.exports(work.use_case.name)).below(f"{report.name}.csv")
        export.write(rows.to_csv(index=False).encode())
        if work.job.run:
            book.show_table(work.job.run, rows, f"{report.name}.json")


def write_reports(work: Work, book: Tracking, scored: Scored | None = None) -> Written:
    """For the window, for the days just scored, and for days whose facts came later."""
    written = Written()
    if not work.use_case.reports:
        return written
    making = _Making(work=work, silver=Silver.of(work), scored=scored)
    written.inputs.update(making.silver.versions)
    for report in work.use_case.reports:
        name, table = f"gold/{report.name}", work.lake.gold(report.name)
        done = making.write(report, table)
        written.rows[name], written.outputs[name] = {"rows": done.rows}, done.version
        LOG.info("%s: %d rows", report.name, done.rows)
        if report.export:
            making.export(book, report, table.read(done.version))
    return written


def _function(work: Work, report: Report) -> Callable[[Frames], DataFrame]:
    module = use_cases.part(work.use_case.name, "reports")
    if not hasattr(module, report.name):
        raise BadDeclaration(f"{work.use_case.name}/reports.py: write a function {report.name}(frames) -> DataFrame")
    return cast(Callable[[Frames], DataFrame], getattr(module, report.name))
