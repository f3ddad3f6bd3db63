"""Scoring many rows: our way, with and without reasons, bare XGBoost on Parquet, and MLflow's spark_udf, in one run.

python -m benchmarks.scoring [rows]
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from benchmarks.lakes import Town, workshop
from benchmarks.measured import alternated, asked, tell, timed
from spark_jobs.kinds import Columns, Why
from spark_jobs.kinds import xgboost as boosting
from spark_jobs.lakehouse import Table

ROWS, TREES, TURNS = 2_000_000, 300, 3
OURS, BARE, UDF = "Nightshift, Delta to Delta", "bare XGBoost, Parquet", "mlflow.pyfunc.spark_udf"
WITH_REASONS = "Nightshift, reasons of 1 in 1,000"
MATTER = 0.001  # the share of rows whose reasons are asked for, as alarms are: all would take hundreds of times as long
COLUMNS = Columns(features=tuple(f"x{n}" for n in range(12)), labels=("y",), predictions=("prediction",))


@dataclass(frozen=True, kw_only=True)
class Bench:
    spark: SparkSession
    folder: Path
    model: boosting.Boosters
    why: Why  # of the rows that matter

    def delta(self, name: str) -> Table:
        return Table(self.spark, f"{self.folder}/{name}", is_path=True)

    @property
    def parquet(self) -> list[Path]:
        """The very files of the Delta table."""
        return sorted((self.folder / "features").glob("*.parquet"))

    def ours(self) -> None:
        predicted = self.model.score(self.delta("features").read(), ["day", "key"])
        self.delta("ours").replace(predicted, None, {})

    def reasoned(self) -> None:
        predicted = self.model.score(self.delta("features").read(), ["day", "key"], self.why)
        self.delta("reasoned").replace(predicted, None, {})

    def bare(self) -> None:
        """One process, as many threads as there are cores, no table format, no Spark."""
        import xgboost

        booster = xgboost.Booster(model_file=bytearray(self.model.raw[0]))
        rows = pa.concat_tables(pq.read_table(file) for file in self.parquet)
        matrix = np.column_stack([rows.column(name).to_numpy() for name in COLUMNS.features])
        found = booster.inplace_predict(matrix, validate_features=False)
        pq.write_table(
            rows.select(["day", "key"]).append_column("prediction", pa.array(found)), self.folder / "bare.parquet"
        )

    def udf(self) -> None:
        import mlflow.pyfunc

        predict = mlflow.pyfunc.spark_udf(
            self.spark, str(self.folder / "model"), env_manager="local", result_type="double"
        )
        rows = self.delta("features").read()
        self.delta("udf").replace(rows.select("day", "key", predict(*COLUMNS.features).alias("prediction")), None, {})


def prepared(spark: SparkSession, folder: Path, rows: int) -> Bench:
    draw = np.random.default_rng(1)
    sample = pd.DataFrame(draw.normal(size=(50_000, len(COLUMNS.features))), columns=list(COLUMNS.features))
    sample["y"] = sample["x0"] * 3 + np.sin(sample["x1"] * 3) + sample["x2"] * sample["x3"]
    model = boosting.fit(sample, {"rounds": TREES, "max_depth": 6, "eta": 0.1}, COLUMNS)
    model.save(folder / "model", dict.fromkeys(COLUMNS.features, "double"))
    least = float(model.predict(sample)["prediction"].quantile(1 - MATTER))
    bench = Bench(spark=spark, folder=folder, model=model, why=Why(most=3, least=least))
    columns = ["DATE'2024-01-01' AS day", "id AS key", *(f"randn({n}) AS {x}" for n, x in enumerate(COLUMNS.features))]
    bench.delta("features").replace(spark.range(rows, numPartitions=4).selectExpr(*columns), None, {})
    return bench


def main(rows: int = ROWS) -> None:
    with workshop() as (folder, engine), Town(folder, engine).session() as spark:
        bench = prepared(spark, folder, rows)
        ways = {OURS: bench.ours, WITH_REASONS: bench.reasoned, BARE: bench.bare, UDF: bench.udf}
        sides = {name: partial(timed, way) for name, way in ways.items()}
        alternated(sides, 1)
        found = alternated(sides, TURNS)
        agree(bench)
    tell(f"scoring {rows:,} rows x {len(COLUMNS.features)} features, {TREES} trees, warm")
    for name, seconds in found.items():
        tell(f"  {name:34} {seconds:6.1f} s")
    asked("of bare XGBoost's speed", found[BARE] / found[OURS], at_least=0.8)
    asked("times faster than spark_udf", found[UDF] / found[OURS], at_least=1.4)
    asked("times as long with reasons of 1 row in 1,000", found[WITH_REASONS] / found[OURS], at_most=2.0)


def agree(bench: Bench) -> None:
    """A benchmark of ways that answer differently would say nothing."""
    ours, udf = (bench.delta(name).read() for name in ("ours", "udf"))
    different = ours.join(udf.withColumnRenamed("prediction", "other"), "key").where("abs(prediction - other) > 1e-5")
    if different.count():
        raise SystemExit("the ways to score do not agree")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else ROWS)
