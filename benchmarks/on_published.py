"""Published data of a static table, and what a training would choose on some of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import SparkSession

from benchmarks.lakes import BEFORE_TRAINING, Town, in_a_row, jobs, workshop
from spark_jobs import lakehouse
from spark_jobs.declare import UseCase, Window
from spark_jobs.kinds import kind
from spark_jobs.learning.choosing import Choosing
from spark_jobs.learning.known import in_memory, known
from spark_jobs.learning.model_part import model_part
from spark_jobs.raw import publication


@contextmanager
def rows_of(
    use_case: UseCase, window: Window, data: Path, cores: str = "*"
) -> Iterator[tuple[pd.DataFrame, Town, SparkSession]]:
    """As the stages leave them, in the order of the file."""
    with workshop(cores) as (folder, engine):
        town = Town.founded(folder, engine, use_case.name, source="public")
        publication.fetch(use_case, Path(town.place.landing), str(data))
        with town.session() as spark:
            in_a_row(town, jobs(window, BEFORE_TRAINING, use_case.name), spark)
            whole = Window(start=window.start, end=window.end + timedelta(days=1))
            found = known(lakehouse.Lake(spark, town.place.lake, use_case.name), use_case, whole)
            assert found is not None  # noqa: S101 - the stages have just made it
            yield in_memory(found.frame, use_case), town, spark


def choosing(
    use_case: UseCase, learn: pd.DataFrame, parted_by: Sequence[str], validate: int, spark: SparkSession
) -> Choosing:
    """As a training has it, of kinds that fit in memory; of a hundred contents so many validate."""
    bucket = pd.util.hash_pandas_object(learn[list(parted_by)], index=False) % 100
    parts = {"train": learn[bucket >= validate], "validate": learn[bucket < validate]}
    part, seed = model_part(use_case.name), use_case.search.seed

    def rows(*names: str, in_memory: bool) -> Any:  # noqa: ARG001 - all kinds here want them so
        return pd.concat([parts[name] for name in names], ignore_index=True)

    return Choosing(
        spark=spark,
        use_case=use_case,
        part=part,
        candidates=[
            replace(one, params=one.params if one.of else {**one.params, "seed": seed})
            for one in part.candidates
            if kind(one.kind).IN_MEMORY
        ],
        given={},
        rows=rows,
        finished={},
        told=_to_nobody,
    )


def _to_nobody(_: object) -> None:
    """Trials that are not written down."""
