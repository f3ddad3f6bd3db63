"""What the laboratory says of a sample. Pure functions: frames in, a frame out."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_jobs.use_cases.wine_score.use_case import USE_CASE

SAMPLE = "format_string('%s:%07d', file, record) AS sample"


def features(frames: Mapping[str, DataFrame]) -> DataFrame:
    """One row per sample: what was measured of it, and its colour."""
    bound = f.col("total_sulfur_dioxide") - f.col("free_sulfur_dioxide")
    red = (f.col("colour") == "red").cast("int")
    samples = frames["samples"].withColumns({"bound_sulfur_dioxide": bound, "is_red": red})
    return samples.selectExpr("at", SAMPLE, *USE_CASE.features.columns)


def labels(frames: Mapping[str, DataFrame]) -> DataFrame:
    """What those who tasted it gave it."""
    return frames["samples"].selectExpr("at", SAMPLE, "CAST(quality AS DOUBLE) AS quality")
