"""What a model learns from does not depend on how its rows lie in files."""

from datetime import datetime, timedelta

from pyspark.sql import SparkSession

from spark_jobs.learning.known import in_memory
from spark_jobs.use_cases import learning


def test_rows_in_memory_are_in_the_order_of_the_key_however_they_lie(spark: SparkSession) -> None:
    use_case = learning("predictive_maintenance")
    hours = [(machine, datetime(2024, 1, 1) + timedelta(hours=hour)) for machine in (1, 2) for hour in range(3)]
    rows = in_memory(spark.createDataFrame(hours[::-1], "machineID int, at timestamp_ntz"), use_case)
    assert list(use_case.features.key) == ["machineID", "at"]
    assert list(rows.itertuples(index=False, name=None)) == hours
    assert rows.index.tolist() == list(range(6))
