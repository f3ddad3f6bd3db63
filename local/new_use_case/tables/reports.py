"""Tables for people: frames of silver in, a frame with a column `day` out."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as f


def hours(frames: Mapping[str, DataFrame]) -> DataFrame:
    counts = frames["counts"].withColumn("hour", f.expr("date_trunc('HOUR', at)"))
    return counts.groupBy("day", "door", "hour").agg(f.sum("counted").alias("people"), f.count("*").alias("counts"))
