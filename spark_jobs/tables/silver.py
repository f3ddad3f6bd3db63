"""Silver of one use case, pinned, and what changed in it since somebody last looked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_jobs.declare import RECORD, RawTable, Window, common, days_of, merged
from spark_jobs.lakehouse import Lake, State, within
from spark_jobs.sql import name_of
from spark_jobs.tables.ledger import few, touched_days
from spark_jobs.tables.span import Span, note_of, waiting
from spark_jobs.work import Work


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What has to be computed again."""

    everything: bool
    days: Mapping[str, Sequence[Window]]  # by table: touched days


@dataclass(frozen=True, kw_only=True)
class Silver:
    """Every table of a use case at the version it had when this was made."""

    lake: Lake
    tables: tuple[RawTable, ...]
    states: Mapping[str, State]

    @classmethod
    def of(cls, work: Work) -> "Silver":
        states = {table.name: work.lake.silver(table.name).state() for table in work.use_case.tables}
        return cls(lake=work.lake, tables=work.use_case.tables, states=states)

    @property
    def delivered(self) -> list[RawTable]:
        """The tables of which anything was ever delivered."""
        return [table for table in self.tables if self.states[table.name].version is not None]

    @property
    def versions(self) -> dict[str, int | None]:
        return {f"silver/{table.name}": self.states[table.name].version for table in self.delivered}

    @property
    def made_from(self) -> dict[str, Any]:
        """What a table that is made from this silver writes into its note: what this silver still waits with, too."""
        content = {name: said for name, said in self.said("content").items() if said}  # things have one, facts none
        return {"bronze": self.said("bronze"), "content": content} | note_of(self.later)

    @property
    def later(self) -> list[Span]:
        """What came behind the watermark, and is not in these tables yet."""
        return [span for table in self.delivered for span in waiting(self.states[table.name].note)]

    def said(self, key: str) -> dict[str, Any]:
        """One word of every table's note."""
        return {table.name: self.states[table.name].note.get(key) for table in self.delivered}

    def all_changed(self, note: Mapping[str, Any]) -> bool:
        """Since the note of a table that was made from silver; an empty note: yes."""
        return not note or note.get("content") != self.made_from["content"]

    def changes(self, note: Mapping[str, Any], sure: Window) -> Changes:
        """Since the note of a table that was made from silver; an empty note: everything.

        A file may hold nothing but refused records of a day. Outside the days that are `sure` to be made, such a day
        counts as untouched, or one wrong clock would have decades made.
        """
        everything = self.all_changed(note)
        since = {} if everything else note.get("bronze", {})
        waited = [span.days for span in waiting(note)]
        days = {}
        for table in self.delivered:
            if table.timed:
                touched = touched_days(self.lake, table, since.get(table.name), self.said("bronze")[table.name])
                days[table.name] = self._kept(table, merged([*touched, *waited]), sure)
        return Changes(everything=everything, days=days)

    def _kept(self, table: RawTable, touched: Sequence[Window], sure: Window) -> list[Window]:
        """Of the touched days those that are sure or hold a row."""
        certain = common(touched, [sure])
        if certain == list(touched):
            return certain
        days = self._read(table.name).where(within(few(touched))).select("day").distinct().collect()
        return merged([*certain, *common(touched, days_of(row.day for row in days))])

    def frames(
        self, asked: Sequence[Window], before: timedelta, after: timedelta = timedelta()
    ) -> dict[str, DataFrame]:
        """Every table by name, cut to what the asked days may read; whole histories from their beginning."""
        reach = few(window.widened(before=before, after=after) for window in asked)
        until = f"day < DATE'{reach[-1].end}'"
        return {table.name: self._cut(table, until if table.whole_history else within(reach)) for table in self.tables}

    def rows(self, where: str) -> dict[str, DataFrame]:
        """Every table by name, those of what happens cut to what meets this condition."""
        return {table.name: self._cut(table, where) for table in self.tables}

    def last_day(self, table: str) -> date | None:
        version = self.states[table].version
        return None if version is None else self._read(table).agg(f.max("day")).collect()[0][0]

    def _read(self, table: str) -> DataFrame:
        return self.lake.silver(table).read(self.states[table].version)

    def _cut(self, table: RawTable, where: str) -> DataFrame:
        if self.states[table.name].version is None:
            return self.lake.spark.createDataFrame([], _schema(table))
        rows = self._read(table.name)
        if not table.timed:
            kept = (*table.column_names, *_marks(table), *(RECORD if table.by_record else ()))
            return rows.select(*map(name_of, kept))
        rows = rows.where(where)
        return rows if table.by_record else rows.drop(*RECORD)


def _marks(table: RawTable) -> tuple[str, ...]:
    return tuple(mark.name for mark in table.marks)


def _schema(table: RawTable) -> str:
    columns = {column.name: column.kind.value for column in table.columns}
    columns |= {mark.name: "boolean" for mark in table.marks}
    if table.timed:
        columns = {"day": "date", "at": "timestamp"} | columns
    if table.by_record:
        columns |= {"file": "string", "record": "bigint"}
    return ", ".join(f"{name_of(name)} {kind}" for name, kind in columns.items())
