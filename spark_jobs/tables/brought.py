"""Predictions that were made elsewhere, as files: what is not there yet is taken."""

from collections.abc import Sequence

from spark_jobs.lakehouse import Lake


def take(lake: Lake, key: Sequence[str], folder: str) -> int:
    """Once for each key and model version, however often it comes; what was said here already stays."""
    table, rows = lake.gold("predictions"), lake.spark.read.parquet(folder)
    known = [*key, "model_version"]
    if table.exists():
        rows = rows.join(table.read().select(*known), known, "left_anti").select(*rows.columns)
    new = rows.count()
    if new:
        table.append(rows, {})
    return new
