"""Features mean today what they meant when models learned them: on fixed input they give the recorded values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from spark_jobs import use_cases
from spark_jobs.use_cases.bike_sharing.features import features
from spark_jobs.use_cases.census_income.use_case import PEOPLE
from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, ERRORS
from spark_jobs.use_cases.wine_quality.use_case import MEASUREMENTS
from tests.use_cases import plant
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

WINES = {
    "fixed_acidity": "0774dbe7",
    "volatile_acidity": "8a3c8d1b",
    "citric_acid": "fa128e8f",
    "residual_sugar": "ff739028",
    "chlorides": "91a5efde",
    "free_sulfur_dioxide": "314cc93d",
    "total_sulfur_dioxide": "0be121e5",
    "density": "3e6aa447",
    "ph": "36d9b3aa",
    "sulphates": "a61f0063",
    "alcohol": "ae67e49f",
    "bound_sulfur_dioxide": "96af043b",
    "is_red": "cdc77cae",
}

CENSUS_INCOME = {
    "age": "94f43a89",
    "workclass": "b8c52041",
    "final_weight": "885b11d6",
    "education": "c570669b",
    "education_num": "1b14c119",
    "marital_status": "0fcc03d1",
    "occupation": "130e6402",
    "relationship": "cd6c7835",
    "race": "84c4a242",
    "sex": "846b1d4f",
    "capital_gain": "792f7ac8",
    "capital_loss": "c635a10c",
    "hours_per_week": "df2ddf06",
    "native_country": "d430878b",
}

PREDICTIVE_MAINTENANCE = {
    "volt_mean_12h": "264a8ce5",
    "volt_deviation_12h": "413c2af3",
    "volt_minimum_12h": "404a0502",
    "volt_maximum_12h": "3a2f6729",
    "volt_slope_12h": "2b2b62e5",
    "volt_mean_24h": "8f958972",
    "volt_deviation_24h": "62c4e4eb",
    "volt_minimum_24h": "bb51f72c",
    "volt_maximum_24h": "02f24376",
    "volt_slope_24h": "8f8c5c9b",
    "volt_mean_36h": "91683f88",
    "volt_deviation_36h": "d4299515",
    "volt_minimum_36h": "4ceacba1",
    "volt_maximum_36h": "49cc562d",
    "volt_slope_36h": "c735ec90",
    "volt_mean_7d": "7f5a000b",
    "volt_deviation_7d": "afdd1162",
    "volt_minimum_7d": "e29330ea",
    "volt_maximum_7d": "63d8ae12",
    "volt_slope_7d": "fab8be5b",
    "rotate_mean_12h": "583dbcbe",
    "rotate_deviation_12h": "07cc26de",
    "rotate_minimum_12h": "b4f3ba24",
    "rotate_maximum_12h": "02c910e4",
    "rotate_slope_12h": "9e3cdc8e",
    "rotate_mean_24h": "68890eb4",
    "rotate_deviation_24h": "623de5e6",
    "rotate_minimum_24h": "d3eb4715",
    "rotate_maximum_24h": "e6322ec2",
    "rotate_slope_24h": "3330b684",
    "rotate_mean_36h": "749ea0b0",
    "rotate_deviation_36h": "59159cdf",
    "rotate_minimum_36h": "27024e49",
    "rotate_maximum_36h": "7b76ea4d",
    "rotate_slope_36h": "4116a772",
    "rotate_mean_7d": "0aa02313",
    "rotate_deviation_7d": "978d9c66",
    "rotate_minimum_7d": "f06e1a2e",
    "rotate_maximum_7d": "2a182f63",
    "rotate_slope_7d": "95584f0f",
    "pressure_mean_12h": "b3c92f43",
    "pressure_deviation_12h": "5feeb58f",
    "pressure_minimum_12h": "5bae10a4",
    "pressure_maximum_12h": "81e038d8",
    "pressure_slope_12h": "37f9dbcc",
    "pressure_mean_24h": "37be10b9",
    "pressure_deviation_24h": "72010da8",
    "pressure_minimum_24h": "51ce1a74",
    "pressure_maximum_24h": "bc326b5b",
    "pressure_slope_24h": "de4d9f65",
    "pressure_mean_36h": "3d1e75c1",
    "pressure_deviation_36h": "217f6500",
    "pressure_minimum_36h": "6fa3af7a",
    "pressure_maximum_36h": "805e5a99",
    "pressure_slope_36h": "5120e270",
    "pressure_mean_7d": "4a579e08",
    "pressure_deviation_7d": "af4b6369",
    "pressure_minimum_7d": "5f06b979",
    "pressure_maximum_7d": "39306460",
    "pressure_slope_7d": "57f5563e",
    "vibration_mean_12h": "dab64951",
    "vibration_deviation_12h": "c9e616fb",
    "vibration_minimum_12h": "048dbbee",
    "vibration_maximum_12h": "c89b171a",
    "vibration_slope_12h": "fa4dba70",
    "vibration_mean_24h": "3871801b",
    "vibration_deviation_24h": "a3955a70",
    "vibration_minimum_24h": "9025570c",
    "vibration_maximum_24h": "39f0558a",
    "vibration_slope_24h": "1624fed0",
    "vibration_mean_36h": "ad2482b6",
    "vibration_deviation_36h": "e07769f3",
    "vibration_minimum_36h": "67083e98",
    "vibration_maximum_36h": "d6253769",
    "vibration_slope_36h": "bcecaa6a",
    "vibration_mean_7d": "16869901",
    "vibration_deviation_7d": "4c4d988e",
    "vibration_minimum_7d": "4b3d1ad2",
    "vibration_maximum_7d": "a4f06fb2",
    "vibration_slope_7d": "bdc1dd50",
    "missing_12h": "c4ae2615",
    "missing_24h": "5fdf1983",
    "missing_36h": "25c60803",
    "missing_7d": "8f6829c9",
    "error1_24h": "d311027c",
    "error1_7d": "06f51dd3",
    "error2_24h": "29334a58",
    "error2_7d": "89bf2b8b",
    "error3_24h": "b35b82aa",
    "error3_7d": "076ff7e4",
    "error4_24h": "9a9f1560",
    "error4_7d": "5069c811",
    "error5_24h": "8a0ecf61",
    "error5_7d": "9b544912",
    "comp1_replaced_days": "f846b670",
    "comp2_replaced_days": "ba26e049",
    "comp3_replaced_days": "d437ef7c",
    "comp4_replaced_days": "1ac4cdf9",
    "comp1_failed_days": "e9813a11",
    "comp2_failed_days": "e9e37f9f",
    "comp3_failed_days": "1e821714",
    "comp4_failed_days": "9bebaa09",
    "comp1_never_replaced": "fcc6e87d",
    "comp2_never_replaced": "9422cb40",
    "comp3_never_replaced": "fcc6e87d",
    "comp4_never_replaced": "9422cb40",
    "comp1_never_failed": "fcc6e87d",
    "comp2_never_failed": "9422cb40",
    "comp3_never_failed": "fcc6e87d",
    "comp4_never_failed": "9422cb40",
    "age": "8113e4e9",
    "model1": "9422cb40",
    "model2": "ab671412",
    "model3": "ab671412",
    "model4": "fcc6e87d",
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


def shown(number: int) -> plant.Record:
    """By one of two machines, every hour another; some hours and some values are absent."""
    at = datetime(2024, 3, 1, tzinfo=UTC) + timedelta(hours=number)
    values = (number * 37 % 101 + 150, number * 41 % 503, number * 43 % 107 + 50, number * 47 % 53 + 9)
    return (at, 1 + number % 2, *(float(value) if number % 29 > place else None for place, value in enumerate(values)))


def happened(number: int, *what: str) -> plant.Record:
    at = datetime(2024, 3, 1, tzinfo=UTC) + timedelta(hours=number * 7)
    return (at, 1 + number % 2, what[number % len(what)])


def test_predictive_maintenance(spark: SparkSession) -> None:
    found = plant.made(
        spark,
        ["2024-03-09", "2024-03-10", "2024-03-14"],
        machines=[(1, "model1", 3), (2, "model4", 14)],
        telemetry=[shown(number) for number in range(24 * 15) if number % 31],
        errors=[happened(number, *ERRORS) for number in range(60)],
        maintenance=[happened(number, *COMPONENTS) for number in range(40)],
        failures=[happened(number, *COMPONENTS) for number in range(0, 30, 5)],
    )
    assert differences(PREDICTIVE_MAINTENANCE, fingerprints(found, ["machineID", "at"])) == []


def sample(number: int) -> dict[str, Any]:
    measured = {name: number * (31 + place) % 101 / 10 for place, (name, _, _) in enumerate(MEASUREMENTS.values())}
    at = datetime(2024, 3, 1 + number % 3, tzinfo=UTC)
    told = {"colour": ("red", "white")[number % 2], "quality": number % 11, "file": f"{at:%F}/a.csv", "record": number}
    return {"at": at, **measured, **told}


@pytest.mark.parametrize("name", ["wine_quality", "wine_score"])
def test_wines(name: str, spark: SparkSession) -> None:
    """One record for both: on one source the same column means the same."""
    made: DataFrame = use_cases.part(name, "features").features(
        {"samples": spark.createDataFrame(pd.DataFrame([sample(number) for number in range(60)]))}
    )
    assert dict(made.dtypes)["is_red"] == "int"
    assert differences(WINES, fingerprints(made.toPandas(), ["at", "sample"])) == []


def person(number: int) -> dict[str, Any]:
    """Of each column other codes each time; now and then an answer is missing."""
    said: dict[str, Any] = {}
    for place, column in enumerate(PEOPLE.columns):
        told = number * (31 + place)
        said[column.name] = column.codes[told % len(column.codes)] if column.codes else told % 101
        if not column.required and number % 13 == place:
            said[column.name] = None
    return {"at": datetime(2024, 3, 1, tzinfo=UTC), **said, "file": "2024-03-01/a.csv", "record": number}


def test_census_income(spark: SparkSession) -> None:
    people = spark.createDataFrame(pd.DataFrame([person(number) for number in range(60)]))
    found = use_cases.part("census_income", "features").features({"people": people}).toPandas()
    assert differences(CENSUS_INCOME, fingerprints(found, ["at", "person"])) == []


def test_a_wine_is_good_from_a_grade_of_7_on(spark: SparkSession) -> None:
    graded = spark.createDataFrame(pd.DataFrame([sample(grade) | {"file": "a.csv"} for grade in range(11)]))
    made: DataFrame = use_cases.part("wine_quality", "features").labels({"samples": graded})
    assert [row["good"] for row in made.orderBy("sample").collect()] == [0] * 7 + [1] * 4


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
