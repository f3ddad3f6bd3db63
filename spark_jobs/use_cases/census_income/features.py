"""What is said of a person. Pure functions: frames in, a frame out."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from spark_jobs.use_cases.census_income.use_case import INCOMES, USE_CASE


def features(frames: Mapping[str, DataFrame]) -> DataFrame:
    """One row per person: what a census says of them, as it says it."""
    return frames["people"].select("at", _person(), *USE_CASE.features.columns)


def labels(frames: Mapping[str, DataFrame]) -> DataFrame:
    """Whether they earn more than 50,000 a year."""
    _, above = INCOMES
    return frames["people"].select("at", _person(), (f.col("income") == above).cast("int").alias("above_50k"))


def _person() -> Column:
    """A name for ever: the file a person came in and the place there, written so that names sort as places do."""
    return f.format_string("%s:%07d", "file", "record").alias("person")
