"""One training, written down: its rows, what was tried, and the version that came of it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from spark_jobs.declare import tags
from spark_jobs.kinds import Candidate, Model, kind
from spark_jobs.learning.attempt import Attempt
from spark_jobs.learning.card import card
from spark_jobs.learning.choosing import Choosing
from spark_jobs.learning.coefficients import keep_paths
from spark_jobs.learning.known import Known
from spark_jobs.learning.model_part import ModelPart
from spark_jobs.learning.search import Finished
from spark_jobs.learning.search_pictures import keep_search
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
    runs = training.book.children(training.run, TRIAL)
    for run in runs:
        if run.info.status == "RUNNING":  # its trial was being written down
            training.book.end(run.info.run_id, "KILLED")
    told = [run.data.tags[tags.TRIAL] for run in runs if run.info.status == "FINISHED"]
    found = {(one.candidate, one.number): one for one in map(Attempt.from_json, told)}
    if found:
        LOG.info("%d trials are finished already", len(found))
    return found


def keep_trial(book: Tracking, parent: str, attempt: Attempt) -> None:
    """As an MLflow run below that of its training, which a search that is resumed reads again."""
    name = f"{attempt.candidate} {attempt.number}"
    run = book.start(name, parent, {tags.STAGE: TRIAL, tags.CANDIDATE: attempt.candidate})
    said = {tags.ERROR: attempt.error, tags.GIVEN_UP: attempt.given_up}
    labels = {tags.TRIAL: attempt.to_json(curves=False)} | {name: text for name, text in said.items() if text}
    metrics = {**attempt.metrics, **attempt.constants, "seconds": attempt.seconds}
    book.write(run, metrics=metrics, params=attempt.params, labels=labels, curves=attempt.curves)
    book.end(run, "FAILED" if attempt.error else "FINISHED")


def _write_down(training: Training, candidate: Candidate, winner: Attempt, model: Model) -> None:
    about = {"candidate": candidate.name, "kind": candidate.kind, **winner.settled}
    metrics = {**winner.metrics, **winner.constants}
    training.book.write(training.run, metrics=metrics, params=about, curves={**winner.curves, **model.curves})
    keep_paths(training.book, training.run, model)


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
