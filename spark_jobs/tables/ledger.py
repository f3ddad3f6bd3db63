"""Which landing files a raw table has loaded, and which days they touched since somebody last looked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_jobs.declare import RawTable, Window, days_of, merged
from spark_jobs.lakehouse import Lake, State, Table, within
from spark_jobs.raw.landing import RawFile

SCHEMA = (
    "file string, arrival_day date, hash string, size bigint, modified bigint, "
    "records bigint, problem string, days array<date>, bronze_version bigint"
)

SCATTERED = 100  # windows in one SQL condition


Key = tuple[str, str]  # a landing file's name and hash


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
    loaded: Mapping[Key, tuple[int | None, int | None]]  # -> size and time of change

    @classmethod
    def of(cls, lake: Lake, table: RawTable) -> "Ledger":
        files = lake.files(table.name)
        state = files.state()
        known = (
            files.read(state.version).select("file", "hash", "size", "modified") if state.version is not None else None
        )
        rows = known.collect() if known else []
        return cls(lake=lake, table=table, state=state, loaded={(r.file, r.hash): (r.size, r.modified) for r in rows})

    def unlisted(self, bronze: int | None) -> set[Key]:
        """Files that reached bronze in a try that ended before it came to the ledger."""
        if bronze == read_as(self.state.note):
            return set()
        found = self._bronze.read(bronze).select("file", "hash").distinct().collect()
        return {(row.file, row.hash) for row in found} - self.loaded.keys()

    def arrived(self, bronze: int | None, waiting: Sequence[RawFile]) -> dict[Key, RawFile]:
        """Of these files, which were not loaded before, those that bronze holds now."""
        held = self._of(bronze, waiting).select("file", "hash").distinct().collect() if bronze is not None else []
        files = {file.name: file for file in waiting}
        return {(row.file, row.hash): files[row.file] for row in held if row.file in files}

    def entries(self, files: Mapping[Key, RawFile | None], bronze: int) -> list[Entry]:
        """The rows to add: what bronze holds of these files. A file may hold no record at all; None: after a crash."""
        known = [file for file in files.values() if file]
        records = self._of(bronze, known) if len(known) == len(files) else self._bronze.read(bronze)
        rows = records.groupBy("file", "hash").agg(
            f.min("arrival_day").alias("arrival_day"),
            f.count(f.lit(1)).alias("records"),
            f.max(f.expr("CASE WHEN record = 0 THEN problem END")).alias("problem"),
            f.collect_set("day").alias("days"),
        )
        held = {(row.file, row.hash): row for row in rows.collect()}
        return [_entry(key, files[key], held.get(key), bronze) for key in sorted(files)]

    def follow_upkeep(self, bronze: int | None) -> None:
        """Somebody made bronze compact: from now on that version is read, the one before loses its files some day."""
        if bronze is not None and self.state.note and bronze != read_as(self.state.note):
            self.add([], self.state.note | {"compact": bronze})

    def _of(self, bronze: int, files: Sequence[RawFile]) -> DataFrame:
        """All that bronze holds of these files, and little more: what lies elsewhere is not even opened."""
        names = [file.name for file in files]
        days = within(days_of(file.arrival_day for file in files), "arrival_day")
        return self._bronze.read(bronze).where(days).where(f.col("file").between(min(names), max(names)))

    @property
    def _bronze(self) -> Table:
        return self.lake.bronze(self.table.name)

    def add(self, entries: Sequence[Entry], note: Mapping[str, Any]) -> None:
        frame = self.lake.spark.createDataFrame(entries, SCHEMA)
        self.lake.files(self.table.name).append(frame.coalesce(1), note)


def read_as(note: Mapping[str, Any]) -> int | None:
    """The version of bronze that holds what a ledger's note says was loaded: the compact one, where it was made so."""
    version: int | None = note.get("compact", note.get("bronze"))
    return version


def _entry(key: Key, file: RawFile | None, held: Any, version: int) -> Entry:
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
    return days_of(day for row in loaded_since(lake, table, since, until) for day in row.days)


def loaded_since(lake: Lake, table: RawTable, since: int | None, until: int) -> list[Any]:
    """Those files: each with its name and its event days."""
    if since == until:
        return []
    new = f"bronze_version <= {until}" + ("" if since is None else f" AND bronze_version > {since}")
    return lake.files(table.name).read().where(new).select("file", "days").collect()


def few(windows: Iterable[Window]) -> list[Window]:
    """The same days and, where they lie too scattered for one condition, all days between them."""
    joined = merged(windows)
    return joined if len(joined) <= SCATTERED else [Window(start=joined[0].start, end=joined[-1].end)]
