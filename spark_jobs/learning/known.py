"""What a model may learn from: features with their mature labels, up to a window's end and never later."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as f

from spark_jobs.declare import Parameters, Refused, UseCase, Window
from spark_jobs.lakehouse import Lake
from spark_jobs.learning.splits import Part
from spark_jobs.tracking.inputs import Used

if TYPE_CHECKING:
    import pandas as pd


FEW = 1000  # rows that show of nearly every column that it changes


@dataclass(frozen=True, kw_only=True)
class Known:
    """Pinned to the versions of both tables that stood when it was made."""

    use_case: UseCase
    frame: DataFrame  # day, key, features, labels
    inputs: dict[str, int]

    def rows(self, *parts: Part) -> DataFrame:
        return self.frame.where(" OR ".join(part.condition() for part in parts))

    def in_memory(self, **parts: Part) -> "pd.DataFrame":
        """Rows of these parts, with a column `part` that holds their names."""
        names = " ".join(f"WHEN {part.condition()} THEN '{name}'" for name, part in parts.items())
        return in_memory(self.rows(*parts.values()).withColumn("part", f.expr(f"CASE {names} END")), self.use_case)

    def used(self, lake: Lake, name: str, part: Part, rows: int) -> list[Used]:
        """For the run's page: both tables, as many rows of each."""
        return [
            Used(
                table=table,
                place=lake.table(*table.split("/")).place,
                version=version,
                part=name,
                start=part.start,
                end=part.end,
                rows=rows,
            )
            for table, version in self.inputs.items()
        ]

    def overview(self, **parts: Part) -> "Overview":
        """All that decides on a training, asked in one go."""
        labels = self.use_case.labels.columns
        row = f.xxhash64(*self.use_case.features.key, *labels).cast("decimal(38,0)")
        asked = [f.count(f.lit(1)).alias("rows"), f.sum(row).alias("hash")]
        for name, part in parts.items():
            inside = part.condition()
            asked.append(f.expr(f"count_if({inside})").alias(name))
            varies = " OR ".join(_varies(one, inside) for one in labels)
            asked.append(f.expr(varies).alias(f"{name} varies"))
        return Overview(self.frame.agg(*asked).collect()[0])

    def same(self, part: Part) -> list[str]:
        """Features that take one value in these rows, or none: nothing can be learned from them."""
        rows = self.rows(part).select(*self.use_case.features.read)
        few: pd.DataFrame = cast(Any, rows.limit(FEW).toPandas())
        suspects = [name for name in few if few[name].nunique(dropna=False) < 2]
        if not suspects:  # as nearly always; a hundred columns at once take Spark long to plan
            return []
        found = rows.agg(*(f.expr(_varies(name)).alias(name) for name in suspects)).collect()[0]
        return [name for name in suspects if not found[name]]


@dataclass(frozen=True)
class Overview:
    row: Row

    @property
    def fingerprint(self) -> str:
        """The same for the same keys and labels, in whatever order they lie."""
        return f"{self.row['rows']}:{self.row['hash']}"

    def count(self, part: str) -> int:
        return int(self.row[part])

    def varies(self, part: str) -> bool:
        """Whether any label takes more than one value there."""
        return bool(self.row[f"{part} varies"])


def known(lake: Lake, use_case: UseCase, window: Window, columns: Sequence[str] = ()) -> Known | None:
    """None where there are no features or no labels yet. Without `columns`: those the use case declares."""
    tables = {name: lake.gold(name) for name in ("features", "labels")}
    versions = {name: table.version() for name, table in tables.items()}
    pinned = {name: version for name, version in versions.items() if version is not None}
    if len(pinned) < len(tables):
        return None
    features, labels = (tables[name].read(pinned[name]) for name in ("features", "labels"))
    key, wanted = list(use_case.features.key), list(use_case.labels.columns)
    columns = columns or use_case.features.columns
    require(features, columns, "the use case or a version to judge reads")
    facts = use_case.labels.facts
    joined = features.select("day", *key, *columns).join(labels.select(*key, *wanted, *facts), key)
    # The end of the horizon belongs to it, and the end of the window does not belong to the window.
    mature = f.col("at") + f.expr(_interval(use_case.labels.horizon)) < f.lit(window.ends_at)
    inside = (f.col("at") >= f.lit(window.ends_at - use_case.history)) & (f.col("at") < f.lit(window.ends_at))
    frame = joined.where(inside & mature).dropna(subset=wanted)
    inputs = {f"gold/{name}": version for name, version in pinned.items()}
    return Known(use_case=use_case, frame=frame, inputs=inputs)


def in_memory(frame: DataFrame, use_case: UseCase) -> "pd.DataFrame":
    """In the order of the key, whatever files the rows lie in."""
    rows: pd.DataFrame = cast(Any, frame.toPandas())
    return rows.sort_values(list(use_case.features.key), ignore_index=True)


def require(frame: DataFrame, columns: Sequence[str], reader: str) -> None:
    """Columns are read by name; one that is gone cannot be replaced by anything."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise Refused(
            f"gold/features has no column {', '.join(missing)}, which {reader}: "
            "put it back into features.py and run the stage features again"
        )


def due_hash(use_case: UseCase, code: str, rows: str, parameters: Parameters) -> str:
    given = [json.dumps(parameters, sort_keys=True)] if parameters else []  # what was asked for once is due no night
    return hashlib.sha256("\n".join((repr(use_case), code, rows, *given)).encode()).hexdigest()[:32]


def _varies(column: str, inside: str = "TRUE") -> str:
    """SQL: whether it takes more than one value in these rows; being absent from some is a value too."""
    low, high, count = (f"{what}(`{column}`) FILTER (WHERE {inside})" for what in ("min", "max", "count"))
    return f"(coalesce({low} < {high}, FALSE) OR {count} NOT IN (0, count_if({inside})))"


def _interval(length: timedelta) -> str:
    return f"make_dt_interval(0, 0, 0, {length.total_seconds():.6f})"
