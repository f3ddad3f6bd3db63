"""Finds the best parameters: asked in batches in the job, tried on Spark's workers, told in order.

All candidates that are searched share one study. One seed gives one winner, whatever the number of workers; a search
that was killed picks up the trials it finished.
"""

import importlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from spark_jobs.declare import Gate, Search
from spark_jobs.declare.space import suggested
from spark_jobs.kinds import Candidate, Params, kind
from spark_jobs.learning.alone import Lost, alone
from spark_jobs.learning.attempt import Attempt, Trying, best, direction

if TYPE_CHECKING:
    import optuna
    import pandas as pd

LOG = logging.getLogger(__name__)

Finished = Mapping[tuple[str, int], Attempt]  # by candidate and number
Told = Callable[[Attempt], None]
Wanted = tuple[Candidate, int, Params]
STARTS = 8  # trials of each candidate that are drawn before any are chosen by what was seen, and before one is given up


@dataclass(frozen=True, kw_only=True)
class Searching:
    spark: SparkSession
    trying: Trying
    candidates: Sequence[Candidate]
    declared: Search
    finished: Finished
    told: Told

    @property
    def starts(self) -> int:
        return max(self.declared.batch, STARTS * len(self.candidates))

    def known(self, candidate: Candidate, number: int, params: Params) -> Attempt | None:
        """From before, if it was tried with these very parameters."""
        found = self.finished.get((candidate.name, number))
        return found if found is not None and _as_text(found.params) == _as_text(params) else None

    def taken(self, attempt: Attempt) -> bool:
        """From before, as it was: it costs no time, and is written down already."""
        return self.finished.get((attempt.candidate, attempt.number)) is attempt


def search(of: Searching) -> list[Attempt]:
    """Every trial, in order. Finished ones are taken as they are; of each new one is told while others run."""
    study = _study(of)
    attempts: list[Attempt] = []
    said: list[Future[None]] = []
    started = time.monotonic()
    with ThreadPoolExecutor(1) as beside:
        while len(attempts) < of.declared.trials:
            asked = [study.ask() for _ in range(min(of.declared.batch, of.declared.trials - len(attempts)))]
            batch = _run_batch(of, asked, keep_up=_keep_up(of, attempts))
            for trial, attempt in zip(asked, batch, strict=True):
                _tell(study, trial, attempt, of.trying.gate)
            for one in said:
                one.result()  # what could not be written down ends the search
            new = (attempt for attempt in batch if not of.taken(attempt))
            said = [beside.submit(of.told, attempt) for attempt in new]
            attempts += batch
            _progress(of, attempts, time.monotonic() - started)
        for one in said:
            one.result()
    return attempts


def tried(of: Searching, candidate: Candidate) -> Attempt:
    """As it is: on a worker, with its limits, or in the job where its kind is at home on Spark."""
    if known := of.known(candidate, 0, candidate.params):
        return known
    if kind(candidate.kind).IN_MEMORY:
        [attempt] = _on_workers(of, [(candidate, 0, candidate.params)], keep_up=())
    else:
        attempt = of.trying.attempt(candidate, 0, candidate.params)
    of.told(attempt)
    return attempt


def _study(of: Searching) -> "optuna.Study":
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=of.declared.seed, n_startup_trials=of.starts)
    return optuna.create_study(direction=direction(of.trying.gate), sampler=sampler)


def _keep_up(of: Searching, attempts: Sequence[Attempt]) -> list[float | None]:
    """After each fold, the median of those before. Known before a batch begins, so workers decide all alike."""
    if len(attempts) < of.starts:
        return []
    steps = [attempt.steps for attempt in attempts]
    reached = ([one[place] for one in steps if len(one) > place] for place in range(of.trying.folds))
    return [median(values) if values else None for values in reached]


