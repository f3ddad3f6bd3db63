"""A few machines in a few words: the five tables of predictive maintenance as frames."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.use_cases.predictive_maintenance.features import features, labels
from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, ERRORS, MODELS, SENSORS, USE_CASE

Frames = Mapping[str, DataFrame]
Record = tuple[Any, ...]

SCHEMAS = {
    "machines": "machineID bigint, model string, age bigint",
    "telemetry": "at timestamp, machineID bigint, volt double, rotate double, pressure double, vibration double",
    "errors": "at timestamp, machineID bigint, errorID string",
    "maintenance": "at timestamp, machineID bigint, comp string",
    "failures": "at timestamp, machineID bigint, failure string",
    "days": "day date",
}
ONE_MACHINE: Sequence[Record] = ((1, "model3", 18),)

# A machine of which nothing is told but that it is there.
NOTHING: Mapping[str, Any] = (
    dict.fromkeys(USE_CASE.features.columns)
    | {name: 1.0 for name in USE_CASE.features.columns if name.startswith("missing")}
    | {name: 0 for name in USE_CASE.features.columns if name.startswith(ERRORS)}
    | {name: 1 for name in USE_CASE.features.columns if "_never_" in name}
    | {name: int(name == "model3") for name in MODELS}
    | {"machineID": 1, "age": 18}
)


def time(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def reading(at: str, machine: int = 1, **sensors: float) -> Record:
    values = (sensors.get(name) for name in SENSORS)
    return (time(at), machine, *(None if value is None else float(value) for value in values))


def hourly(first: str, count: int, machine: int = 1, **sensors: float) -> list[Record]:
    return [reading(f"{time(first) + timedelta(hours=n):%Y-%m-%d %H:%M}", machine, **sensors) for n in range(count)]


def event(at: str, what: str, machine: int = 1) -> Record:
    return (time(at), machine, what)


def frames(spark: SparkSession, days: Sequence[str], **tables: Sequence[Record]) -> Frames:
    """Tables that are not named are empty; there is one machine where none is named."""
    records: dict[str, Sequence[Record]] = {"machines": ONE_MACHINE, **tables}
    records["days"] = [(time(day).date(),) for day in days]
    return {name: spark.createDataFrame(list(records.get(name, ())), schema) for name, schema in SCHEMAS.items()}


def made(spark: SparkSession, days: Sequence[str], **tables: Sequence[Record]) -> pd.DataFrame:
    """Features of the stamps of these days, in order."""
    return in_order(features(frames(spark, days, **tables)))


def foretold(spark: SparkSession, stamps: Sequence[str], failures: Sequence[Record]) -> dict[str, str]:
    """By stamp, the components that are labelled to fail, with the hours until they do."""
    asked = spark.createDataFrame([(1, time(stamp)) for stamp in stamps], "machineID bigint, at timestamp")
    rows = in_order(labels({**frames(spark, [], failures=failures), "stamps": asked}))
    return {f"{row['at']:%m-%d %H:%M}": _failing(row) for _, row in rows.iterrows()}


def _failing(row: "pd.Series[Any]") -> str:
    return " ".join(f"{name} in {row[f'{name}_hours']:g} h" for name in COMPONENTS if row[name])


def in_order(frame: DataFrame) -> pd.DataFrame:
    found: pd.DataFrame = frame.toPandas()
    return found.sort_values(["machineID", "at"], ignore_index=True)


def expected(*rows: Mapping[str, Any]) -> pd.DataFrame:
    """Whole rows; what a row does not say is as of a machine of which nothing is told."""
    found = pd.DataFrame([{**NOTHING, **row} for row in rows])[["machineID", "at", *USE_CASE.features.columns]]
    return found.astype({name: "float64" for name in found if found[name].dtype == "object"})


def file_of(table: str, *records: str) -> str:
    """A raw file: records under the right header."""
    return "\n".join([",".join(USE_CASE.table(table).column_names), *records, ""])
