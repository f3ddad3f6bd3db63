"""A use case that ends in tables, as one value: what every use case has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import ClassVar, Self

from spark_jobs.declare.errors import BadDeclaration
from spark_jobs.declare.job import Stage
from spark_jobs.declare.pictures import Picture
from spark_jobs.declare.table import RawTable

NAME = re.compile(r"[a-z][a-z0-9_]{1,49}")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Report:
    """A gold table made for people from silver and predictions, by the function of its name in reports.py."""

    name: str
    key: tuple[str, ...]
    export: bool = False  # its newest day also as a CSV file in the export folder and a table of the MLflow run
    lookback: timedelta = timedelta()  # how far before a day its rows read
    # The column of its rows that says when: while a day goes on, only units that something came for are made anew.
    # Without one, whole days are. `unit` is what its moments are rounded to, where that is longer than a table's unit.
    moment: str = field(default="", repr=False)
    unit: timedelta = field(default=timedelta(), repr=False)
    reads: tuple[str, ...] = field(default=(), repr=False)  # reports before this one, instead of silver
    # Of its newest day, on the page that people open. No model depends on them.
    pictures: tuple[Picture, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Where the public data of a use case come from, and how to know they are the right ones."""

    url: str
    files: Mapping[str, str]  # name -> sha256, "" where the published bytes are not pinned
    licence: str
    remark: str = ""  # what to know of a model made from them; stands on the Dag's page


@dataclass(frozen=True, kw_only=True)
class Reads:
    """Raw tables of another use case: read in its lake, never brought in twice."""

    use_case: str
    tables: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.tables or len(set(self.tables)) != len(self.tables):
            raise BadDeclaration(f"reads: name tables of {self.use_case}, each once, got {self.tables}")


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Raw tables, what is good of them, and the reports that are made of that. It learns nothing."""

    stages: ClassVar[tuple[Stage, ...]] = (Stage.INGEST, Stage.REFINE, Stage.REPORT)

    name: str
    summary: str
    grain: str
    tables: tuple[RawTable, ...] = ()  # its own; those of another are found by `reads`
    reports: tuple[Report, ...] = ()
    reads: Reads | None = None
    publication: Publication | None = None
    simulation: Mapping[str, float] = field(default_factory=dict)  # the simulator's knobs, with their defaults
    longest: timedelta = timedelta(days=1100)  # the most days one run may ask for
    most_missed: timedelta = timedelta(days=31)  # the most missed nights one night makes up for
    every: timedelta | None = field(default=None, repr=False)  # runs over the day so far; None: by night

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise BadDeclaration(f"use case {self.name!r}: a name is lower-case letters, digits and _, from 2 to 50")
        if self.every is not None:
            self._refuse_times(self.every)
        if self.reads is None or self.tables:
            self._refuse_tables()
        for place, report in enumerate(self.reports):
            before = [one.name for one in self.reports[:place]]
            if unknown := sorted({*report.reads} - {*before}):
                raise BadDeclaration(
                    f"{self.name}: {report.name} reads {', '.join(unknown)}, and only reports before it can be read: "
                    f"{', '.join(before) or 'there is none'}"
                )
            self._refuse_parts_of_units(report)

    @property
    def source(self) -> str:
        """The use case that brings in the raw tables."""
        return self.reads.use_case if self.reads else self.name

    def on(self, owner: "Tables") -> Self:
        """With the tables it reads, as the use case that brings them in declares them."""
        if self.reads is None or self.tables or owner.reads is not None:
            raise BadDeclaration(f"{self.name}: it reads tables of {owner.name} and has none itself, or the reverse")
        held = {table.name: table for table in owner.tables}
        if gone := [name for name in self.reads.tables if name not in held]:
            raise BadDeclaration(
                f"{self.name} reads {', '.join(gone)} of {owner.name}, which declares {', '.join(held)}: put it back "
                f"in {owner.name}/use_case.py, or take it out of {self.name}/use_case.py"
            )
        tables = tuple(held[name] for name in self.reads.tables)
        return replace(self, tables=tables, publication=owner.publication)

    def table(self, name: str) -> RawTable:
        return {table.name: table for table in self.tables}[name]

    def _refuse_parts_of_units(self, report: Report) -> None:
        units = [table.often.unit for table in self.tables if table.often]
        if report.moment and any(report.lookback % unit or report.unit % unit for unit in units):
            raise BadDeclaration(f"{self.name}: lookback and unit of {report.name} are whole units, {max(units)} each")
        if report.unit and (not report.moment or DAY % report.unit):
            raise BadDeclaration(f"{self.name}: the unit of {report.name} is of its moment, and a day is made of them")

    def _refuse_times(self, every: timedelta) -> None:
        """A clock shows these lengths from midnight to midnight, so each run is of one day."""
        minutes = MINUTE <= every <= HOUR and not every % MINUTE and not HOUR % every
        if not minutes and not (HOUR <= every <= DAY and not every % HOUR and not DAY % every):
            raise BadDeclaration(
                f"{self.name}: every is a number of minutes that divides an hour, or of hours that divides a day; got "
                f"{every}"
            )
        if self.reads:
            raise BadDeclaration(
                f"{self.name}: every goes with tables of its own; those of {self.source} are read once a day is over"
            )

    def _refuse_tables(self) -> None:
        names = [table.name for table in self.tables]
        if not names or len(set(names)) != len(names):
            raise BadDeclaration(f"{self.name}: needs raw tables, each named once, got {names}")
        for table in self.tables:
            self._refuse_unknown_reference(table)

    def _refuse_unknown_reference(self, table: RawTable) -> None:
        if table.refers_to is None:
            return
        other, column = table.refers_to
        before = self.tables[: self.tables.index(table)]
        if not any(t.name == other and not t.timed and t.key == (column,) for t in before):
            raise BadDeclaration(
                f"{self.name}: {table.name} refers to {other}.{column}, which must be the key of an untimed table "
                "declared before it"
            )
