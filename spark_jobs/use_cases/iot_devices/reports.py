"""Tables for people: hours of devices and of countries, and which devices need somebody."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from spark_jobs.use_cases.iot_devices.alarms import MEASURED, OF_AN_HOUR, joined, pause, pieces
from spark_jobs.use_cases.iot_devices.use_case import RED

HOUR = "date_trunc('HOUR', at)"


def device_hours(frames: Mapping[str, DataFrame]) -> DataFrame:
    """What each device showed in each hour, and how often: pauses between its readings in microseconds."""
    readings = frames["readings"].withColumn("hour", f.expr(HOUR))
    readings = readings.withColumn("next", f.lead("at").over(OF_AN_HOUR)).withColumn("pause", pause())
    ranges = [f.expr(f"{how}({name})").alias(f"{name}_{how}") for name in MEASURED for how in ("min", "avg", "max")]
    last = [f.expr(f"max_by({name}, at)").alias(f"{name}_last") for name in (*MEASURED, "battery_level")]
    when = [f.min("at").alias("first_at"), f.max("at").alias("last_at")]
    pauses = [f.count("pause").alias("pauses"), f.expr("percentile(pause, 0.5)").alias("usual_pause")]
    return readings.groupBy("day", "device_id", "hour").agg(
        f.count("*").alias("readings"), *ranges, *last, _share("c02_level", RED), _wrong(), *when, *pauses
    )


def country_hours(frames: Mapping[str, DataFrame]) -> DataFrame:
    readings = frames["readings"].withColumn("hour", f.expr(HOUR)).withColumnRenamed("cca3", "country")
    means = [f.avg(name).alias(f"{name}_avg") for name in MEASURED]
    return readings.groupBy("day", "hour", "country").agg(
        f.countDistinct("device_id").alias("devices"), f.count("*").alias("readings"), *means, _share("c02_level", RED)
    )


def alarm_pieces(frames: Mapping[str, DataFrame]) -> DataFrame:
    """What each hour says of low batteries, red air, stuck sensors and long pauses."""
    return pieces(frames["readings"].withColumn("hour", f.expr(HOUR)))


def alarms(frames: Mapping[str, DataFrame]) -> DataFrame:
    """Each interval that a day has a part of, made of the pieces of its hours."""
    return joined(frames["device_hours"], frames["alarm_pieces"])


def _share(name: str, least: int) -> Column:
    return f.avg((f.col(name) >= least).cast("double")).alias("share_red")


def _wrong() -> Column:
    return f.count_if(f.col("lcd_is_wrong")).alias("lcd_wrong")
