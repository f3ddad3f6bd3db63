"""Builds the Java class archive by doing once what jobs do. Runs in the Spark environment."""

import sys
import tempfile
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import Window
from spark_jobs.lakehouse import Lake, within
from spark_jobs.session import spark_session

# As heavy jobs run; a light one, which this is, interprets.
COMPILED = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}


def rehearse(spark: SparkSession, folder: str) -> None:
    """Writes, replaces, merges and reads, in SQL, in frames and through Arrow."""
    lake = Lake(spark, folder, "rehearsal")
    table = lake.gold("numbers")
    days = spark.range(100).selectExpr("DATE'2020-01-01' + CAST(id AS INT) AS day", "id", "id / 7 AS share")
    table.replace(days, None, {"made": "first"})
    some = Window.of(date(2020, 1, 1), date(2020, 2, 29))
    table.replace(table.read().where(within([some])), within([some]), {"made": "again"})
    table.append(through_python(days.limit(5)), {})
    table.state()
    merge(spark, table.sql_name, days)
    read(spark, table.sql_name)
    learn(days)


def through_python(frame: DataFrame) -> DataFrame:
    return frame.mapInPandas(lambda batches: batches, frame.schema)


def merge(spark: SparkSession, table: str, frame: DataFrame) -> None:
    frame.createOrReplaceTempView("delivered")
    spark.sql(
        f"MERGE INTO {table} AS old USING delivered AS new ON old.id = new.id AND old.day = new.day "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )


def read(spark: SparkSession, table: str) -> None:
    """Joins, windows over time, aggregates, sets and arrays: what stages are made of."""
    spark.sql(
        f"""
        WITH n AS (
            SELECT *, avg(share) OVER (ORDER BY CAST(day AS TIMESTAMP) RANGE INTERVAL 7 DAYS PRECEDING) AS mean,
                   row_number() OVER (PARTITION BY id ORDER BY share DESC) AS place
            FROM {table})
        SELECT n.day, count(*) AS rows, max_by(n.id, n.share) AS best, collect_set(n.place) AS places,
               sha2(concat_ws('|', array(CAST(max(n.mean) AS STRING))), 256) AS hash
        FROM n LEFT JOIN {table} VERSION AS OF 0 AS o ON n.id = o.id
        WHERE n.place = 1 AND try_cast(o.share AS DOUBLE) IS NOT NULL
        GROUP BY n.day ORDER BY n.day"""
    ).toPandas()


def learn(frame: DataFrame) -> None:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import OneHotEncoder, VectorAssembler
    from pyspark.ml.regression import LinearRegression

    kept = frame.selectExpr("CAST(id % 7 AS INT) AS weekday", "CAST(id AS DOUBLE) AS id", "share").cache()
    coded = OneHotEncoder(inputCols=["weekday"], outputCols=["coded"])
    joined = VectorAssembler(inputCols=["coded", "id"], outputCol="features")
    fitted = Pipeline(stages=[coded, joined, LinearRegression(labelCol="share")]).fit(kept)
    fitted.transform(kept).select("prediction").toPandas()


def main(archive: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spark = spark_session("class archive", flags=[f"-XX:ArchiveClassesAtExit={archive}"])
        java = spark.sparkContext._gateway.proc  # type: ignore[union-attr] # a local session has one
        rehearse(spark, f"{folder}/light")
        for name, value in COMPILED.items():
            spark.conf.set(name, value)
        rehearse(spark, f"{folder}/heavy")
        spark.stop()
        java.stdin.close()  # it ends, and writes the archive, when nobody talks to it any more
        java.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
