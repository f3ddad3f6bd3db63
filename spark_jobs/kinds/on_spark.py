"""How a model that is fitted in memory scores frames of Spark: the one module of these that needs Spark.

The whole model goes along with the function that scores, once per query; a worker opens it once.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql.types import ArrayType, DoubleType, StringType, StructField, StructType

from spark_jobs.kinds import Why
from spark_jobs.kinds.reasons import NUMBERS, TEXTS, WORD

if TYPE_CHECKING:
    import pyarrow as pa

    from spark_jobs.kinds.in_memory import InMemory

REASONS = ArrayType(
    StructType(
        [
            *(StructField(name, StringType()) for name in TEXTS),
            *(StructField(name, DoubleType()) for name in NUMBERS),
            StructField(WORD, StringType()),  # last, as it is in tables that were there before it
        ]
    )
)


def scored(model: "InMemory", frame: DataFrame, keep: Sequence[str], why: Why | None) -> DataFrame:
    names = [*keep, *(name for name in model.columns.features if name not in keep)]
    schema = frame.select(*keep).schema
    for name in model.columns.predictions:
        schema = schema.add(name, "double")
    if why:
        schema = schema.add("reasons", REASONS)
    return frame.select(*names).mapInArrow(_scorer(model, list(keep), why), schema)


def _scorer(model: "InMemory", keep: list[str], why: Why | None) -> Any:
    def of_batches(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        for batch in batches:
            yield model.score_batch(batch, keep, why)

    return of_batches