def _run_batch(of: Searching, asked: "Sequence[optuna.Trial]", keep_up: Sequence[float | None]) -> list[Attempt]:
    found: dict[int, Attempt] = {}
    wanted: list[Wanted] = []
    for trial in asked:
        candidate = _family(of, trial)
        params = {**candidate.params, **_suggested(of, candidate, trial)}
        if known := of.known(candidate, trial.number, params):
            found[trial.number] = known
        else:
            wanted.append((candidate, trial.number, params))
    found |= {attempt.number: attempt for attempt in _on_workers(of, wanted, keep_up)}
    return [found[trial.number] for trial in asked]


def _family(of: Searching, trial: "optuna.Trial") -> Candidate:
    """The first thing a trial draws, where there is a choice."""
    if len(of.candidates) == 1:
        return of.candidates[0]
    drawn = trial.suggest_categorical("candidate", [candidate.name for candidate in of.candidates])
    return next(candidate for candidate in of.candidates if candidate.name == drawn)


def _suggested(of: Searching, candidate: Candidate, trial: "optuna.Trial") -> Params:
    alone = len(of.candidates) == 1
    return suggested(of.declared.spaces[candidate.name], trial, "" if alone else f"{candidate.name}.")


def _on_workers(of: Searching, wanted: Sequence[Wanted], keep_up: Sequence[float | None]) -> list[Attempt]:
    """One Spark job, one task per trial."""
    trying, declared = of.trying, of.declared
    libraries = {name for candidate, _, _ in wanted for name in kind(candidate.kind).LIBRARIES}

    def on_worker(batches: "Iterator[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        import pandas as pd

        for name in libraries:
            importlib.import_module(name)  # here, or every trial's process would load them anew
        for batch in batches:
            texts = [_attempt_alone(trying, declared, wanted[i], keep_up).to_json() for i in batch["id"]]
            yield pd.DataFrame({"attempt": texts})

    if not wanted:
        return []
    rows = of.spark.range(len(wanted), numPartitions=len(wanted)).mapInPandas(on_worker, "attempt string").collect()
    return [Attempt.from_json(row["attempt"]) for row in rows]


def _attempt_alone(trying: Trying, declared: Search, wanted: Wanted, keep_up: Sequence[float | None]) -> Attempt:
    """A trial that hangs, crashes or takes all memory is a failed attempt too."""
    seconds, (candidate, number, params) = declared.longest.total_seconds(), wanted
    try:
        text = alone(
            lambda: trying.attempt(candidate, number, params, keep_up).to_json(),
            seconds=seconds,
            gigabytes=declared.gigabytes,
        )
    except Lost as error:
        return Attempt(candidate=candidate.name, number=number, params=params, error=str(error), seconds=seconds)
    return Attempt.from_json(text)


def _tell(study: "optuna.Study", trial: "optuna.Trial", attempt: Attempt, gate: Gate) -> None:
    from optuna.trial import TrialState

    if attempt.error:
        study.tell(trial, state=TrialState.FAIL)
        return
    for place, value in enumerate(attempt.steps):
        trial.report(value, place)
    if attempt.given_up:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, attempt.metrics[gate.metric])


def _progress(of: Searching, attempts: Sequence[Attempt], spent: float) -> None:
    gate, declared, done = of.trying.gate, of.declared, len(attempts)
    good = [attempt for attempt in attempts if attempt.counts]
    leader = best(good, gate) if good else None
    so_far = f"{leader.metrics[gate.metric]:.4g} by {leader.candidate}" if leader else "nothing"
    failed, given_up = sum(bool(one.error) for one in attempts), sum(bool(one.given_up) for one in attempts)
    fitted = sum(not of.taken(attempt) for attempt in attempts)
    left = spent / max(fitted, 1) * (declared.trials - done)
    LOG.info(
        "trial %d of %d, %d failed, %d given up, best %s so far %s, about %.0f s left",
        *(done, declared.trials, failed, given_up, gate.metric, so_far, left),
    )


def _as_text(params: Params) -> str:
    """The same for parameters that have crossed as JSON."""
    return json.dumps(params, sort_keys=True)
