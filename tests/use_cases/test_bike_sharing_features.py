"""Bike sharing: a few hours in, whole frames out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.testing import assertDataFrameEqual

from spark_jobs.use_cases.bike_sharing.features import features, labels
from spark_jobs.use_cases.bike_sharing.reports import daily
from spark_jobs.use_cases.bike_sharing.use_case import USE_CASE

WEEKDAY, SUNDAY = {"weekday": 5, "workingday": 1}, {"weekday": 0, "workingday": 0}
FRIDAY = "2024-03-29 08:00"


def hour(at: str, **values: Any) -> dict[str, Any]:
    """A mild hour of a working day in March."""
    usual = {"season": 1, "mnth": 3, "hr": int(at[11:13]), "holiday": 0, **WEEKDAY}
    sky = {"weathersit": 1, "temp": 0.5, "atemp": 0.5, "hum": 0.6, "windspeed": 0.1}
    return {"at": datetime.fromisoformat(at + ":00+00:00"), **usual, **sky, **values}


def ridden(at: str, cnt: int, **values: Any) -> dict[str, Any]:
    return hour(at, casual=0, registered=cnt, cnt=cnt, **values)


def frame(spark: SparkSession, rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    kinds = {datetime: "timestamp", int: "bigint", float: "double"}
    schema = ", ".join(f"{name} {kinds[type(value)]}" for name, value in rows[0].items())
    return spark.createDataFrame([tuple(row.values()) for row in rows], schema)


def made(spark: SparkSession, rides: Sequence[Mapping[str, Any]], forecast: Sequence[Mapping[str, Any]]) -> DataFrame:
    return features({"rides": frame(spark, rides), "forecast": frame(spark, forecast)})


def expected(spark: SparkSession, like: DataFrame, *rows: Mapping[str, Any]) -> DataFrame:
    return spark.createDataFrame([tuple(row[name] for name in like.columns) for row in rows], like.schema)


NOTHING_BEFORE: Mapping[str, Any] = dict.fromkeys(USE_CASE.features.columns[11:])


def row(at: str, **values: Any) -> dict[str, Any]:
    """What is told of the hour itself, and of the past nothing but what is said here."""
    told = hour(at)
    return {**NOTHING_BEFORE, **told, "hour": told["hr"], "month": told["mnth"], **values}


def test_demand_is_a_share_of_what_is_usual_at_this_hour_of_such_a_day(spark: SparkSession) -> None:
    rides = [
        ridden("2024-03-01 08:00", 100),  # 28 days before: the oldest that counts
        ridden("2024-03-15 08:00", 200),
        ridden("2024-03-22 08:00", 300),
        ridden("2024-03-24 08:00", 7000, **SUNDAY),  # another kind of day
        ridden("2024-03-27 08:00", 500),
        ridden("2024-03-28 08:00", 400),  # 24 hours before: the newest that counts
    ]
    found = made(spark, rides, [hour(FRIDAY)])
    usual = (100 + 200 + 300 + 500 + 400) / 5
    week, month = (300 + 7000 + 500 + 400) / 4, (100 + 200 + 300 + 7000 + 500 + 400) / 6
    wanted = row(
        FRIDAY,
        usual=usual,
        cnt_1d_share=400 / usual,
        cnt_2d_share=500 / usual,
        cnt_7d_share=300 / usual,
        cnt_14d_share=200 / usual,
        trend_1d=400 / week,
        trend_7d=week / month,
        usual_trend=(200 + 300 + 500 + 400) / 4 / usual,
    )
    assertDataFrameEqual(found, expected(spark, found, wanted))


def test_counts_younger_than_a_day_and_older_than_four_weeks_are_not_read(spark: SparkSession) -> None:
    rides = [
        ridden("2024-02-29 08:00", 9000),
        ridden("2024-03-28 09:00", 9000),  # 23 hours before
        ridden("2024-03-29 08:00", 9000),
        ridden("2024-03-30 08:00", 9000),
    ]
    found = made(spark, rides, [hour(FRIDAY)])
    assertDataFrameEqual(found, expected(spark, found, row(FRIDAY)))


def test_an_absent_hour_is_a_gap_and_not_the_hour_before(spark: SparkSession) -> None:
    """Ten and 30 hours before is neither one day nor two, however near the rows lie."""
    rides = [ridden("2024-03-28 02:00", 40, hr=2), ridden("2024-03-28 22:00", 80, hr=22)]
    found = made(spark, rides, [hour(FRIDAY)])
    assertDataFrameEqual(found, expected(spark, found, row(FRIDAY, trend_1d=1.0, trend_7d=1.0)))


def test_weather_of_the_hours_and_the_day_before_is_what_was_foretold(spark: SparkSession) -> None:
    rides = [ridden("2024-03-28 08:00", 100, weathersit=4, temp=0.0)]
    forecast = [
        hour("2024-03-28 08:00", weathersit=2, temp=0.3),
        hour("2024-03-29 06:00", weathersit=3),
        hour(FRIDAY, temp=0.6),
    ]
    found = made(spark, rides, forecast).where(f"at = TIMESTAMP'{FRIDAY}'")
    wanted = row(
        FRIDAY,
        temp=0.6,
        weathersit_2h=3,
        weathersit_1d=2,
        temp_1d=0.3,
        temp_usual=0.3,
        usual=100.0,
        cnt_1d_share=1.0,
        trend_1d=1.0,
        trend_7d=1.0,
        usual_trend=1.0,
    )
    assertDataFrameEqual(found, expected(spark, found, wanted))


def test_hours_nobody_foretold_have_no_row_and_count_all_the_same(spark: SparkSession) -> None:
    found = made(spark, [ridden("2024-03-28 08:00", 100)], [hour(FRIDAY)])
    assert [(r.at.isoformat(), r.usual) for r in found.collect()] == [("2024-03-29T08:00:00", 100.0)]


def test_an_hour_that_is_usually_empty_has_no_shares(spark: SparkSession) -> None:
    found = made(spark, [ridden("2024-03-28 08:00", 0)], [hour(FRIDAY)])
    assertDataFrameEqual(found, expected(spark, found, row(FRIDAY, usual=0.0)))


def test_the_label_is_what_was_counted(spark: SparkSession) -> None:
    rides = frame(spark, [ridden(FRIDAY, 300)])
    wanted = spark.createDataFrame([(datetime.fromisoformat(FRIDAY + "+00:00"), 300)], "at timestamp, cnt bigint")
    assertDataFrameEqual(labels({"rides": rides}), wanted)


def test_a_foretold_day_waits_for_its_counts(spark: SparkSession) -> None:
    rides = spark.sql(
        """SELECT DATE'2024-03-28' AS day, 10L AS cnt, 2L AS casual, 8L AS registered, temp, 0.5D AS hum,
                  0.1D AS windspeed, 1L AS weathersit FROM VALUES (0.3D), (0.5D) AS t(temp)"""
    )
    predictions = spark.sql(
        """SELECT * FROM VALUES (DATE'2024-03-28', 9.5D), (DATE'2024-03-29', 30.1D), (DATE'2024-03-29', 0.14D)
           AS t(day, prediction)"""
    )
    found = daily({"rides": rides, "predictions": predictions}).drop("worst_weathersit", "mean_hum", "mean_windspeed")
    wanted = spark.sql(
        """SELECT * FROM VALUES
             (DATE'2024-03-28', 2L, 20L, 4L, 16L, 0.4D, 1L, 9.5D),
             (DATE'2024-03-29', NULL, NULL, NULL, NULL, NULL, 2L, 30.2D)
           AS t(day, hours, cnt, casual, registered, mean_temp, hours_predicted, predicted_cnt)"""
    )
    assertDataFrameEqual(found, wanted)
