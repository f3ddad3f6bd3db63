"""What the laboratory says of a sample. Pure functions: frames in, a frame out."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_jobs.use_cases.wine_score.use_case import USE_CASE

SAMPLE = "format_string('%s:%07d', file, record) AS sample"


def features(frames: Mapping[str, DataFrame]) -> DataFrame:
    """One row per sample: what was measured of it, and its colour."""
    made = {name: f.expr(sql) for name, sql in USE_CASE.features.made.items()}
    return frames["samples"].withColumns(made).selectExpr("at", SAMPLE, *USE_CASE.features.columns)


def labels(frames: Mapping[str, DataFrame]) -> DataFrame:
    """What those who tasted it gave it."""
    return frames["samples"].selectExpr("at", SAMPLE, "CAST(quality AS DOUBLE) AS quality")
