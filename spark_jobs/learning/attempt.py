"""One fit of a candidate, and what rows it did not learn from say of it."""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, cast

from pyspark.sql import DataFrame

from spark_jobs.declare import Gate, Refused
from spark_jobs.kinds import Candidate, Columns, Model, Params
from spark_jobs.learning import memory
from spark_jobs.learning.folds import fold_of
from spark_jobs.learning.model_part import ModelPart

if TYPE_CHECKING:
    import pandas as pd

Metrics = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Fold:
    """What one fold says of a candidate, for whoever looks closer than at the mean."""

    metrics: Metrics
    constants: Mapping[str, float] = field(default_factory=dict)
    learned: Metrics = field(default_factory=dict)  # of the rows that were learned from
    seconds: float = 0.0
    gigabytes: float = 0.0  # beyond what the process held before the trial; 0 where nobody knows


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
    folds: Sequence[Fold] = ()  # where they are looked at
    given_up: str = ""  # after how many folds, where it fell behind
    error: str = ""
    seconds: float = 0.0
    gigabytes: float = 0.0

    @property
    def counts(self) -> bool:
        return not (self.error or self.given_up)

    @property
    def learned(self) -> Metrics:
        """In the mean of the folds, of the rows that were learned from; nothing where nobody looks."""
        return _means([fold.learned for fold in self.folds]) if self.folds else {}

    def to_json(self, *, whole: bool = True) -> str:
        """In short, as much as a resumed search needs to know."""
        return json.dumps(asdict(self) | ({} if whole else {"curves": {}, "folds": []}), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Attempt":
        given = json.loads(text)
        return cls(**given | {"folds": [Fold(**one) for one in given.get("folds", ())]})


@dataclass(frozen=True, kw_only=True)
class Trying:
    """What every attempt needs. With folds, the rows to validate with decide nothing: they are left for the winner."""

    part: ModelPart
    columns: Columns
    gate: Gate
    train: Any
    validate: Any
    folds: int = 0
    looks: bool = False  # at each fold, and at the rows it learned from

    def attempt(
        self, candidate: Candidate, number: int, params: Params, keep_up: Sequence[float | None] = ()
    ) -> Attempt:
        """In memory, and measured as if the process did nothing else."""
        about = Attempt(candidate=candidate.name, number=number, params=params)
        work = partial(self._crossed, keep_up=keep_up) if self.folds else self._metered
        [found] = caught([about], lambda: [work(candidate, about)])
        return found

    def settled(self, candidate: Candidate, about: Attempt) -> Attempt:
        """Fitted on the rows to train on; the others settle rounds, and constants where no folds have, and measure."""
        model = candidate.fit(self.train, about.params, self.columns, self.validate)
        metrics, constants = self.judged(self._validated(model), about.constants)
        return replace(about, settled=model.settled, constants=constants, metrics=metrics, curves=model.curves)

    def judged(
        self, validated: "pd.DataFrame", known: Mapping[str, float] | None = None
    ) -> tuple[Metrics, Mapping[str, float]]:
        """Rows with their predictions, by constants that are known, or chosen on them."""
        constants = known or self.part.calibrate(validated)
        metrics = self.measured(validated, constants)
        value = metrics.get(self.gate.metric)
        if value is None or not math.isfinite(value):
            raise Refused(f"measure gave {value} for {self.gate.metric}, the metric that decides")
        return metrics, constants

    def measured(self, rows: "pd.DataFrame", constants: Mapping[str, float]) -> Metrics:
        return {name: float(value) for name, value in self.part.measure(rows, constants).items()}

    def so_far(self, about: Attempt, every: Sequence[Fold], keep_up: Sequence[float | None]) -> Attempt:
        """In the mean of these folds; given up where that falls behind what is to be kept up with."""
        done, metrics = len(every), _means([fold.metrics for fold in every])
        about = replace(about, constants=_means([fold.constants for fold in every]))
        steps = [*about.steps, metrics[self.gate.metric]]
        found = replace(about, metrics=metrics, steps=steps, folds=every if self.looks else ())
        if done < self.folds and self._behind(steps[-1], keep_up[done - 1 : done]):
            return replace(found, given_up=f"after {done} of {self.folds} folds")
        return found

    @cached_property
    def fold_of_rows(self) -> "pd.Series":
        return fold_of(self.train, self.columns.features, self.folds)

    def _metered(self, candidate: Candidate, about: Attempt) -> Attempt:
        before = memory.held()
        found = self.settled(candidate, about)
        return replace(found, gigabytes=memory.peak() - before)

    def _crossed(self, candidate: Candidate, about: Attempt, keep_up: Sequence[float | None]) -> Attempt:
        before, every = memory.held(), list[Fold]()
        for place in range(self.folds):
            memory.forget_peak()
            fold, curves = self._fold(candidate, about.params, place)
            every.append(replace(fold, gigabytes=memory.peak() - before))
            named = {f"{name}_fold_{place + 1}": curve for name, curve in curves.items()}
            about = replace(self.so_far(about, every, keep_up), curves={**about.curves, **named})
            if about.given_up:
                break
        return replace(about, gigabytes=max(fold.gigabytes for fold in every))

    def _fold(self, candidate: Candidate, params: Params, place: int) -> tuple[Fold, Mapping[str, Sequence[float]]]:
        started, outside = time.monotonic(), self.fold_of_rows == place
        rows, left = self.train[~outside].reset_index(drop=True), self.train[outside].reset_index(drop=True)
        model = candidate.fit(rows, params, self.columns, left)
        metrics, constants = self.judged(left.join(model.predict(left)))
        learned = self.measured(rows.join(model.predict(rows)), constants) if self.looks else {}
        fold = Fold(metrics=metrics, constants=constants, learned=learned, seconds=time.monotonic() - started)
        return fold, model.curves

    def _behind(self, value: float, others: Sequence[float | None]) -> bool:
        [other] = others or [None]
        return other is not None and (value > other if self.gate.better == "lower" else value < other)

    def _validated(self, model: Model) -> "pd.DataFrame":
        if isinstance(self.validate, DataFrame):
            return cast(Any, model.score(self.validate, self.validate.columns).toPandas())
        return self.validate.join(model.predict(self.validate))


def caught(abouts: Sequence[Attempt], work: Callable[[], Sequence[Attempt]]) -> list[Attempt]:
    """A fit that raises is a failed attempt, counted and shown, not the end of the search; time is shared alike."""
    started = time.monotonic()
    try:
        found = work()
    except Exception as error:  # noqa: BLE001 - whatever a library raises fails these attempts alone
        found = [replace(about, error=_in_short(error)) for about in abouts]
    each = (time.monotonic() - started) / len(abouts)
    return [replace(one, seconds=each) for one in found]


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


def _means(every: Sequence[Mapping[str, float]]) -> Metrics:
    return {name: sum(metrics[name] for metrics in every) / len(every) for name in every[0]}


def _in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:1000]
