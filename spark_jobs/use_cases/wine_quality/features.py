"""What the laboratory says of a sample. Pure functions: frames in, a frame out."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from spark_jobs.use_cases.wine_quality.use_case import MEASUREMENTS, USE_CASE

GOOD = 7


def features(frames: Mapping[str, DataFrame]) -> DataFrame:
    """One row per sample: what was measured of it, what of the sulfur is bound, and its colour."""
    measured = (name for name, _, _ in MEASUREMENTS.values())
    made = (f.expr(sql).alias(name) for name, sql in USE_CASE.features.made.items())
    return frames["samples"].select("at", _sample(), *measured, *made)


def labels(frames: Mapping[str, DataFrame]) -> DataFrame:
    """Whether those who tasted it found it good."""
    return frames["samples"].select("at", _sample(), (f.col("quality") >= GOOD).cast("int").alias("good"))


def _sample() -> Column:
    """A name for ever: the file a sample came in and its place there, written so that names sort as places do."""
    return f.format_string("%s:%07d", "file", "record").alias("sample")
