"""Which landing files a raw table has loaded, and which days they touched since somebody last looked."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from pyspark.sql import functions as f

from spark_jobs.declare import RawTable, Window, days_of, merged
from spark_jobs.lakehouse import Lake, State, within
from spark_jobs.raw.landing import RawFile
from spark_jobs.raw.records import Task

SCHEMA = (
    "file string, arrival_day date, hash string, size bigint, modified bigint, "
    "records bigint, problem string, days array<date>, bronze_version bigint"
)


SCATTERED = 100  # windows in one SQL condition


class Entry(NamedTuple):
    """One landing file, by name and content."""

    file: str
    arrival_day: date
    hash: str
    size: int | None  # None, as the next: found in bronze after a crash
    modified: int | None
    records: int
    problem: str | None  # why the file is refused whole
    days: list[date]
    bronze_version: int | None


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The table `<table>_files` as it stood when it was read."""

    lake: Lake
    table: RawTable
    state: State
    loaded: Mapping[tuple[str, str], tuple[int | None, int | None]]  # (file, hash) -> size and time of change

    @classmethod
    def of(cls, lake: Lake, table: RawTable) -> "Ledger":
        files = lake.files(table.name)
        state = files.state()
        known = (
            files.read(state.version).select("file", "hash", "size", "modified") if state.version is not None else None
        )
        rows = known.collect() if known else []
        return cls(lake=lake, table=table, state=state, loaded={(r.file, r.hash): (r.size, r.modified) for r in rows})

    def unlisted(self, bronze: int | None) -> set[tuple[str, str]]:
        """Files that reached bronze in a try that ended before it came to the ledger."""
        if bronze == self.state.note.get("bronze"):
            return set()
        found = self.lake.bronze(self.table.name).read(bronze).select("file", "hash").distinct().collect()
        return {(row.file, row.hash) for row in found} - self.loaded.keys()

    def entries(self, tasks: Sequence[Task], unlisted: Set[tuple[str, str]], bronze: int) -> list[Entry]:
        """The rows to add: what bronze holds of these files. A file may hold no record at all."""
        files = {(task.file.name, task.hash): task.file for task in tasks}
        days = None if unlisted else days_of(file.arrival_day for file in files.values())
        held = self._held(bronze, days)
        return [_entry(key, files.get(key), held.get(key), bronze) for key in sorted(files.keys() | unlisted)]

    def _held(self, bronze: int, arrived: list[Window] | None) -> dict[tuple[str, str], Any]:
        """What bronze holds, by file; `arrived` spares reading it all."""
        records = self.lake.bronze(self.table.name).read(bronze)
        rows = (
            records.where(within(arrived, "arrival_day") if arrived is not None else "TRUE")
            .groupBy("file", "hash")
            .agg(
                f.min("arrival_day").alias("arrival_day"),
                f.count(f.lit(1)).alias("records"),
                f.max(f.expr("CASE WHEN record = 0 THEN problem END")).alias("problem"),
                f.collect_set("day").alias("days"),
            )
        )
        return {(row.file, row.hash): row for row in rows.collect()}

    def add(self, entries: Sequence[Entry], note: Mapping[str, Any]) -> None:
        frame = self.lake.spark.createDataFrame(entries, SCHEMA)
        self.lake.files(self.table.name).append(frame.coalesce(1), note)


def _entry(key: tuple[str, str], file: RawFile | None, held: Any, version: int) -> Entry:
    """`file` is None after a crash, `held` where the file has a header and nothing else."""
    return Entry(
        file=key[0],
        hash=key[1],
        arrival_day=file.arrival_day if file else held.arrival_day,
        size=file.stamp.size if file else None,
        modified=file.stamp.modified if file else None,
        records=held.records if held else 0,
        problem=held.problem if held else None,
        days=sorted(held.days) if held else [],
        bronze_version=version,
    )


def touched_days(lake: Lake, table: RawTable, since: int | None, until: int) -> list[Window]:
    """The event days of the files loaded after bronze version `since` (None: ever) and up to `until`."""
    if since == until:
        return []
    new = f"bronze_version <= {until}" + ("" if since is None else f" AND bronze_version > {since}")
    entries = lake.files(table.name).read().where(new).select("days").collect()
    return days_of(day for entry in entries for day in entry.days)


def few(windows: Iterable[Window]) -> list[Window]:
    """The same days and, where they lie too scattered for one condition, all days between them."""
    joined = merged(windows)
    return joined if len(joined) <= SCATTERED else [Window(start=joined[0].start, end=joined[-1].end)]
