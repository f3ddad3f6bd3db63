"""What holds of every use case that ends in tables: a day of it is the same however the days came."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs import use_cases
from spark_jobs.declare import Job, Place, Stage, Tables, Window
from spark_jobs.lakehouse import Lake
from spark_jobs.stages import ingest, refine, report
from spark_jobs.work import work
from tests.spark.conftest import THIRD_PARTY

pytestmark = [pytest.mark.filterwarnings(line) for line in THIRD_PARTY]
DAY, FIRST, DAYS = timedelta(days=1), date(2024, 2, 28), 3
NAMES = [name for name in use_cases.names() if name not in use_cases.models()]
STAGES = {Stage.INGEST: ingest, Stage.REFINE: refine, Stage.REPORT: report}


def night(spark: SparkSession, folder: Path, use_case: Tables, window: Window) -> Lake:
    folder.mkdir(exist_ok=True)
    address = f"sqlite:///{folder}/mlflow.db"
    place = Place(lake=f"{folder}/lake", landing=f"{folder}/landing", tracking=address, registry=address)
    for stage, module in STAGES.items():
        given = work(Job(stage=stage, use_case=use_case.name, window=window), place, use_case, spark)
        module.run(given)
    return given.lake


def rows(lake: Lake, layer: str, name: str) -> list[str]:
    return sorted(map(repr, lake.table(layer, name).read().collect()))


@pytest.mark.parametrize("name", NAMES)
def test_days_one_after_another_in_any_order_give_what_a_range_gives(
    name: str, spark: SparkSession, tmp_path: Path
) -> None:
    use_case = use_cases.load(name)
    whole = night(spark, tmp_path / "whole", use_case, Window(start=FIRST, end=FIRST + DAYS * DAY))
    for day in (1, 0, 2):
        apart = night(spark, tmp_path / "apart", use_case, Window.of(FIRST + day * DAY))
    layers = [("silver", table.name) for table in use_case.tables]
    for layer, one in (*layers, *(("gold", made.name) for made in use_case.reports)):
        found = rows(apart, layer, one)
        assert len(found) > DAYS
        assert found == rows(whole, layer, one), (layer, one)
