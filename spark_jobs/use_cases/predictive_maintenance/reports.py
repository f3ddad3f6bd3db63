"""Tables for people: which machines to visit."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as f

from spark_jobs.use_cases.predictive_maintenance.use_case import (
    COMPONENTS,
    ERROR_WINDOWS,
    ERRORS,
    REMEMBERED,
    SENSORS,
    STATISTICS,
    WINDOWS,
)

SAID = {"12h": "12 h", "24h": "24 h", "36h": "36 h", "7d": "7 days"}
WORDS = {  # of features; any other is said by its name
    **{f"{s}_{how}_{w}": f"{s} {how} of {SAID[w]}" for s in SENSORS for how in STATISTICS for w in WINDOWS},
    **{f"missing_{window}": f"share of readings missing in {SAID[window]}" for window in WINDOWS},
    **{f"{error}_{window}": f"{error} in {SAID[window]}" for error in ERRORS for window in ERROR_WINDOWS},
    **{f"{part}_replaced_days": f"days since {part} was replaced" for part in COMPONENTS},
    **{f"{part}_failed_days": f"days since {part} failed" for part in COMPONENTS},
}
NUMBER = "regexp_replace(CAST(IF(abs({0}) < 10, round({0}, 2), round({0}, 1)) AS STRING), '[.]0$', '')"


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
        .selectExpr("day", "machineID", "at", "newest", "reasons", alarms)
        .withColumn("quiet", f.max(f.expr("CASE WHEN alarm = 0 THEN at END")).over(of_part.orderBy("at")))
        .where("alarm = 1")
        .withColumn("since", f.min("at").over(Window.partitionBy("machineID", "component", "quiet")))
        .where("at = newest")
        .withColumn("since", f.greatest("since", f.col("newest") - f.lit(REMEMBERED)))
        .select("day", "machineID", "component", "probability", "since", _why().alias("why"))
    )


def _why() -> Column:
    """What raised the alarm, in words: the sensor, what it says, what it usually says."""
    words = ", ".join(f"'{name}', '{said}'" for name, said in WORDS.items())
    value, usual = NUMBER.format("r.value"), NUMBER.format("r.usual")
    said = (
        f"concat(coalesce(try_element_at(map({words}), r.feature), r.feature), ' ', coalesce({value}, 'unknown'), "
        f"coalesce(concat(', usually ', {usual}), ''))"
    )
    mine = "filter(reasons, r -> r.prediction = concat(component, '_probability') AND r.by > 0)"
    return f.expr(f"array_join(transform({mine}, r -> {said}), '; ')")
