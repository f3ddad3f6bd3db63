"""Finds features that read what is not known yet: change all of that, and see what moves.

A value becomes known some time after its event, as its column declares; the event of the very moment is not known yet.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from spark_jobs.declare import Column as Raw
from spark_jobs.declare import Kind, RawTable, UseCase

Frames = Mapping[str, DataFrame]
Features = Callable[[Frames], DataFrame]
Edit = Callable[[DataFrame, RawTable, datetime], DataFrame]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is looked into, and what it gives while nothing is changed."""

    use_case: UseCase
    features: Features
    frames: Frames
    before: pd.DataFrame

    def moved(self, tables: Sequence[RawTable], edit: Edit, moment: datetime) -> list[str]:
        """Features of rows up to the moment; to the last bit: who does not read a value cannot round it differently."""
        edited = {table.name: edit(self.frames[table.name], table, moment) for table in tables}
        after = _rows(self.use_case, self.features({**self.frames, **edited}))
        was, became = (
            rows[rows["at"] <= moment.replace(tzinfo=None)].reset_index(drop=True) for rows in (self.before, after)
        )
        if len(was) != len(became):
            return ["which rows there are"]
        return [name for name in was.columns if not was[name].equals(became[name])]


def leaks(use_case: UseCase, features: Features, frames: Frames, moments: Sequence[datetime]) -> Iterator[str]:
    """Each a sentence: which features of rows up to a moment move with what is unknown at it."""
    asked = Asked(use_case=use_case, features=features, frames=frames, before=_rows(use_case, features(frames)))
    for moment in moments:
        for edit in (changed, removed):
            yield from _leaks(asked, edit, moment)


def _leaks(asked: Asked, edit: Edit, moment: datetime) -> Iterator[str]:
    """All tables at once first: where nothing moves there is nothing to tell apart."""
    timed = [table for table in asked.use_case.tables if table.timed]
    if not asked.moved(timed, edit, moment):
        return
    for table in timed:
        if moved := asked.moved([table], edit, moment):
            yield f"{', '.join(moved)} at {moment:%Y-%m-%d %H:%M} or before: {table.name} was {edit.__name__} later"


def changed(frame: DataFrame, table: RawTable, moment: datetime) -> DataFrame:
    """Every value that is not known yet becomes another one. What tells rows apart stays."""
    edited = {
        column.name: f.when(unknown(table, column.name, moment), _another(column)).otherwise(f.col(column.name))
        for column in table.columns
        if column.name not in table.key
    }
    return frame.withColumns({name: value.cast(frame.schema[name].dataType) for name, value in edited.items()})


def removed(frame: DataFrame, table: RawTable, moment: datetime) -> DataFrame:
    """Rows of which nothing is known yet are not there: that they will come is no knowledge either."""
    nothing = f.lit(True)
    for column in table.column_names:
        nothing = nothing & unknown(table, column, moment)
    return frame.where(~nothing)


def unknown(table: RawTable, column: str, moment: datetime) -> Column:
    delay = table.known_at(column)
    later = f.col("at") > f.lit(moment - delay)
    return later | (f.col("at") == f.lit(moment)) if delay >= timedelta() else later


def _another(column: Raw) -> Column:
    value = f.col(f"`{column.name}`")
    if column.codes:
        first, second = f.lit(column.codes[0]), f.lit(column.codes[-1])
        return f.when(value == first, second).otherwise(first)
    match column.kind:
        case Kind.TEXT:
            return f.concat(f.coalesce(value, f.lit("")), f.lit("?"))
        case Kind.DAY:
            return f.date_add(value, 1)
        case Kind.MOMENT:
            return value + f.expr("INTERVAL 1 HOUR")
        case _:
            return f.coalesce(value, f.lit(0)) * 3 + 7


def _rows(use_case: UseCase, frame: DataFrame) -> pd.DataFrame:
    found: pd.DataFrame = frame.toPandas()
    return found.sort_values(list(use_case.features.key), ignore_index=True)
