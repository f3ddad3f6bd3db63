"""The only module that knows Delta: tables of one use case, their versions, and the notes left on commits."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as f

from spark_jobs.declare import Window

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery

Note = Mapping[str, Any]

COMMITTED = "spark.databricks.delta.lastCommitVersionInSession"  # Delta's own word for what a write came to

# A file of the least size is left alone: what a day costs does not grow with the days before it.
FILES = {
    "spark.databricks.delta.optimize.minFileSize": 64 << 20,
    "spark.databricks.delta.optimize.maxFileSize": 256 << 20,
}

NO_TABLE_YET = {
    "DELTA_TABLE_ONLY_OPERATION",
    "DELTA_MISSING_DELTA_TABLE",
    "DELTA_TABLE_NOT_FOUND",
    "DELTA_PATH_DOES_NOT_EXIST",
    "PATH_NOT_FOUND",
    "TABLE_OR_VIEW_NOT_FOUND",
}


def within(windows: Iterable[Window], column: str = "day") -> str:
    """An SQL condition that holds for the days of these windows, and for none where there is no window."""
    spans = [f"({column} >= DATE'{w.start}' AND {column} < DATE'{w.end}')" for w in windows]
    return " OR ".join(spans) or "FALSE"


@dataclass(frozen=True, kw_only=True)
class State:
    """Where a table stands."""

    version: int | None  # None: no table yet
    note: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Commit:
    """What a write came to."""

    rows: int
    version: int


@dataclass(frozen=True)
class Table:
    """One Delta table. A write is one commit, and carries a note that says what it was made from.

    Delta records no write that changed nothing. Where the note is another one than before, it is left all the same.
    """

    spark: SparkSession
    place: str  # a path, or catalog.schema.table
    is_path: bool

    @property
    def sql_name(self) -> str:
        return f"delta.`{self.place}`" if self.is_path else self.place

    def exists(self) -> bool:
        """Ten times quicker than to ask for the version."""
        try:
            return bool(self.read().schema)
        except AnalysisException as error:
            if error.getCondition() in NO_TABLE_YET:
                return False
            raise

    def version(self) -> int | None:
        """The newest version, None where there is no table yet."""
        commits = self._last_commits(1)
        return int(commits[0]["version"]) if commits else None

    def note(self) -> dict[str, Any]:
        """What the newest commit with a note says: upkeep by others leaves none."""
        return self.state().note

    def state(self) -> "State":
        """Version and note at one price; asking Delta for either is slow."""
        commits = self._last_commits(50)
        notes = (commit["userMetadata"] for commit in commits)
        note: dict[str, Any] = next((json.loads(note) for note in notes if note), {})
        return State(version=int(commits[0]["version"]) if commits else None, note=note)

    def read(self, version: int | None = None) -> DataFrame:
        source = self.sql_name if version is None else f"{self.sql_name} VERSION AS OF {version}"
        return self.spark.sql(f"SELECT * FROM {source}")

    def append(self, frame: DataFrame, note: Note) -> int:
        """Returns the version that came of it."""
        return self._write(frame, "append", note, {})

    def follow(self, frame: DataFrame, checkpoint: str, note: Note) -> "StreamingQuery":
        """Append what a stream has by now, batch after batch, each of them once: the checkpoint and this table know."""
        plain = _plain(frame)
        self._make(plain)
        told = {"userMetadata": json.dumps(note, sort_keys=True), "checkpointLocation": checkpoint}
        writer = plain.writeStream.format("delta").options(**told).trigger(availableNow=True)
        return writer.start(self.place) if self.is_path else writer.toTable(self.place)

    def replace(self, frame: DataFrame, condition: str | None, note: Note) -> Commit:
        """Put these rows in the place of all that meet the condition (None: of the whole table)."""
        counted = Observation()
        rows = frame.observe(counted, f.count(f.lit(1)).alias("rows"))
        where = {"replaceWhere": condition, "mergeSchema": "true"} if condition else {"overwriteSchema": "true"}
        version = self._write(rows, "overwrite", note, where)
        return Commit(rows=counted.get["rows"], version=version)

    def compact(self) -> tuple[int, int]:
        """Put small files together; how many went, and how many came. Leaves no note: rows are what they were."""
        if not self.exists():
            return 0, 0
        for name, size in FILES.items():
            with suppress(AnalysisException):  # where Spark is a workspace's, it chooses sizes itself
                self.spark.conf.set(name, str(size))
        done = self.spark.sql(f"OPTIMIZE {self.sql_name}").collect()[0]["metrics"]
        return int(done["numFilesRemoved"]), int(done["numFilesAdded"])

    def _write(self, frame: DataFrame, mode: str, note: Note, options: Mapping[str, str]) -> int:
        said = json.dumps(note, sort_keys=True)
        with suppress(AnalysisException):  # where Spark is a workspace's, this word of Delta's may be hidden
            self.spark.conf.unset(COMMITTED)
        self._save(frame, mode, {**options, "userMetadata": said})
        if committed := self._committed():
            return int(committed)
        if self._last_commits(1)[0]["userMetadata"] != said:
            # A numbered transaction is recorded always, but dropped where its number was there before.
            self._save(
                self.read().limit(0), "append", {"userMetadata": said, "txnAppId": uuid4().hex, "txnVersion": "1"}
            )
        return int(self._last_commits(1)[0]["version"])

    def _save(self, frame: DataFrame, mode: str, told: dict[str, str]) -> None:
        if self.is_path:
            _plain(frame).write.format("delta").mode(mode).options(**told).save(self.place)
        else:
            self._save_by_name(_plain(frame), mode, told)

    def _save_by_name(self, frame: DataFrame, mode: str, told: dict[str, str]) -> None:
        """Into a table that is there: what makes one leaves no note, and counts no rows."""
        self._make(frame)
        where = told.pop("replaceWhere", "TRUE")
        writer = frame.writeTo(self.place).options(**told)
        writer.append() if mode == "append" else writer.overwrite(f.expr(where))

    def _make(self, frame: DataFrame) -> None:
        """Where it is not there yet, and goes by a name."""
        if not self.is_path and not self.exists():
            self.spark.createDataFrame([], frame.schema).writeTo(self.place).using("delta").create()

    def _committed(self) -> str | None:
        """Asking the table costs as much as a small query."""
        with suppress(AnalysisException):  # as above
            return self.spark.conf.get(COMMITTED, None)
        return None

    def _last_commits(self, count: int) -> list[Any]:
        try:
            return self.spark.sql(f"DESCRIBE HISTORY {self.sql_name} LIMIT {count}").collect()
        except AnalysisException as error:
            if error.getCondition() in NO_TABLE_YET:
                return []
            raise


def _plain(frame: DataFrame) -> DataFrame:
    """Text out of a Python function names its collation, even the usual one; others cannot open a table that does."""
    kinds = {f"`{field.name}`": field.dataType.simpleString() for field in frame.schema}
    return frame.select(*(f.col(name).cast(kind) if "string" in kind else f.col(name) for name, kind in kinds.items()))


@dataclass(frozen=True)
class Lake:
    """All tables of one use case: `<lake>/<use_case>/<layer>/<table>`, or one schema of a catalog."""

    spark: SparkSession
    root: str
    use_case: str
    source: str = ""  # the use case whose raw tables it reads, where they are not its own

    @property
    def is_path(self) -> bool:
        return "/" in self.root

    def table(self, layer: str, name: str) -> Table:
        whose = self.use_case if layer == "gold" else self.source or self.use_case
        place = f"{self.root}/{whose}/{layer}/{name}" if self.is_path else f"{self.root}.{whose}_{layer}_{name}"
        return Table(self.spark, place, self.is_path)

    # Everything a stage reads or writes, by the name people use for it.
    def bronze(self, table: str) -> Table:
        return self.table("bronze", table)

    def files(self, table: str) -> Table:
        """One row per landing file that was loaded into bronze."""
        return self.table("bronze", f"{table}_files")

    def silver(self, table: str) -> Table:
        return self.table("silver", table)

    def quarantine(self, table: str) -> Table:
        return self.table("quarantine", table)

    def gold(self, table: str) -> Table:
        return self.table("gold", table)
