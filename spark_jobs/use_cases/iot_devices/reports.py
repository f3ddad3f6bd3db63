"""Tables for people: hours of devices and of countries, and which devices need somebody."""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as f

from spark_jobs.use_cases.iot_devices.use_case import RED

HOUR = "date_trunc('HOUR', at)"
LOW = 1  # of a battery, and below: it should be changed
STUCK = 12  # readings in a row that say the same of everything
PATIENCE = 2  # times its usual pause, after which a device is silent
OF_A_DAY = Window.partitionBy("day", "device_id").orderBy("at")  # `day`: the one that is told of
MEASURED = ("temp", "humidity", "c02_level")


def device_hours(frames: Mapping[str, DataFrame]) -> DataFrame:
    """What each device showed in each hour."""
    readings = frames["readings"].withColumn("hour", f.expr(HOUR))
    ranges = [f.expr(f"{how}({name})").alias(f"{name}_{how}") for name in MEASURED for how in ("min", "avg", "max")]
    last = [f.expr(f"max_by({name}, at)").alias(f"{name}_last") for name in (*MEASURED, "battery_level")]
    return readings.groupBy("day", "device_id", "hour").agg(
        f.count("*").alias("readings"), *ranges, *last, _share("c02_level", RED), _wrong()
    )


def country_hours(frames: Mapping[str, DataFrame]) -> DataFrame:
    readings = frames["readings"].withColumn("hour", f.expr(HOUR)).withColumnRenamed("cca3", "country")
    means = [f.avg(name).alias(f"{name}_avg") for name in MEASURED]
    return readings.groupBy("day", "hour", "country").agg(
        f.countDistinct("device_id").alias("devices"), f.count("*").alias("readings"), *means, _share("c02_level", RED)
    )


def alarms(frames: Mapping[str, DataFrame]) -> DataFrame:
    """Each interval that a day has a part of: since when, until when (nothing: it is open at the day's end), and why.

    A day is told by its own readings and those of the day before, and by no others: so an interval that is older began,
    as far as this day knows, at the first of them. However the data are cut, the same day says the same.
    """
    readings = frames["readings"].select("day", "at", "device_id", "battery_level", *MEASURED)
    told = readings.withColumn("day", f.explode(f.expr("array(day, date_add(day, 1))")))
    told = told.join(readings.select("day").distinct(), "day", "left_semi")
    # Days of which nobody has told anything yet have no alarms.
    kinds = [
        _while(told, "battery low", f.col("battery_level") <= LOW, "concat('level ', min(battery_level))"),
        _while(told, "air red", f.col("c02_level") >= RED, "concat('up to ', max(c02_level), ' ppm')"),
        _stuck(told),
        _silent(told),
    ]
    of_the_day = "(until IS NULL OR until > day) AND since < date_add(day, 1)"
    return reduce(DataFrame.unionByName, kinds).where(of_the_day)


def _while(told: DataFrame, alarm: str, holds: Column, evidence: str) -> DataFrame:
    """For as long as readings say so, from one to the next that does not."""
    other = f.lag(f.lit(1)).over(OF_A_DAY).isNull() | (f.lag("holds").over(OF_A_DAY) != f.col("holds"))
    return _stretches(told.withColumn("holds", holds).withColumn("begins", other.cast("int")), alarm, evidence)


def _stuck(told: DataFrame) -> DataFrame:
    """A sensor that shows the same of everything, again and again."""
    same = [f.lag(name).over(OF_A_DAY).eqNullSafe(f.col(name)) for name in MEASURED]
    begins = (~reduce(Column.__and__, same)).cast("int")
    words = ", ' ', ".join(f"min({name})" for name in MEASURED)
    found = _stretches(told.withColumn("holds", f.lit(True)).withColumn("begins", begins), "sensor stuck", words)
    return found.where(f.col("readings") >= STUCK)


def _stretches(marked: DataFrame, alarm: str, evidence: str) -> DataFrame:
    """Readings in a row that belong together, which end with the next one that does not."""
    numbered = marked.withColumn("stretch", f.sum("begins").over(OF_A_DAY)).withColumn(
        "next", f.lead("at").over(OF_A_DAY)
    )
    found = (
        numbered.where("holds")
        .groupBy("day", "device_id", "stretch")
        .agg(
            f.min("at").alias("since"),
            f.expr("max_by(next, at)").alias("until"),
            f.count("*").alias("readings"),
            f.expr(f"concat({evidence})").alias("evidence"),
        )
    )
    return found.select("day", "device_id", f.lit(alarm).alias("alarm"), "since", "until", "readings", "evidence")


def _silent(told: DataFrame) -> DataFrame:
    """No reading for longer than twice the usual pause, which is that of most of its pauses."""
    pause = f.expr("unix_micros(next) - unix_micros(at)")
    pauses = told.select("day", "device_id", "at", f.lead("at").over(OF_A_DAY).alias("next")).withColumn("pause", pause)
    whose = Window.partitionBy("day", "device_id")
    usual = pauses.withColumn("usual", f.percentile_approx("pause", 0.5, 10_000).over(whose))
    ends = f.expr("coalesce(unix_micros(next), unix_micros(CAST(date_add(day, 1) AS TIMESTAMP)))")
    quiet = usual.withColumn("quiet", ends - f.expr("unix_micros(at)")).where(
        f.col("quiet") > PATIENCE * f.col("usual")
    )
    why = "concat('usually a reading every ', CAST(round(usual / 1e6) AS BIGINT), ' s')"
    return quiet.select(
        "day",
        "device_id",
        f.lit("silent").alias("alarm"),
        f.col("at").alias("since"),
        f.col("next").alias("until"),
        f.lit(0).cast("bigint").alias("readings"),
        f.expr(why).alias("evidence"),
    )


def _share(name: str, least: int) -> Column:
    return f.avg((f.col(name) >= least).cast("double")).alias("share_red")


def _wrong() -> Column:
    return f.count_if(f.col("lcd_is_wrong")).alias("lcd_wrong")
