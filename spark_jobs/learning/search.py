"""Finds a candidate's best parameters: asked in batches in the job, tried on Spark's workers, told in order.

One seed gives one winner, whatever the number of workers; a search that was killed picks up the trials it finished.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import Gate, Refused, Search
from spark_jobs.declare.space import suggested
from spark_jobs.kinds import Candidate, Columns, Model, Params
from spark_jobs.learning.alone import Lost, alone
from spark_jobs.learning.model_part import ModelPart

if TYPE_CHECKING:
    import optuna
    import pandas as pd

LOG = logging.getLogger(__name__)

Finished = Mapping[int, "Attempt"]
Told = Callable[["Attempt"], None]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One fit and what the validation rows say of it. As JSON it crosses from workers, and stands on its run."""

    candidate: str
    number: int
    params: Params
    settled: Params = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0

    def to_json(self, *, curves: bool = True) -> str:
        return json.dumps(asdict(self) | ({} if curves else {"curves": {}}), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Attempt":
        return cls(**json.loads(text))


@dataclass(frozen=True, kw_only=True)
class Trying:
    """What every attempt needs."""

    part: ModelPart
    candidate: Candidate
    columns: Columns
    gate: Gate
    train: Any
    validate: Any

    def attempt(self, number: int, params: Params) -> Attempt:
        """A fit that raises is a failed attempt, counted and shown, not the end of the search."""
        candidate, started = self.candidate, time.monotonic()
        try:
            model = candidate.fit(self.train, params, self.columns, self.validate)
            validated = self._validated(model)
            constants = self.part.calibrate(validated)
            found = Attempt(
                candidate=candidate.name,
                number=number,
                params=params,
                settled=model.settled,
                constants=constants,
                metrics=self._measured(validated, constants),
                curves=model.curves,
                seconds=time.monotonic() - started,
            )
        except Exception as error:  # noqa: BLE001 - whatever a library raises fails this attempt alone
            seconds = time.monotonic() - started
            found = Attempt(
                candidate=candidate.name, number=number, params=params, error=_in_short(error), seconds=seconds
            )
        return found

    def _validated(self, model: Model) -> "pd.DataFrame":
        if isinstance(self.validate, DataFrame):
            return cast(Any, model.score(self.validate, self.validate.columns).toPandas())
        return self.validate.join(model.predict(self.validate))

    def _measured(self, validated: "pd.DataFrame", constants: Mapping[str, float]) -> dict[str, float]:
        metrics = {name: float(value) for name, value in self.part.measure(validated, constants).items()}
        value = metrics.get(self.gate.metric)
        if value is None or not math.isfinite(value):
            raise Refused(f"measure gave {value} for {self.gate.metric}, the metric that decides")
        return metrics


def best(attempts: Sequence[Attempt], gate: Gate) -> Attempt:
    """The first of the best; failed ones count for nothing."""
    good = [attempt for attempt in attempts if not attempt.error]
    if not good:
        last = attempts[-1].error if attempts else "there was no candidate"
        raise Refused(f"all {len(attempts)} trials failed, the last with: {last}")
    sign = 1 if gate.better == "lower" else -1
    return min(good, key=lambda attempt: sign * attempt.metrics[gate.metric])


def search(spark: SparkSession, trying: Trying, declared: Search, finished: Finished, told: Told) -> list[Attempt]:
    """Every trial, in order. `finished` ones are taken as they are; `told` hears of each new one."""
    study = _study(declared, trying.gate)
    attempts: list[Attempt] = []
    started = time.monotonic()
    while len(attempts) < declared.trials:
        size = min(declared.batch, declared.trials - len(attempts))
        asked = [study.ask() for _ in range(size)]
        batch = _run_batch(spark, trying, declared, asked, finished)
        for trial, attempt in zip(asked, batch, strict=True):
            _tell(study, trial, attempt, trying.gate)
            if attempt.number not in finished:
                told(attempt)
        attempts += batch
        _progress(trying, attempts, declared, time.monotonic() - started)
    return attempts


def _study(declared: Search, gate: Gate) -> "optuna.Study":
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=declared.seed, n_startup_trials=max(declared.batch, 8))
    return optuna.create_study(direction="minimize" if gate.better == "lower" else "maximize", sampler=sampler)


def _run_batch(
    spark: SparkSession, trying: Trying, declared: Search, asked: "Sequence[optuna.Trial]", finished: Finished
) -> list[Attempt]:
    found: dict[int, Attempt] = {}
    wanted: list[tuple[int, Params]] = []
    for trial in asked:
        attempt = _without_trying(trying.candidate, declared, trial, finished)
        if isinstance(attempt, Attempt):
            found[trial.number] = attempt
        else:
            wanted.append((trial.number, attempt))
    found |= {attempt.number: attempt for attempt in _on_workers(spark, trying, declared, wanted)}
    return [found[trial.number] for trial in asked]


def _without_trying(
    candidate: Candidate, declared: Search, trial: "optuna.Trial", finished: Finished
) -> Attempt | Params:
    """What is known of a trial already, else the parameters to try."""
    params = {**candidate.params, **suggested(declared.spaces.get(candidate.name, {}), trial)}
    known = finished.get(trial.number)
    return known if known is not None and json.dumps(known.params) == json.dumps(params) else params


def _on_workers(
    spark: SparkSession, trying: Trying, declared: Search, wanted: Sequence[tuple[int, Params]]
) -> list[Attempt]:
    """One Spark job, one task per trial."""

    def tried(batches: "Iterator[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        import pandas as pd

        for batch in batches:
            texts = [_attempt_alone(trying, declared, *wanted[i]).to_json() for i in batch["id"]]
            yield pd.DataFrame({"attempt": texts})

    if not wanted:
        return []
    rows = spark.range(len(wanted), numPartitions=len(wanted)).mapInPandas(tried, "attempt string").collect()
    return [Attempt.from_json(row["attempt"]) for row in rows]


def _attempt_alone(trying: Trying, declared: Search, number: int, params: Params) -> Attempt:
    """A trial that hangs, crashes or takes all memory is a failed attempt too."""
    seconds, name = declared.longest.total_seconds(), trying.candidate.name
    try:
        text = alone(lambda: trying.attempt(number, params).to_json(), seconds=seconds, gigabytes=declared.gigabytes)
    except Lost as error:
        return Attempt(candidate=name, number=number, params=params, error=str(error), seconds=seconds)
    return Attempt.from_json(text)


def _tell(study: "optuna.Study", trial: "optuna.Trial", attempt: Attempt, gate: Gate) -> None:
    import optuna

    if attempt.error:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    else:
        study.tell(trial, attempt.metrics[gate.metric])


def _progress(trying: Trying, attempts: Sequence[Attempt], declared: Search, spent: float) -> None:
    done, failed = len(attempts), sum(bool(attempt.error) for attempt in attempts)
    metric = trying.gate.metric
    so_far = f"{best(attempts, trying.gate).metrics[metric]:.4g}" if failed < done else "nothing"
    left = spent / done * (declared.trials - done)
    LOG.info(
        "%s: trial %d of %d, %d failed, best %s so far %s, about %.0f s left",
        *(trying.candidate.name, done, declared.trials, failed, metric, so_far, left),
    )


def _in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:1000]
