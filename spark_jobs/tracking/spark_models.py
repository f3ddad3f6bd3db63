"""How Spark ML writes its models, which needs Spark; others do not."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spark_jobs.tracking.models import installed, quiet, signature


def save_spark_model(folder: Path, fitted: Any, reads: Mapping[str, str], gives: Sequence[str]) -> None:
    with quiet():
        import mlflow.spark
        from pyspark.sql.utils import is_remote

        needs = installed("mlflow", "pyspark")
        if not is_remote():  # a cluster's own session: MLflow knows how files come from there
            mlflow.spark.save_model(fitted, folder, signature=signature(reads, gives), pip_requirements=needs)
            return
        with TemporaryDirectory(dir=folder.parent) as between, _without_jvm(mlflow.spark):
            mlflow.spark.save_model(
                fitted, folder, signature=signature(reads, gives), pip_requirements=needs, dfs_tmpdir=between
            )


def open_spark_model(folder: Path) -> Any:
    from pyspark.ml import PipelineModel
    from pyspark.sql.utils import is_remote

    if is_remote():
        return PipelineModel.load(f"{folder}/sparkml")
    import mlflow.spark

    return mlflow.spark.load_model(str(folder))


@contextmanager
def _without_jvm(flavor: Any) -> Iterator[None]:
    """MLflow moves what the engine wrote with a JVM of this process, which has none. To go when MLflow learns it."""
    theirs = flavor._HadoopFileSystem

    class Moved:
        @staticmethod
        def copy_to_local_file(written: str, wanted: str, **_: object) -> None:
            shutil.move(written, wanted)

    flavor._HadoopFileSystem = Moved
    try:
        yield
    finally:
        flavor._HadoopFileSystem = theirs
