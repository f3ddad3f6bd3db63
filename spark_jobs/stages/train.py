"""If due: searches, fits the winner again, registers one version and names it challenger."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from spark_jobs.declare import Retrain, UseCase, tags
from spark_jobs.kinds import Columns
from spark_jobs.learning.folds import fold_of, nothing_to_measure
from spark_jobs.learning.known import Overview, due_hash, known
from spark_jobs.learning.model_part import asked_for, code_of, model_part, rows_hash
from spark_jobs.learning.splits import by_stratum, parts
from spark_jobs.learning.training import Training, train
from spark_jobs.tracking import Tracking, as_json, tracking
from spark_jobs.work import Lesson, Result

LOG = logging.getLogger(__name__)


def run(work: Lesson) -> Result:
    if work.job.retrain is Retrain.NEVER:
        return {"skipped": "this run does not train"}
    work = _as_asked(work)
    rows = known(work.lake, work.use_case, work.job.window)
    if rows is None:
        return {"skipped": "no features with labels yet"}
    cut = parts(work.use_case, work.job.window, rows.frame)
    seen = rows.overview(train=cut.train, validate=cut.validate)
    due = due_hash(work.use_case, code_of(work.use_case.name), seen.fingerprint, work.job.parameters)
    with tracking(work.place, work.use_case) as book:
        former = book.former_training(work.job.run, due)
        done = book.version_of(former) if former else None
        if done is not None:
            return _finish(book, former, str(done.version))
        skipped = _not_due(work, book, due) or _too_few(work.use_case, seen)
        if skipped:
            return {"skipped": skipped}
        same = rows.same(cut.train)
        part = model_part(work.use_case.name)
        wanted = asked_for(part, work.use_case.search, work.job)
        training = Training(work=work, book=book, part=part, candidates=wanted, parts=cut, known=rows, due=due)
        if skipped := _nothing_changes(training, same):
            return {"skipped": skipped}
        return _train(training, seen, former, ", ".join(same)) | {"inputs": rows.inputs}


def _as_asked(work: Lesson) -> Lesson:
    """A search by another way is another declaration: what came of it once is due no night."""
    search = work.use_case.search.asked(work.job.search)
    return replace(work, use_case=replace(work.use_case, search=search))


def _nothing_changes(training: Training, same: Sequence[str]) -> str:
    """Among the features, or in one of the folds: that could not tell good from bad."""
    use_case = training.work.use_case
    if len(same) == len(use_case.features.read):
        return "nothing to learn from: no feature ever changes in the rows to train on"
    if not (folds := use_case.search.folds):
        return ""
    rows = training.rows("train", in_memory=True)
    fold = fold_of(rows, Columns.of(use_case).features, folds)
    return nothing_to_measure(rows, use_case.labels.columns, fold, folds)


def _train(training: Training, seen: Overview, former: str, same: str) -> Result:
    """A former try that failed goes on in its own MLflow run."""
    work, book = training.work, training.book
    labels = {
        tags.STAGE: "train",
        tags.DUE: training.due,
        tags.ROWS: rows_hash(work.use_case, seen.fingerprint),
        tags.SOURCE: work.place.source,
        tags.WINDOW: str(work.job.window),
        tags.INPUTS: as_json(training.known.inputs),
    } | book.begun_by(work.job.run)
    if same:
        LOG.warning("%s: the same in all rows to train on, so no model can learn from it", same)
        labels[tags.SAME] = same
    run_id = former or book.start(f"train {work.job.window}", work.job.run, labels)
    LOG.info("training in MLflow run %s", run_id)
    with book.running(run_id):
        for name, part in (("train", training.parts.train), ("validate", training.parts.validate)):
            book.name_data(run_id, training.known.used(work.lake, name, part, seen.count(name)))
        _say_strata(training, run_id)
        trained = train(replace(training, run=run_id))
    result = {"version": trained.version, "run_id": run_id, "metrics": dict(trained.winner.metrics)}
    return result | ({"same": same} if same else {})


def _say_strata(training: Training, run_id: str) -> None:
    if training.parts.judge.strata:
        table = by_stratum(training.known.frame, training.parts)
        LOG.info("parted within each stratum:\n%s", table.to_string(index=False))
        training.book.show_table(run_id, table, "strata.json")


def _finish(book: Tracking, former: str, version: str) -> Result:
    """A former try came as far as the version: only what comes after it may be missing."""
    LOG.info("version %s came of this training already", version)
    if version == str(book.versions()[0].version):
        book.challenge(version)
    book.end(former, "FINISHED")
    return {"version": version, "run_id": former}


def _not_due(work: Lesson, book: Tracking, due: str) -> str:
    newest, job = next(iter(book.versions()), None), work.job
    asked = job.retrain is Retrain.ALWAYS or job.also or job.parameters or job.search
    if asked or newest is None or newest.tags.get(tags.DUE) != due:
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
