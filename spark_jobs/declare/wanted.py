"""What a version asks of the rows that somebody has: their columns, and how their text is checked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from spark_jobs.declare.table import RECORD, Column, Kind, RawTable
from spark_jobs.declare.use_case import UseCase

MANY = 10  # names that a line holds


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The table that the rows stand for. What is known only later of a row is not asked for, and not read."""

    table: RawTable
    later: tuple[str, ...] = ()  # columns of the table
    raw: bool  # else the columns are features

    @property
    def names(self) -> list[str]:
        """As a file calls the columns that are read."""
        return [
            head
            for head, name in zip(self.table.header, self.table.column_names, strict=True)
            if name not in self.later
        ]


def wanted(use_case: UseCase, features: Sequence[str]) -> Wanted:
    """Rows as they are delivered, where one row makes the features of one; else the features that a version reads."""
    if not use_case.of_one_row:
        return wanted_features(use_case, features)
    (table,) = use_case.tables
    later = tuple(name for name in table.column_names if table.known_at(name) >= timedelta())
    columns = (replace(column, required=column.required and column.name not in later) for column in table.columns)
    return Wanted(table=replace(table, columns=tuple(columns)), later=later, raw=True)


def wanted_features(use_case: UseCase, features: Sequence[str]) -> Wanted:
    words = use_case.features.categories
    columns = tuple(
        Column(name=name, kind=Kind.TEXT if name in words else Kind.NUMBER, required=False) for name in features
    )
    return Wanted(table=RawTable(name="features", columns=columns, key=RECORD, at_arrival=True), raw=False)


def named(names: Sequence[str]) -> str:
    """As many as one reads."""
    more = len(names) - MANY
    return ", ".join(names[:MANY]) + (f" and {more} more" if more > 0 else "")
