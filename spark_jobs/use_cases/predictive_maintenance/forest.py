"""The reference: a random forest per component, fitted on Spark on all failures and some of the healthy rows."""

from typing import TYPE_CHECKING, Any

from spark_jobs.kinds import Params
from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, USE_CASE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TREES, DEPTH = 200, 15
HEALTHY = 10_000  # rows with no failure to come; each weighs as many as it stands for, as the probabilities must
MISSING = -1e6  # a forest knows no null: far below all there is
SEED = 7


class Forests:
    """What `fit` gives is a plain pipeline, so that it loads without this module."""

    def fit(self, rows: "DataFrame") -> Any:
        from pyspark.ml import Pipeline
        from pyspark.ml.feature import SQLTransformer, VectorAssembler

        names = USE_CASE.features.columns
        filled = ", ".join(f"coalesce(CAST({name} AS DOUBLE), {MISSING}D) AS _{name}" for name in names)
        stages = [
            SQLTransformer(statement=f"SELECT *, {filled} FROM __THIS__"),
            VectorAssembler(inputCols=[f"_{name}" for name in names], outputCol="_vector"),
            *map(_forest, COMPONENTS),
        ]
        return Pipeline(stages=stages).fit(sampled(rows))


def build(params: Params) -> Forests:  # noqa: ARG001 - it has none
    return Forests()


def sampled(rows: "DataFrame") -> "DataFrame":
    """The same rows each time: chosen by machine and time. Adds `weight`."""
    from pyspark.sql import functions as f

    rows = rows.withColumn("failing", f.greatest(*COMPONENTS) == 1)
    healthy = rows.where("NOT failing").count()
    share = min(1.0, HEALTHY / max(healthy, 1))
    drawn = f.pmod(f.xxhash64(*USE_CASE.features.key, f.lit(SEED)), f.lit(1_000_000)) < share * 1_000_000
    return rows.where(f.col("failing") | drawn).withColumn(
        "weight", f.when(f.col("failing"), 1.0).otherwise(1.0 / share)
    )


def _forest(component: str) -> Any:
    from pyspark.ml.classification import RandomForestClassifier

    return RandomForestClassifier(
        numTrees=TREES,
        maxDepth=DEPTH,
        seed=SEED,
        labelCol=component,
        featuresCol="_vector",
        weightCol="weight",
        probabilityCol=f"{component}_probability",
        rawPredictionCol=f"_{component}_raw",
        predictionCol=f"_{component}_decision",
    )
