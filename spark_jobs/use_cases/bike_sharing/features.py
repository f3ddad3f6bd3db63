"""What is known of an hour a day before it comes. Pure functions: frames in, a frame out."""

from collections.abc import Callable, Mapping

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as f

HOUR, DAY = 3600, 24 * 3600

CALENDAR = ("season", "holiday", "weekday", "workingday")
WEATHER = ("weathersit", "temp", "atemp", "hum", "windspeed")


def features(frames: Mapping[str, DataFrame]) -> DataFrame:
    """One row per hour of the forecast. Everything is counted in time, never in rows: hours can be absent."""
    return (
        _hours(frames["forecast"], frames["rides"])
        .withColumns(_demand() | _weather_before())
        .where("foretold")
        .select("at", f.col("hr").alias("hour"), f.col("mnth").alias("month"), *CALENDAR, *WEATHER, *_told())
    )


def labels(frames: Mapping[str, DataFrame]) -> DataFrame:
    """What came of it."""
    return frames["rides"].select("at", "cnt")


def _hours(forecast: DataFrame, rides: DataFrame) -> DataFrame:
    """Every hour that was foretold or ridden; hour of day and kind of day are there for both."""
    coming = forecast.select("at", "hr", "mnth", *CALENDAR, *WEATHER, f.lit(True).alias("foretold"))
    gone = rides.select("at", "cnt", f.col("hr").alias("_hr"), f.col("workingday").alias("_workingday"))
    return (
        coming.join(gone, "at", "full")
        .withColumns({name: f.coalesce(name, f"_{name}") for name in ("hr", "workingday")})
        .withColumn("second", f.unix_seconds("at"))
    )


def _demand() -> dict[str, Column]:
    """Counts become known a day later, so each of these ends 24 hours before the hour."""
    found = {f"cnt_{n}d": f.max("cnt").over(_past(n * DAY, n * DAY, "hr")) for n in (1, 2, 7, 14)}
    found |= {f"mean_{n}d": _mean(n) for n in (1, 7, 28)}
    return found | {f"usual_{n}d": f.avg("cnt").over(_past(n * DAY, DAY, "hr", "workingday")) for n in (14, 28)}


def _mean(days: int) -> Column:
    """Of all hours of so many days. Whole numbers up to now less those up to then: exact, and no frame that slides."""

    def until(day: int, of: Callable[[str], Column]) -> Column:
        frame = Window.orderBy("second").rangeBetween(Window.unboundedPreceding, -day * DAY)
        return f.coalesce(of("cnt").over(frame), f.lit(0))

    total, count = (until(1, of) - until(1 + days, of) for of in (f.sum, f.count))
    return f.try_divide(total, count)


def _weather_before() -> dict[str, Column]:
    """Of the forecast: whether it rains on while people decide, and what the counts before were made in."""
    found = {f"weathersit_{n}h": f.max("weathersit").over(_past(n * HOUR, n * HOUR)) for n in (1, 2, 3)}
    return found | {
        "weathersit_1d": f.max("weathersit").over(_past(DAY, DAY, "hr")),
        "temp_1d": f.max("temp").over(_past(DAY, DAY, "hr")),
        "temp_usual": f.avg("temp").over(_past(28 * DAY, DAY, "hr", "workingday")),
    }


def _told() -> list[Column]:
    """Demand as a share of what is usual, so that it means the same in a town twice as large."""
    return [
        *map(f.col, ("weathersit_1h", "weathersit_2h", "weathersit_3h", "weathersit_1d", "temp_1d", "temp_usual")),
        f.col("usual_28d").alias("usual"),
        *(f.try_divide(f"cnt_{n}d", "usual_28d").alias(f"cnt_{n}d_share") for n in (1, 2, 7, 14)),
        f.try_divide("mean_1d", "mean_7d").alias("trend_1d"),
        f.try_divide("mean_7d", "mean_28d").alias("trend_7d"),
        f.try_divide("usual_14d", "usual_28d").alias("usual_trend"),
    ]


def _past(first: int, last: int, *alike: str) -> WindowSpec:
    """From so many seconds before the hour to so many, both included; `alike`: of equal hours or days only."""
    return Window.partitionBy(*alike).orderBy("second").rangeBetween(-first, -last)
