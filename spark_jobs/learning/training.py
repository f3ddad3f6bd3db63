"""One training, written down: its rows, what was tried, and the version that came of it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from spark_jobs.declare import tags
from spark_jobs.kinds import Candidate, Model
from spark_jobs.learning.attempt import Attempt, Fold
from spark_jobs.learning.card import card
from spark_jobs.learning.choosing import Choosing
from spark_jobs.learning.coefficients import keep_paths
from spark_jobs.learning.known import Known
from spark_jobs.learning.model_part import ModelPart
from spark_jobs.learning.search import Finished
from spark_jobs.learning.search.pictures import keep_search
from spark_jobs.learning.splits import Parts
from spark_jobs.tracking import Tracking, as_json
from spark_jobs.work import Lesson

if TYPE_CHECKING:
    import pandas as pd

LOG = logging.getLogger(__name__)

TRIAL, FOLD = "trial", "fold"


@dataclass(frozen=True, kw_only=True)
class Training:
    """All that one training works with. Judge rows are in none of it."""

    work: Lesson
    book: Tracking
    part: ModelPart
    candidates: Sequence[Candidate]
    parts: Parts
    known: Known
    due: str
    run: str = ""  # the MLflow run, once it has begun

    @cached_property
    def in_memory(self) -> "pd.DataFrame":
        """Fetched once, if any candidate asks for it."""
        return self.known.in_memory(train=self.parts.train, validate=self.parts.validate)

    def rows(self, *names: str, in_memory: bool) -> Any:
        """Rows of the parts named."""
        if in_memory:
            rows = self.in_memory
            return rows[rows["part"].isin(names)].drop(columns="part").reset_index(drop=True)
        return self.known.rows(*(getattr(self.parts, name) for name in names))


@dataclass(frozen=True, kw_only=True)
class Trained:
    version: str
    winner: Attempt


def train(training: Training) -> Trained:
    """Everything that can fail comes before the version, and the alias comes last."""
    choosing = Choosing(
        spark=training.work.spark,
        use_case=training.work.use_case,
        part=training.part,
        candidates=training.candidates,
        given=training.work.job.parameters,
        rows=training.rows,
        finished=_finished(training),
        told=partial(keep_trial, training.book, training.run),
    )
    attempts = choosing.attempts()
    keep_search(training.book, training.run, training.work.use_case, attempts)
    winner = choosing.winner(attempts)
    candidate, model = choosing.candidate(winner), choosing.fitted(winner)
    LOG.info("%s wins with %s", winner.candidate, dict(winner.metrics))
    _write_down(training, candidate, winner, model)
    version = _register(training, candidate, winner, model)
    training.book.challenge(version)
    return Trained(version=version, winner=winner)


def _finished(training: Training) -> Finished:
    """What a killed try of this very training left, read once. What failed then may fare better now."""
    book, runs = training.book, training.book.children(training.run, TRIAL)
    open_trials = [run for run in runs if run.info.status == "RUNNING"]  # which were being written down
    folds = [fold for trial in open_trials for fold in book.children(trial.info.run_id, FOLD)]
    for run in (*(fold for fold in folds if fold.info.status == "RUNNING"), *open_trials):
        book.end(run.info.run_id, "KILLED")
    told = [run.data.tags[tags.TRIAL] for run in runs if run.info.status == "FINISHED"]
    found = {(one.candidate, one.number): one for one in map(Attempt.from_json, told)}
    if found:
        LOG.info("%d trials are finished already", len(found))
    return found


def keep_trial(book: Tracking, parent: str, attempt: Attempt) -> None:
    """As an MLflow run below that of its training, which a search that is resumed reads again."""
    name = f"{attempt.candidate} {attempt.number}"
    run = book.start(name, parent, {tags.STAGE: TRIAL, tags.CANDIDATE: attempt.candidate})
    for place, fold in enumerate(attempt.folds, 1):
        _keep_fold(book, run, f"{name} fold {place}", fold)
    said = {tags.ERROR: attempt.error, tags.GIVEN_UP: attempt.given_up}
    labels = {tags.TRIAL: attempt.to_json(whole=False)} | {name: text for name, text in said.items() if text}
    metrics = {**attempt.metrics, **attempt.constants, **_learned(attempt.learned), **_taken(attempt)}
    book.write(run, metrics=metrics, params=attempt.params, labels=labels, curves=attempt.curves)
    book.end(run, "FAILED" if attempt.error else "FINISHED")


def _keep_fold(book: Tracking, trial: str, name: str, fold: Fold) -> None:
    run = book.start(name, trial, {tags.STAGE: FOLD})
    book.write(run, metrics={**fold.metrics, **_learned(fold.learned), **_taken(fold)})
    book.end(run, "FINISHED")


def _learned(metrics: Mapping[str, float]) -> dict[str, float]:
    """Of the rows that were learned from, beside those of the others."""
    return {f"train_{name}": value for name, value in metrics.items()}


def _taken(by: Attempt | Fold) -> dict[str, float]:
    memory = {"gigabytes": by.gigabytes} if by.gigabytes else {}  # on Spark no trial has memory of its own
    return {"seconds": by.seconds, **memory}


def _write_down(training: Training, candidate: Candidate, winner: Attempt, model: Model) -> None:
    about = {"candidate": candidate.name, "kind": candidate.kind, **winner.settled}
    metrics = {**winner.metrics, **winner.constants}
    training.book.write(training.run, metrics=metrics, params=about, curves={**winner.curves, **model.curves})
    keep_paths(training.book, training.run, model)


def _register(training: Training, candidate: Candidate, winner: Attempt, model: Model) -> str:
    work, cut = training.work, training.parts
    labels = {
        tags.FEATURES: ",".join(work.use_case.features.read),
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
    types = dict(training.known.frame.select(*work.use_case.features.read).dtypes)
    with TemporaryDirectory() as folder:
        model.save(Path(folder) / "model", types)
        said = card(work.use_case, work.place.source, labels)
        version = training.book.register(training.run, Path(folder) / "model", labels, said)
    training.book.describe(card(work.use_case, work.place.source, {}))
    return version
