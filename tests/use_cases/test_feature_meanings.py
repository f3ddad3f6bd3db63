"""Features mean today what they meant when models learned them: on fixed input they give the recorded values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from pyspark.sql import SparkSession

from spark_jobs.use_cases.bike_sharing.features import features
from tests.use_cases.fingerprints import differences, fingerprints

BIKE_SHARING = {
    "hour": "83dae87b",
    "month": "431c771c",
    "season": "02f143ab",
    "holiday": "57b4d8a1",
    "weekday": "d86b1f5d",
    "workingday": "c53a9bf8",
    "weathersit": "33213ba0",
    "temp": "03bc48c1",
    "atemp": "d546eccf",
    "hum": "c7a19c76",
    "windspeed": "648fbad6",
    "weathersit_1h": "6e3d25d3",
    "weathersit_2h": "23888be3",
    "weathersit_3h": "0dc9c6ca",
    "weathersit_1d": "e61c685b",
    "temp_1d": "81bc8c22",
    "temp_usual": "cdb8b015",
    "usual": "7c417ba1",
    "cnt_1d_share": "6b0d9d55",
    "cnt_2d_share": "f203adac",
    "cnt_7d_share": "0946a6c5",
    "cnt_14d_share": "99296a90",
    "trend_1d": "d0bba21e",
    "trend_7d": "bd6d6653",
    "usual_trend": "ca90ad73",
}


def hour(number: int) -> dict[str, Any]:
    """Of no city there is, but every hour another, and some absent."""
    at = datetime(2024, 2, 1, tzinfo=UTC) + timedelta(hours=number)
    weekday = at.isoweekday() % 7
    return {
        "at": at,
        "season": 1 + number % 4,
        "mnth": at.month,
        "hr": at.hour,
        "holiday": number % 50 // 49,
        "weekday": weekday,
        "workingday": int(0 < weekday < 6),
        "weathersit": 1 + number * 7 % 31 % 3,
        "temp": number * 37 % 101 / 100,
        "atemp": number * 41 % 103 / 102,
        "hum": number * 43 % 107 / 106,
        "windspeed": number * 47 % 109 / 108,
        "cnt": number * 53 % 997,
    }


def test_bike_sharing(spark: SparkSession) -> None:
    hours = pd.DataFrame([hour(number) for number in range(24 * 35) if number % 61])
    foretold = spark.createDataFrame(hours.drop(columns="cnt"))
    found = features({"rides": spark.createDataFrame(hours), "forecast": foretold}).toPandas()
    assert differences(BIKE_SHARING, fingerprints(found, ["at"])) == []


def test_another_meaning_is_told_from_another_order_or_the_last_digit() -> None:
    rows = pd.DataFrame({"at": [1, 2, 3], "usual": [0.1, None, 0.3]})
    recorded = fingerprints(rows, ["at"])
    same = pd.DataFrame({"at": [3, 2, 1], "usual": [0.1 + 0.2, None, 0.1]})
    assert differences(recorded, fingerprints(same, ["at"])) == []
    (said,) = differences(recorded, fingerprints(rows.fillna(0.0), ["at"]))
    assert said.startswith("usual no longer has the values it was recorded with. A changed meaning is a new column")


def test_new_columns_are_to_be_recorded_and_old_ones_not_forgotten() -> None:
    assert differences({"a": "1"}, {"b": "2"}) == [
        "a is gone: remove it from the record once no champion reads it",
        "not recorded yet, so add: {'b': '2'}",
    ]
