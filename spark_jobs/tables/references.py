"""Rows that name a thing of another table: known things only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_jobs.declare import RawTable, Window, days_of
from spark_jobs.lakehouse import Lake, Table
from spark_jobs.sql import name_of, text


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The keys of the other table, and how silver's note remembers which they were."""

    column: str
    keys: DataFrame  # the column and `_known`
    says: str
    fingerprint: str

    @property
    def reason(self) -> str:
        return f"CASE WHEN _known IS NULL THEN {text(self.says)} END"

    @property
    def note(self) -> dict[str, str]:
        return {"known": self.fingerprint}

    def days(self, quarantine: Table, note: Mapping[str, Any]) -> list[Window]:
        """Days with records that were refused for naming what may be known by now."""
        if note.get("known") == self.fingerprint:
            return []
        refused = quarantine.read().where(f.array_contains("reasons", self.says))
        return days_of(row.day for row in refused.select("day").distinct().collect())


def referred(lake: Lake, table: RawTable) -> Reference | None:
    if table.refers_to is None:
        return None
    name, column = table.refers_to
    things = lake.silver(name)
    keys = things.read().select(name_of(column)) if things.exists() else None
    if keys is None:
        kind = next(c.kind for c in table.columns if c.name == column)
        keys = lake.spark.createDataFrame([], f"{name_of(column)} {kind}")
    return Reference(
        column=column,
        keys=f.broadcast(keys.withColumn("_known", f.lit(True))),
        says=f"{column} is not in {name}",
        fingerprint=fingerprint(keys),
    )


def fingerprint(frame: DataFrame) -> str:
    """The same for the same rows, in whatever order they lie."""
    hashed = f.xxhash64(*map(name_of, frame.columns)).cast("decimal(38,0)")
    count, total = frame.agg(f.count(f.lit(1)), f.sum(hashed)).collect()[0]
    return f"{count}:{total}"
