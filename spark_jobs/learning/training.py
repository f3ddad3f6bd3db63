"""One training: tries the candidates, fits the best again and registers it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from spark_jobs.declare import tags
from spark_jobs.kinds import Candidate, Columns, Model, kind
from spark_jobs.learning.card import card
from spark_jobs.learning.known import Known
from spark_jobs.learning.model_part import ModelPart
from spark_jobs.learning.search import Attempt, Trying, best, search
from spark_jobs.learning.splits import Parts
from spark_jobs.tracking import Tracking, as_json
from spark_jobs.work import Work

if TYPE_CHECKING:
    import pandas as pd

LOG = logging.getLogger(__name__)

TRIAL = "trial"


@dataclass(frozen=True, kw_only=True)
class Training:
    """All that one training works with. Judge rows are in none of it."""

    work: Work
    book: Tracking
    part: ModelPart
    candidates: Sequence[Candidate]
    parts: Parts
    known: Known
    due: str
    run: str = ""  # the MLflow run, once it has begun

    @property
    def columns(self) -> Columns:
        return Columns.of(self.work.use_case)

    @cached_property
    def in_memory(self) -> "pd.DataFrame":
        """Fetched once, if any candidate asks for it."""
        return self.known.in_memory(train=self.parts.train, validate=self.parts.validate)

    def rows(self, candidate: Candidate, *names: str) -> Any:
        """Rows of the parts named, in memory where the kind wants them so."""
        if kind(candidate.kind).IN_MEMORY:
            rows = self.in_memory
            return rows[rows["part"].isin(names)].drop(columns="part").reset_index(drop=True)
        return self.known.rows(*(getattr(self.parts, name) for name in names))


@dataclass(frozen=True, kw_only=True)
class Trained:
    version: str
    winner: Attempt


def train(training: Training) -> Trained:
    """Everything that can fail comes before the version, and the alias comes last."""
    attempts = [attempt for candidate in training.candidates for attempt in _attempts(training, candidate)]
    winner = best(attempts, training.work.use_case.gate)
    candidate = next(c for c in training.candidates if c.name == winner.candidate)
    LOG.info("%s wins with %s", winner.candidate, dict(winner.metrics))
    model = _fit_again(training, candidate, winner)
    _write_down(training, candidate, winner)
    version = _register(training, candidate, winner, model)
    training.book.challenge(version)
    return Trained(version=version, winner=winner)


def _attempts(training: Training, candidate: Candidate) -> list[Attempt]:
    finished = _finished(training, candidate)
    trying = Trying(
        part=replace(training.part, candidates=()),  # workers need no other candidate
        candidate=candidate,
        columns=training.columns,
        gate=training.work.use_case.gate,
        train=training.rows(candidate, "train"),
        validate=training.rows(candidate, "validate"),
    )

    def told(attempt: Attempt) -> None:
        _log(training, attempt)

    declared, given = training.work.use_case.search, training.work.job.parameters
    if candidate.name in given:  # a search with nothing to search: the worker's limits hold for this fit, too
        declared = replace(declared, trials=1, spaces={candidate.name: {}})
    if candidate.name in declared.spaces:
        return search(training.work.spark, trying, declared, finished, told)
    if 0 in finished:
        return [finished[0]]
    attempt = trying.attempt(0, candidate.params)
    told(attempt)
    return [attempt]


def _finished(training: Training, candidate: Candidate) -> dict[int, Attempt]:
    """What a killed try of this very training left, read once. What failed then may fare better now."""
    runs = [r for r in training.book.children(training.run, TRIAL) if r.data.tags.get(tags.CANDIDATE) == candidate.name]
    for run in runs:
        if run.info.status == "RUNNING":  # its trial was being written down
            training.book.end(run.info.run_id, "KILLED")
    mine = [run.data.tags for run in runs if run.info.status == "FINISHED"]
    found = {attempt.number: attempt for attempt in (Attempt.from_json(one[tags.TRIAL]) for one in mine)}
    if found:
        LOG.info("%s: %d trials are finished already", candidate.name, len(found))
    return found


def _log(training: Training, attempt: Attempt) -> None:
    book, name = training.book, f"{attempt.candidate} {attempt.number}"
    run = book.start(name, training.run, {tags.STAGE: TRIAL, tags.CANDIDATE: attempt.candidate})
    labels = {tags.TRIAL: attempt.to_json(curves=False)} | ({tags.ERROR: attempt.error} if attempt.error else {})
    metrics = {**attempt.metrics, **attempt.constants, "seconds": attempt.seconds}
    book.write(run, metrics=metrics, params=attempt.params, labels=labels, curves=attempt.curves)
    book.end(run, "FAILED" if attempt.error else "FINISHED")


def _fit_again(training: Training, candidate: Candidate, winner: Attempt) -> Model:
    """On training and validation rows, with nothing left to choose."""
    rows = training.rows(candidate, "train", "validate")
    return candidate.fit(rows, winner.settled, training.columns)


def _write_down(training: Training, candidate: Candidate, winner: Attempt) -> None:
    about = {"candidate": candidate.name, "kind": candidate.kind, **winner.settled}
    metrics = {**winner.metrics, **winner.constants}
    training.book.write(training.run, metrics=metrics, params=about)


def _register(training: Training, candidate: Candidate, winner: Attempt, model: Model) -> str:
    work, cut = training.work, training.parts
    labels = {
        tags.FEATURES: ",".join(work.use_case.features.columns),
        tags.KIND: candidate.kind,
        tags.CANDIDATE: candidate.name,
        tags.SOURCE: work.place.source,
        tags.WINDOW: str(work.job.window),
        tags.FITTED: cut.fitted.to_json(),
        tags.TUNED: cut.validate.to_json(),
        tags.CONSTANTS: as_json(dict(winner.constants)),
        tags.DUE: training.due,
        tags.INPUTS: as_json(training.known.inputs),
    }
    types = dict(training.known.frame.select(*work.use_case.features.columns).dtypes)
    with TemporaryDirectory() as folder:
        model.save(Path(folder) / "model", types)
        said = card(work.use_case, work.place.source, labels)
        version = training.book.register(training.run, Path(folder) / "model", labels, said)
    training.book.describe(card(work.use_case, work.place.source, {}))
    return version
