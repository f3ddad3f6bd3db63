"""Tables for people: what was rented, in which weather, and what had been foretold."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as f


def daily(frames: Mapping[str, DataFrame]) -> DataFrame:
    """One row per day that was ridden or foretold. What the next night has yet to bring is null."""
    rides = (
        frames["rides"]
        .groupBy("day")
        .agg(
            f.count("*").alias("hours"),
            *(f.sum(name).alias(name) for name in ("cnt", "casual", "registered")),
            *(f.round(f.avg(name), 3).alias(f"mean_{name}") for name in ("temp", "hum", "windspeed")),
            f.max("weathersit").alias("worst_weathersit"),
        )
    )
    foretold = (
        frames["predictions"]
        .groupBy("day")
        .agg(f.count("prediction").alias("hours_predicted"), f.round(f.sum("prediction"), 1).alias("predicted_cnt"))
    )
    return rides.join(foretold, "day", "full")
