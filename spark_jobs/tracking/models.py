"""How kinds write their models. A signature and requirements given beat 20 s of inferring them."""

import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

DISTRIBUTIONS = {"sklearn": "scikit-learn"}  # no package can be installed under the name of this module


@dataclass(frozen=True, kw_only=True)
class Portable:
    """What opens a model where our code is not."""

    code: Sequence[Path]  # modules that travel with it; the first has MLflow's `_load_pyfunc`
    files: Path
    needs: Sequence[str]  # libraries, beside pandas


def save_python_model(folder: Path, model: Portable, reads: Mapping[str, str], gives: Sequence[str]) -> None:
    with _quiet():
        from mlflow import pyfunc

        pyfunc.save_model(
            folder,
            loader_module=model.code[0].stem,
            code_paths=list(map(str, model.code)),
            data_path=str(model.files),
            signature=_signature(reads, gives),
            pip_requirements=_installed("mlflow", "pandas", *model.needs),
        )


def save_spark_model(folder: Path, fitted: Any, reads: Mapping[str, str], gives: Sequence[str]) -> None:
    with _quiet():
        import mlflow.spark
        from pyspark.sql.utils import is_remote

        needs = _installed("mlflow", "pyspark")
        if not is_remote():  # a cluster's own session: MLflow knows how files come from there
            mlflow.spark.save_model(fitted, folder, signature=_signature(reads, gives), pip_requirements=needs)
            return
        with TemporaryDirectory(dir=folder.parent) as between, _without_jvm(mlflow.spark):
            mlflow.spark.save_model(
                fitted, folder, signature=_signature(reads, gives), pip_requirements=needs, dfs_tmpdir=between
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


@contextmanager
def _quiet() -> Iterator[None]:
    """MLflow asks for an input example, which would cost 20 s, and warns of types of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _signature(reads: Mapping[str, str], gives: Sequence[str]) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    types = dict.fromkeys(("bigint", "int", "smallint", "tinyint"), "long")  # as pandas has them
    inputs: list[Any] = [ColSpec(types.get(kind, kind), name, required=False) for name, kind in reads.items()]
    outputs: list[Any] = [ColSpec("double", name) for name in gives]
    return ModelSignature(Schema(inputs), Schema(outputs))


def _installed(*modules: str) -> list[str]:
    """Pinned to what is imported here: a distribution may go by another name."""
    return [f"{DISTRIBUTIONS.get(name, name)}=={import_module(name).__version__}" for name in modules]
