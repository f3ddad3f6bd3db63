"""One fit of a candidate, and what rows it did not learn from say of it."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast

from pyspark.sql import DataFrame

from spark_jobs.declare import Gate, Refused
from spark_jobs.kinds import Candidate, Columns, Model, Params
from spark_jobs.learning.model_part import ModelPart

if TYPE_CHECKING:
    import pandas as pd

Metrics = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """As JSON it crosses from workers, and stands on its run."""

    candidate: str
    number: int
    params: Params
    settled: Params = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    steps: Sequence[float] = ()  # the metric that decides, in the mean of the folds so far
    given_up: str = ""  # after how many folds, where it fell behind
    error: str = ""
    seconds: float = 0.0

    @property
    def counts(self) -> bool:
        return not (self.error or self.given_up)

    def to_json(self, *, curves: bool = True) -> str:
        return json.dumps(asdict(self) | ({} if curves else {"curves": {}}), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Attempt":
        return cls(**json.loads(text))


@dataclass(frozen=True, kw_only=True)
class Trying:
    """What every attempt needs. With folds, the rows to validate with decide nothing: they are left for the winner."""

    part: ModelPart
    columns: Columns
    gate: Gate
    train: Any
    validate: Any
    folds: int = 0

    def attempt(
        self, candidate: Candidate, number: int, params: Params, keep_up: Sequence[float | None] = ()
    ) -> Attempt:
        """A fit that raises is a failed attempt, counted and shown, not the end of the search."""
        started, about = time.monotonic(), Attempt(candidate=candidate.name, number=number, params=params)
        try:
            found = self._crossed(candidate, about, keep_up) if self.folds else self.settled(candidate, about)
        except Exception as error:  # noqa: BLE001 - whatever a library raises fails this attempt alone
            found = replace(about, error=_in_short(error))
        return replace(found, seconds=time.monotonic() - started)

    def settled(self, candidate: Candidate, about: Attempt) -> Attempt:
        """Fitted on the rows to train on; the others settle rounds and constants, and measure."""
        model = candidate.fit(self.train, about.params, self.columns, self.validate)
        validated = self._validated(model)
        constants = self.part.calibrate(validated)
        metrics = self._measured(validated, constants)
        return replace(about, settled=model.settled, constants=constants, metrics=metrics, curves=model.curves)

    def _crossed(self, candidate: Candidate, about: Attempt, keep_up: Sequence[float | None]) -> Attempt:
        """In the mean of the folds; given up where that falls behind what is to be kept up with."""
        every: list[Metrics] = []
        curves: dict[str, Sequence[float]] = {}
        for place in range(self.folds):
            metrics, own = self._fold(candidate, about.params, place)
            every.append(metrics)
            curves |= {f"{name}_fold_{place + 1}": curve for name, curve in own.items()}
            about = replace(about, metrics=_means(every), curves=curves)
            about = replace(about, steps=[*about.steps, about.metrics[self.gate.metric]])
            if place + 1 < self.folds and self._behind(about.steps[-1], keep_up[place : place + 1]):
                return replace(about, given_up=f"after {place + 1} of {self.folds} folds")
        return about

    def _fold(self, candidate: Candidate, params: Params, place: int) -> tuple[Metrics, Mapping[str, Sequence[float]]]:
        outside = self._fold_of_rows == place
        rows, left = self.train[~outside], self.train[outside].reset_index(drop=True)
        model = candidate.fit(rows.reset_index(drop=True), params, self.columns, left)
        validated = left.join(model.predict(left))
        return self._measured(validated, self.part.calibrate(validated)), model.curves

    @cached_property
    def _fold_of_rows(self) -> "pd.Series":
        """By content, as the split is: rows that are the same are never on both sides."""
        import pandas as pd

        return pd.util.hash_pandas_object(self.train[list(self.columns.features)], index=False) % self.folds

    def _behind(self, value: float, others: Sequence[float | None]) -> bool:
        [other] = others or [None]
        return other is not None and (value > other if self.gate.better == "lower" else value < other)

    def _validated(self, model: Model) -> "pd.DataFrame":
        if isinstance(self.validate, DataFrame):
            return cast(Any, model.score(self.validate, self.validate.columns).toPandas())
        return self.validate.join(model.predict(self.validate))

    def _measured(self, validated: "pd.DataFrame", constants: Mapping[str, float]) -> Metrics:
        metrics = {name: float(value) for name, value in self.part.measure(validated, constants).items()}
        value = metrics.get(self.gate.metric)
        if value is None or not math.isfinite(value):
            raise Refused(f"measure gave {value} for {self.gate.metric}, the metric that decides")
        return metrics


def best(attempts: Sequence[Attempt], gate: Gate) -> Attempt:
    """The first of the best; those that failed or were given up count for nothing."""
    good = [attempt for attempt in attempts if attempt.counts]
    if not good:
        last = next((attempt.error for attempt in reversed(attempts) if attempt.error), "there was no candidate")
        raise Refused(f"all {len(attempts)} trials failed, the last with: {last}")
    sign = 1 if gate.better == "lower" else -1
    return min(good, key=lambda attempt: sign * attempt.metrics[gate.metric])


def direction(gate: Gate) -> Literal["minimize", "maximize"]:
    """In Optuna's words."""
    return "minimize" if gate.better == "lower" else "maximize"


def _means(every: Sequence[Metrics]) -> Metrics:
    return {name: sum(metrics[name] for metrics in every) / len(every) for name in every[0]}


def _in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:1000]
