"""A use case with everything a lake can hold: things, facts, and a whole history. Its features.py is this module."""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from spark_jobs.declare import (
    Check,
    Column,
    Delivery,
    Features,
    Gate,
    Job,
    Kind,
    Labels,
    Place,
    RawTable,
    Search,
    Stage,
    TimeSplit,
    UseCase,
    Window,
)
from spark_jobs.files import Files
from spark_jobs.lakehouse import Lake
from spark_jobs.stages import features as features_stage
from spark_jobs.stages import ingest, refine
from spark_jobs.work import Result, Work

DAY = timedelta(days=1)
FIRST = date(2024, 3, 1)
BUCKET = os.environ.get("NIGHTSHIFT_TEST_BUCKET", "")  # s3://name, with AWS_ENDPOINT_URL, AWS_REGION and a key

TIME, SHOP = Column(name="time", kind=Kind.MOMENT), Column(name="shop", kind=Kind.INTEGER, low=1)
USE_CASE = UseCase(
    name="shop",
    summary="Whether a shop closes within a day",
    grain="one row per sale",
    tables=(
        RawTable(name="shops", columns=(SHOP, Column(name="size", kind=Kind.INTEGER)), key=("shop",)),
        RawTable(
            name="sales",
            columns=(
                TIME,
                SHOP,
                Column(name="amount", kind=Kind.INTEGER, low=0, high=100),
                Column(name="heat", low=-50, high=50, required=False, bad_becomes_null=True),
                Column(name="note", kind=Kind.TEXT, required=False),
            ),
            key=("shop", "at"),
            day_column="time",
            event_time="time",
            checks=(Check(says="nobody pays 13", sql="amount <> 13"),),
            refers_to=("shops", "shop"),
        ),
        RawTable(
            name="closures",
            columns=(TIME, SHOP, Column(name="why", kind=Kind.TEXT, codes=("planned", "sudden"))),
            key=("shop", "at"),
            day_column="time",
            event_time="time",
            whole_history=True,
            repeats_refused=True,
        ),
    ),
    features=Features(key=("shop", "at"), columns=("size", "sold_before", "closed_before"), lookback=DAY),
    labels=Labels(columns=("closes",), horizon=DAY, clock="sales"),
    split=TimeSplit(judge=DAY, validate=DAY, embargo=DAY),
    gate=Gate(metric="rmse", better="lower", limit=1.0, margin=0.0, rows=1),
    search=Search(trials=1),
    history=30 * DAY,
)


def declaring(*columns: Column, check: str = "TRUE") -> UseCase:
    """The use case with other declarations of some columns of sales, and another check."""
    shops, sales, closures = USE_CASE.tables
    other = {column.name: column for column in columns}
    columns = tuple(other.get(column.name, column) for column in sales.columns)
    changed = replace(sales, columns=columns, checks=(Check(says="as asked", sql=check),))
    return replace(USE_CASE, tables=(shops, changed, closures))


def features(frames: Mapping[str, DataFrame]) -> DataFrame:
    """One row per sale: the shop's size, what it sold the day before, and when it last closed, ever."""
    sales, key = frames["sales"].select("shop", "at"), ["shop", "at"]
    sold = frames["sales"].select(f.col("shop").alias("other"), f.col("at").alias("before"), "amount")
    recent = (
        (f.col("other") == f.col("shop")) & (f.col("before") < f.col("at")) & f.expr("before >= at - INTERVAL 1 DAY")
    )
    closed = frames["closures"].select(f.col("shop").alias("other"), f.col("at").alias("before"))
    earlier = (f.col("other") == f.col("shop")) & (f.col("before") < f.col("at"))
    amounts = sales.join(sold, recent, "left").groupBy(*key).agg(f.sum("amount").alias("sold_before"))
    closures = sales.join(closed, earlier, "left").groupBy(*key).agg(f.max("before").alias("closed_before"))
    return amounts.join(closures, key).join(frames["shops"].select("shop", "size"), "shop", "left")


