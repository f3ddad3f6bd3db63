"""What NAME may know of a visit when it begins. Pure functions: frames in, a frame out."""

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as f

DAY = 24 * 3600


def features(frames: Mapping[str, DataFrame]) -> DataFrame:
    """One row per visit."""
    visits = frames["visits"]
    # Whether somebody bought is known a day later: the last seven days end there, for every visit.
    known = Window.orderBy(f.unix_timestamp("at")).rangeBetween(-8 * DAY, -DAY - 1)
    return visits.select(
        "visitor",
        "at",
        "pages",
        "minutes",
        (f.col("device") == "phone").cast("int").alias("on_phone"),
        f.hour("at").alias("hour"),
        f.avg("bought").over(known).alias("bought_share_7d"),
    )


def labels(frames: Mapping[str, DataFrame]) -> DataFrame:
    """What came of it."""
    return frames["visits"].select("visitor", "at", "bought")
