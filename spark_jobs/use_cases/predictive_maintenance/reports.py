"""Tables for people: which machines to visit."""

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as f

from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, REMEMBERED


def machines_to_visit(frames: Mapping[str, DataFrame]) -> DataFrame:
    """The alarms that stand at the end of each day; `since` is the first of those without a quiet step in between.

    It looks back as far as one day's report reads, or the same day would say more as part of a long range.
    """
    parts = ", ".join(f"'{name}', {name}_probability, {name}_alarm" for name in COMPONENTS)
    alarms = f"stack({len(COMPONENTS)}, {parts}) AS (component, probability, alarm)"
    of_part = Window.partitionBy("machineID", "component")
    return (
        frames["predictions"]
        .withColumn("newest", f.max("at").over(Window.partitionBy("day")))
        .selectExpr("day", "machineID", "at", "newest", alarms)
        .withColumn("quiet", f.max(f.expr("CASE WHEN alarm = 0 THEN at END")).over(of_part.orderBy("at")))
        .where("alarm = 1")
        .withColumn("since", f.min("at").over(Window.partitionBy("machineID", "component", "quiet")))
        .where("at = newest")
        .withColumn("since", f.greatest("since", f.col("newest") - f.lit(REMEMBERED)))
        .select("day", "machineID", "component", "probability", "since")
    )
