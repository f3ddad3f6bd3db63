"""If due: searches, fits the winner again, registers one version and names it challenger."""

import logging
from dataclasses import replace

from spark_jobs.declare import Retrain, UseCase, tags
from spark_jobs.learning.known import Known, Overview, due_hash, known
from spark_jobs.learning.model_part import asked_for, code_of, model_part
from spark_jobs.learning.splits import parts
from spark_jobs.learning.training import Training, train
from spark_jobs.tracking import Tracking, as_json, tracking
from spark_jobs.work import Result, Work

LOG = logging.getLogger(__name__)

WHILE_JAVA_STARTS = ("mlflow", "pandas")


def run(work: Work) -> Result:
    if work.job.retrain is Retrain.NEVER:
        return {"skipped": "this run does not train"}
    rows = known(work.lake, work.use_case, work.job.window)
    if rows is None:
        return {"skipped": "no features with labels yet"}
    cut = parts(work.use_case, work.job.window)
    seen = rows.overview(train=cut.train, validate=cut.validate)
    due = due_hash(work.use_case, code_of(work.use_case.name), seen.fingerprint)
    with tracking(work.place, work.use_case) as book:
        former = book.former_training(work.job.run, due)
        done = book.version_of(former) if former else None
        if done is not None:
            return _finish(book, former, str(done.version))
        skipped = _not_due(work, book, due) or _too_few(work.use_case, seen)
        if skipped:
            return {"skipped": skipped}
        return _train(work, book, rows, former, due) | {"inputs": rows.inputs}


def _train(work: Work, book: Tracking, rows: Known, former: str, due: str) -> Result:
    """A former try that failed goes on in its own MLflow run."""
    part = model_part(work.use_case.name)
    training = Training(
        work=work,
        book=book,
        part=part,
        candidates=asked_for(part, work.use_case.search, work.job.also),
        parts=parts(work.use_case, work.job.window),
        known=rows,
        due=due,
    )
    labels = {
        tags.STAGE: "train",
        tags.DUE: due,
        tags.SOURCE: work.place.source,
        tags.WINDOW: str(work.job.window),
        tags.INPUTS: as_json(rows.inputs),
    }
    run_id = former or book.start(f"train {work.job.window}", work.job.run, labels)
    LOG.info("training in MLflow run %s", run_id)
    with book.running(run_id):
        trained = train(replace(training, run=run_id))
    return {"version": trained.version, "run_id": run_id, "metrics": dict(trained.winner.metrics)}


def _finish(book: Tracking, former: str, version: str) -> Result:
    """A former try came as far as the version: only what comes after it may be missing."""
    LOG.info("version %s came of this training already", version)
    if version == str(book.versions()[0].version):
        book.challenge(version)
    book.end(former, "FINISHED")
    return {"version": version, "run_id": former}


def _not_due(work: Work, book: Tracking, due: str) -> str:
    newest = next(iter(book.versions()), None)
    if work.job.retrain is Retrain.ALWAYS or work.job.also or newest is None or newest.tags.get(tags.DUE) != due:
        return ""
    return f"not due: code, parameters and rows are those of version {newest.version}"


def _too_few(use_case: UseCase, seen: Overview) -> str:
    """What so few rows could not judge, they cannot teach either; and labels that never change teach nothing."""
    for name, use in (("train", "train on"), ("validate", "validate with")):
        if seen.count(name) < use_case.gate.rows:
            return f"too few rows to {use}: {seen.count(name)}, the gate asks for {use_case.gate.rows}"
        if not seen.varies(name):
            return f"nothing to learn: {', '.join(use_case.labels.columns)} never changes in the rows to {use}"
    return ""
