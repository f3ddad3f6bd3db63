"""Model kinds: how a library fits, logs and scores. Stages know none of these libraries.

A kind is a module with the functions of `ModelKind`; its name stands on every model version.
"""

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from spark_jobs.declare import BadDeclaration, UseCase

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

Params = Mapping[str, Any]
Constants = Mapping[str, float]
KINDS = ("blend", "sklearn", "spark_ml", "xgboost")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What a model reads and gives: one prediction column per label, in the same order."""

    features: tuple[str, ...]
    labels: tuple[str, ...]
    predictions: tuple[str, ...]
    categories: tuple[str, ...] = ()  # of the features, those that hold words
    weight: str = ""  # the column that says what a row weighs; none: all weigh the same

    @classmethod
    def of(cls, use_case: UseCase) -> "Columns":
        labels, predictions = use_case.labels.columns, use_case.predictions
        if len(predictions) < len(labels):
            raise BadDeclaration(f"{use_case.name}: name a prediction for each label {labels}, got {predictions}")
        features = use_case.features
        categories = tuple(name for name in features.read if name in features.categories)
        gives = predictions[: len(labels)]
        return cls(
            features=features.read, labels=labels, predictions=gives, categories=categories, weight=features.weight
        )


@dataclass(frozen=True, kw_only=True)
class Why:
    """How many reasons a prediction keeps, and from which value on it keeps any."""

    most: int
    least: float = -math.inf

    @classmethod
    def of(cls, use_case: UseCase, constants: Constants) -> "Why | None":
        name = use_case.reasons_from
        if not use_case.reasons:
            return None
        if name and name not in constants:
            raise BadDeclaration(
                f"{use_case.name}: reasons_from names {name!r}, which the version's calibrate did not give; it gave "
                f"{', '.join(constants) or 'nothing'}"
            )
        return cls(most=use_case.reasons, least=constants[name] if name else -math.inf)


class Model(Protocol):
    """A fitted model."""

    @property
    def settled(self) -> Params:
        """The parameters that fit it again without watching other rows: rounds are fixed."""

    @property
    def curves(self) -> Mapping[str, list[float]]:
        """By name, step by step: what it scored on watched rows with each round; of linear models, their coefficients
        as their penalty weakens."""

    @property
    def importance(self) -> "pd.DataFrame":
        """Columns label, feature, importance; empty where the kind knows none."""

    def moves(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Columns label, feature, moves: how far it moves predictions of these rows in the mean, whichever way, in
        their own unit; empty where the kind gives no reasons."""

    def score(self, frame: "DataFrame", keep: Sequence[str], why: Why | None = None) -> "DataFrame":
        """The columns to keep and the predictions; asked why, also a column `reasons` (`kinds/reasons.py`)."""

    def predict(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """The predictions of rows in memory, for kinds that fit in memory."""

    def save(self, folder: Path, reads: Mapping[str, str]) -> None:
        """Write it as an MLflow model anyone can load; `reads` holds the features and their Spark types."""


class ModelKind(Protocol):
    """What a module of this package gives."""

    IN_MEMORY: bool  # fits on pandas rows, so trials can run on workers; else on Spark frames
    LIBRARIES: tuple[str, ...]  # what a fit and its measures load
    NEEDS_CLASSIC: bool  # to be written it needs a session with Java beside it, which serverless has not

    def fit(self, rows: Any, params: Params, columns: Columns, watched: Any = None) -> Model: ...

    def load(self, folder: Path, columns: Columns, spark: "SparkSession | None") -> Model:
        """Of one that fits in memory without Spark."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A model that may become challenger; searched where a space is declared for its name, else fitted as it is."""

    name: str
    kind: str
    params: Params = field(default_factory=dict)  # what a search suggests, or somebody asks for, wins over them
    build: Callable[[Params], Any] | None = None  # for spark_ml: the Estimator of these parameters
    of: tuple[str, ...] = ()  # for blend: the candidates of whose best it is the mean

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadDeclaration(f"candidate {self.name}: kind is one of {', '.join(KINDS)}, got {self.kind!r}")
        if (self.kind == "spark_ml") != (self.build is not None):
            raise BadDeclaration(f"candidate {self.name}: `build` is for spark_ml, which needs it")
        if self.of and (self.kind != "blend" or len(set(self.of)) < 2 or self.params):
            raise BadDeclaration(f"candidate {self.name}: `of` names two or more candidates for kind blend to blend")
        if not self.of:
            getattr(kind(self.kind), "check", lambda _: None)(self.params)

    def blending(self, members: Sequence[tuple[str, Params]]) -> "Candidate":
        """The mean of these: kinds, and what each is fitted with."""
        listed = [{"kind": name, "params": dict(params)} for name, params in members]
        return replace(self, of=(), params={"members": listed})

    def made(self, params: Params) -> Any:
        """The Estimator of these parameters."""
        if self.build is None:
            raise BadDeclaration(f"candidate {self.name}: kind {self.kind} is not built of Spark ML")
        return self.build(params)

    def unknown(self, params: Params) -> list[str]:
        """Those of them that nothing reads."""
        found: list[str] = getattr(kind(self.kind), "unknown", lambda _: [])(self._given(params))
        return found

    def fit(self, rows: Any, params: Params, columns: Columns, watched: Any = None) -> Model:
        return kind(self.kind).fit(rows, self._given(params), columns, watched)

    def _given(self, params: Params) -> Params:
        return dict(params) | ({"build": self.build} if self.build else {})


def kind(name: str) -> ModelKind:
    if name not in KINDS:
        raise BadDeclaration(f"model kind {name!r} is not one of {', '.join(KINDS)}")
    return cast(ModelKind, importlib.import_module(f"{__name__}.{name}"))
