"""How kinds write their models. A signature and requirements given beat 20 s of inferring them."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

DISTRIBUTIONS = {"sklearn": "scikit-learn"}  # no package can be installed under the name of this module


@dataclass(frozen=True, kw_only=True)
class Portable:
    """What opens a model where our code is not."""

    code: Sequence[Path]  # modules that travel with it; the first has MLflow's `_load_pyfunc`
    files: Path
    needs: Sequence[str]  # libraries, beside pandas


def save_python_model(folder: Path, model: Portable, reads: Mapping[str, str], gives: Sequence[str]) -> None:
    with quiet():
        from mlflow import pyfunc

        pyfunc.save_model(
            folder,
            loader_module=model.code[0].stem,
            code_paths=list(map(str, model.code)),
            data_path=str(model.files),
            signature=signature(reads, gives),
            pip_requirements=installed("mlflow", "pandas", *model.needs),
        )


@contextmanager
def quiet() -> Iterator[None]:
    """MLflow asks for an input example, which would cost 20 s, and warns of types of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def signature(reads: Mapping[str, str], gives: Sequence[str]) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    types = dict.fromkeys(("bigint", "int", "smallint", "tinyint"), "long")  # as pandas has them
    inputs: list[Any] = [ColSpec(types.get(kind, kind), name, required=False) for name, kind in reads.items()]
    outputs: list[Any] = [ColSpec("double", name) for name in gives]
    return ModelSignature(Schema(inputs), Schema(outputs))


def installed(*modules: str) -> list[str]:
    """Pinned to what is imported here: a distribution may go by another name."""
    return [f"{DISTRIBUTIONS.get(name, name)}=={import_module(name).__version__}" for name in modules]
