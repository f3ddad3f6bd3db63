"""What the pictures of a report show: few enough rows to be read, counted by Spark."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from spark_jobs.declare import Bars, Hours, Picture, Report

LOG = logging.getLogger(__name__)

HOURS = range(24)
BARS, ROWS = 20, 50  # shown at most
LETTERS = 80  # of a text, at most: some come from outside, and are as long as somebody liked


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Of bars: name and length. Of a list: a text for each column."""

    picture: Picture
    report: Report
    rows: tuple[tuple[Any, ...], ...] = ()
    more: int = 0  # that are not shown
    failed: str = ""


def seen(report: Report, day: DataFrame) -> Iterator[Seen]:
    """One that cannot be made is a warning, and the page says so: it decides nothing, and the tables stand."""
    for picture in report.pictures:
        try:
            yield _seen(picture, report, day.where(picture.where))
        except Exception as error:  # noqa: BLE001 - whatever the engine raises, the others stay
            LOG.warning("no picture %r: %s: %s", picture.title, type(error).__name__, str(error)[:1000])
            yield Seen(picture=picture, report=report, failed=type(error).__name__)


def _seen(picture: Picture, report: Report, rows: DataFrame) -> Seen:
    if isinstance(picture, Hours):
        found = dict(map(tuple, rows.groupBy(f.hour(picture.at)).agg(_length(picture)).collect()))
        return Seen(picture=picture, report=report, rows=tuple((f"{one:02d}", found.get(one, 0.0)) for one in HOURS))
    if isinstance(picture, Bars):
        things = rows.groupBy(_text(picture.by, rows).alias("name")).agg(_length(picture))
        return _first(picture, report, things.orderBy(f.desc("length"), "name"), BARS)
    listed = rows.orderBy(*picture.columns).select(*(_text(name, rows) for name in picture.columns))
    return _first(picture, report, listed, ROWS)


def _first(picture: Picture, report: Report, rows: DataFrame, most: int) -> Seen:
    found = tuple(map(tuple, rows.limit(most + 1).collect()))
    more = rows.count() - most if len(found) > most else 0
    return Seen(picture=picture, report=report, rows=found[:most], more=more)


def _length(picture: Bars | Hours) -> Column:
    return f.expr(f"coalesce(CAST({picture.length} AS DOUBLE), 0)").alias("length")


def _text(name: str, rows: DataFrame) -> Column:
    """Written by Spark, whose clock is UTC; this process may have another. A time to the second."""
    is_time = dict(rows.dtypes)[name] == "timestamp"
    text = f.date_format(name, "yyyy-MM-dd HH:mm:ss") if is_time else f.col(name).cast("string")
    return f.substring(f.coalesce(text, f.lit("")), 1, LETTERS + 1).alias(name)