def labels(frames: Mapping[str, DataFrame]) -> DataFrame:
    """Whether the shop closes in (at, at + 1 day]."""
    closed = frames["closures"].select(f.col("shop").alias("other"), f.col("at").alias("then"))
    soon = (f.col("other") == f.col("shop")) & (f.col("then") > f.col("at")) & f.expr("then <= at + INTERVAL 1 DAY")
    closes = f.max(f.col("then").isNotNull().cast("int")).alias("closes")
    return frames["stamps"].join(closed, soon, "left").groupBy("shop", "at").agg(closes)


def simulated(window: Window, knobs: Mapping[str, float]) -> Iterator[Delivery]:
    """The same shop every day."""
    for day in window.days:
        yield Delivery(table="shops", day=day, name="simulated.csv", text="shop,size\n7,70\n")


for part in ("features", "source"):
    sys.modules[f"spark_jobs.use_cases.shop.{part}"] = sys.modules[__name__]

HEADERS = {"shops": "shop,size", "sales": "time,shop,amount,heat,note", "closures": "time,shop,why"}
STAGES = {Stage.INGEST: ingest, Stage.REFINE: refine, Stage.FEATURES: features_stage}


def _order(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Nulls first, for values that know no order with None."""
    return tuple((value is not None, value) for value in row)


@dataclass(frozen=True)
class Town:
    """One lake and one landing folder of the use case."""

    spark: SparkSession
    folder: Path
    use_case: UseCase = USE_CASE
    source: str = "own"

    @property
    def lake(self) -> Lake:
        return Lake(self.spark, f"{self.folder}/lake", self.use_case.name)

    @property
    def landing(self) -> Files:
        """Of all use cases: in a folder, or in a bucket where one is named."""
        return Files(BUCKET or f"{self.folder}/landing").below(*([str(self.folder).strip("/")] if BUCKET else []))

    @property
    def raw(self) -> Files:
        return self.landing.below(self.use_case.name)

    def deliver(self, table: str, day: int, *records: str, name: str = "a.csv") -> None:
        """Records under the right header, arriving on a day counted from FIRST."""
        self.drop(table, day, "\n".join([HEADERS[table], *records, ""]), name)

    def drop(self, table: str, day: int, text: str | bytes, name: str = "a.csv") -> None:
        content = text if isinstance(text, bytes) else text.encode()
        self.raw.below(table, str(FIRST + DAY * day), name).write(content)

    def work(self, stage: Stage, first: int, last: int) -> Work:
        window = Window.of(FIRST + DAY * first, FIRST + DAY * last)
        place = Place(
            lake=f"{self.folder}/lake", landing=self.landing.address, tracking="", registry="", source=self.source
        )
        job = Job(stage=stage, use_case=self.use_case.name, window=window)
        return Work(job=job, place=place, use_case=self.use_case, spark=self.spark)

    def run(self, stage: Stage, first: int = 0, last: int | None = None) -> Result:
        result: Result = STAGES[stage].run(self.work(stage, first, first if last is None else last))
        return result

    def night(self, first: int = 0, last: int | None = None) -> dict[str, Result]:
        """All stages over the days from first to last."""
        return {str(stage): self.run(stage, first, last) for stage in STAGES}

    def rows(self, layer: str, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """A whole table in one order; the columns asked for, or all that do not differ by try."""
        frame = self.lake.table(layer, table).read()
        return sorted(map(tuple, frame.select(*(columns or frame.columns)).collect()), key=_order)

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row that law 2 speaks of."""
        names = [table.name for table in self.use_case.tables]
        tables = [(layer, name) for layer in ("bronze", "silver", "quarantine") for name in names]
        tables += [("gold", "features"), ("gold", "labels")]
        return {f"{a}/{b}": self.rows(a, b) for a, b in tables if self.lake.table(a, b).exists()}
