"""Intervals in which a device needs somebody: pieces within each hour, and the alarms that these are parts of.

An hour tells of its pieces by its own readings alone, so it can be made anew alone. Two pieces belong together where
the first ends with the reading that the second begins with.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as f

from spark_jobs.use_cases.iot_devices.use_case import RED

LOW = 1  # of a battery, and below: it should be changed
STUCK = 12  # readings in a row that say the same of everything
PATIENCE = 2  # times its usual pause, after which a device is silent
MEASURED = ("temp", "humidity", "c02_level")

SAID = ("low", "red", "same")
IS_LOW, IS_RED = f"battery_level <= {LOW}", f"c02_level >= {RED}"
# What a reading may be a part of: the kind, which piece of its hour, whether it is, and what goes along. Readings in a
# row that all say the same are many, or at an end of the hour, where there may be more. A long pause is a piece alone.
KINDS = f"""stack(4,
    'battery low', low_stretch, low, CAST(battery_level AS DOUBLE), '',
    'air red', red_stretch, red, CAST(c02_level AS DOUBLE), '',
    'sensor stuck', same_stretch, TRUE, CAST(NULL AS DOUBLE), same,
    'silent', unix_micros(at), pause > {PATIENCE} * usual, CAST(NULL AS DOUBLE), ''
) AS (kind, stretch, holds, value, shows)"""

HOUR = Window.partitionBy("device_id", "hour")
OF_AN_HOUR = HOUR.orderBy("at")
OF_A_KIND = Window.partitionBy("device_id", "hour", "kind")
PIECE = ("day", "hour", "device_id", "kind", "since", "until", "readings", "value", "shows")


def pieces(readings: DataFrame) -> DataFrame:
    """Of each hour: stretches of low battery, of red air, of sameness, and pauses that are long for it.

    `until` is the first reading after a piece, nothing where that is not in its hour. All kinds are told in one go:
    each way through the readings would cost a sort of its own.
    """
    told = readings.select("day", "hour", "at", "device_id", "battery_level", *MEASURED)
    told = told.withColumns({"next": f.lead("at").over(OF_AN_HOUR), "low": f.expr(IS_LOW), "red": f.expr(IS_RED)})
    told = told.withColumns(
        {"pause": pause(), "same": f.concat_ws(" ", *(f.col(name).cast("string") for name in MEASURED))}
    )
    told = told.withColumns({f"{name}_begins": _begins(name) for name in SAID})
    stretches = {f"{name}_stretch": f.sum(f"{name}_begins").over(OF_AN_HOUR) for name in SAID}
    told = told.withColumns(stretches | {"usual": f.expr("percentile(pause, 0.5)").over(HOUR)})
    each = told.selectExpr("day", "hour", "device_id", "at", "next", KINDS).where("holds")
    found = each.groupBy("day", "hour", "device_id", "kind", "stretch").agg(
        f.min("at").alias("since"),
        f.expr("max_by(next, at)").alias("until"),
        f.expr("if(kind = 'silent', 0, count(*))").alias("readings"),
        f.expr("if(kind = 'air red', max(value), min(value))").alias("value"),
        f.min("shows").alias("shows"),
    )
    found = found.withColumn("last", f.max("stretch").over(OF_A_KIND))
    return found.where(f"kind <> 'sensor stuck' OR readings >= {STUCK} OR stretch IN (1, last)").select(*PIECE)


def pause() -> Column:
    """Of a reading, in microseconds until the next."""
    return f.expr("unix_micros(next) - unix_micros(at)")


def _begins(name: str) -> Column:
    """Whether a reading says something else than the one before it in its hour."""
    return f.when(f.lag(name).over(OF_AN_HOUR) == f.col(name), 0).otherwise(1)


def joined(hours: DataFrame, parts: DataFrame) -> DataFrame:
    """Each interval that a day has a part of: since when, until when (nothing: it is open), and why.

    A day is told by its own hours and those of the day before, and by no others: so what is older began, as far as this
    day knows, at the first of them. However the data are cut, the same day says the same.
    """
    days = hours.select(f.col("day").alias("told")).distinct()
    hours, parts = _told(hours, days), _told(parts, days)
    following = Window.partitionBy("day", "device_id").orderBy("hour")
    hours = hours.withColumn("next", f.lead("first_at").over(following))
    open_ones = parts.where("kind <> 'silent'").join(
        hours.select("day", "device_id", "hour", "next"), ["day", "device_id", "hour"]
    )
    found = _chained(open_ones.withColumn("until", f.coalesce("until", "next"))).unionByName(_silent(hours, parts))
    return found.where("(until IS NULL OR until > day) AND since < date_add(day, 1)")


def _told(rows: DataFrame, days: DataFrame) -> DataFrame:
    """Once for its own day, and once for the day after, where anything is told of that."""
    both = rows.withColumn("told", f.explode(f.expr("array(day, date_add(day, 1))"))).drop("day")
    return both.join(f.broadcast(days), "told").withColumnRenamed("told", "day")


def _chained(found: DataFrame) -> DataFrame:
    order = Window.partitionBy("day", "device_id", "kind").orderBy("since")
    goes_on = (f.lag("until").over(order) == f.col("since")) & (f.lag("shows").over(order) == f.col("shows"))
    marked = found.withColumn("begins", f.when(goes_on, 0).otherwise(1))
    chain = marked.withColumn("chain", f.sum("begins").over(order)).groupBy("day", "device_id", "kind", "chain")
    whole = chain.agg(
        f.min("since").alias("since"),
        f.expr("max_by(until, since)").alias("until"),
        f.sum("readings").alias("readings"),
        f.min("value").alias("least"),
        f.max("value").alias("most"),
        f.min("shows").alias("shows"),
    )
    why = """CASE kind WHEN 'battery low' THEN concat('level ', CAST(least AS INT))
        WHEN 'air red' THEN concat('up to ', CAST(most AS INT), ' ppm') ELSE shows END AS evidence"""
    whole = whole.where(f"kind <> 'sensor stuck' OR readings >= {STUCK}")
    return whole.selectExpr("day", "device_id", "kind AS alarm", "since", "until", "readings", why)


def _silent(hours: DataFrame, parts: DataFrame) -> DataFrame:
    """No reading for longer than twice what is usual, in its hour and on its day; at last, until anybody's newest."""
    newest = f.max("last_at").over(Window.partitionBy("day"))
    between = hours.withColumn("newest", newest).select(
        *("day", "device_id", f.col("last_at").alias("since"), f.col("next").alias("until"), "newest"),
        *("pauses", "usual_pause", f.expr("unix_micros(next) - unix_micros(last_at)").alias("pause")),
    )
    both = "stack(2, usual_pause, pauses, CAST(pause AS DOUBLE), 1L) AS (pause, weight)"
    pauses = between.selectExpr("day", "device_id", both).where("pause IS NOT NULL").groupBy("day", "device_id")
    usual = pauses.agg(f.expr("percentile(pause, 0.5, weight)").alias("usual"))
    within = parts.where("kind = 'silent'").select("day", "device_id", "since", "until", f.col("until").alias("newest"))
    quiet = between.select("day", "device_id", "since", "until", "newest").unionByName(within)
    lasted = f.expr("unix_micros(coalesce(until, newest)) - unix_micros(since)")
    quiet = quiet.join(usual, ["day", "device_id"]).where(lasted > PATIENCE * f.col("usual"))
    why = "concat('usually a reading every ', CAST(round(usual / 1e6) AS BIGINT), ' s') AS evidence"
    return quiet.selectExpr("day", "device_id", "'silent' AS alarm", "since", "until", "0L AS readings", why)
