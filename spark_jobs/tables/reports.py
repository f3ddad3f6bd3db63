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


def write_reports(work: Work, book: Tracking, scored: Window) -> Written:
    """For the window, for the days just scored, and for days whose facts came later."""
    written = Written()
    if not work.use_case.reports:
        return written
    silver = Silver.of(work)
    written.inputs.update(silver.versions)
    for report in work.use_case.reports:
        name, table = f"gold/{report.name}", work.lake.gold(report.name)
        late = [
            window for days in silver.changes(table.state().note, sure=work.job.window).days.values() for window in days
        ]
        days = few(window.widened(after=report.lookback) for window in (work.job.window, scored, *late))
        done = _write(work, report, table, silver, days)
        written.rows[name], written.outputs[name] = {"rows": done.rows}, done.version
        LOG.info("%s: %d rows", report.name, done.rows)
        if report.export:
            _export(work, book, report, table.read(done.version))
    return written


def _write(work: Work, report: Report, table: Table, silver: Silver, days: Sequence[Window]) -> Commit:
    made = _function(work, report)(_frames(work, silver, days, report.lookback))
    if "day" not in made.columns:
        raise BadDeclaration(f"{work.use_case.name}/reports.py: {report.name} must give a column 'day'")
    rows = made.select("day", *(name for name in made.columns if name != "day")).where(within(days))
    return table.replace(rows, within(days), silver.made_from)


def _function(work: Work, report: Report) -> Callable[[Frames], DataFrame]:
    module = use_cases.part(work.use_case.name, "reports")
    if not hasattr(module, report.name):
        raise BadDeclaration(f"{work.use_case.name}/reports.py: write a function {report.name}(frames) -> DataFrame")
    return cast(Callable[[Frames], DataFrame], getattr(module, report.name))


def _frames(work: Work, silver: Silver, days: Sequence[Window], before: timedelta) -> Frames:
    """Silver and live predictions of these days and some before; tables without time whole."""
    reach = within(few(window.widened(before=before) for window in days))
    predictions = f"(SELECT * FROM {work.lake.gold('predictions').sql_name} WHERE {reach})"
    live = work.spark.sql(live_sql(predictions, work.use_case.features.key))
    return silver.frames(days, before=before) | {"predictions": live}


def _export(work: Work, book: Tracking, report: Report, whole: DataFrame) -> None:
    """The newest day that was scored as one file that people open, and as a table of the night's MLflow run.

    That day may have no rows: an empty list is right then, yesterday's is not.
    """
    newest = work.lake.gold("predictions").read().select(f.max("day").alias("day"))
    rows: pd.DataFrame = cast(Any, whole.join(newest, "day").orderBy(*report.key).toPandas())
    export = Files(work.place.exports(work.use_case.name)).below(f"{report.name}.csv")
    export.write(rows.to_csv(index=False).encode())
    if work.job.run:
        book.show_table(work.job.run, rows, f"{report.name}.json")
