"""Predicts with the champion of this moment; needs no labels."""

import logging
from math import isinf

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_jobs.declare import Window
from spark_jobs.kinds import Why
from spark_jobs.lakehouse import Commit, within
from spark_jobs.learning.known import require
from spark_jobs.learning.model_part import model_part
from spark_jobs.learning.registered import Registered, registered
from spark_jobs.tables.reports import Scored, write_reports
from spark_jobs.tracking import Tracking, tracking
from spark_jobs.work import Lesson, Result

LOG = logging.getLogger(__name__)


def run(work: Lesson) -> Result:
    features = work.lake.gold("features").version()
    if features is None:
        return {"skipped": "no features yet"}
    with tracking(work.place, work.use_case) as book:
        found = book.version(work.job.version) if work.job.version else book.champion()
        if found is None:
            return {"skipped": "no champion yet"}
        return _score(work, book, registered(found), features)


def _score(work: Lesson, book: Tracking, about: Registered, features: int) -> Result:
    window = work.job.window.moved(work.use_case.ahead)
    frame = work.lake.gold("features").read(features).where(within([window]))
    require(frame, about.features, f"version {about.version} reads")
    scored = _write(work, about, _predict(work, book, about, frame), window)
    LOG.info("version %s scored %d rows of %s", about.version, scored.rows, window)
    if not scored.rows:
        LOG.info("gold/features holds no row of these days")
    reports = write_reports(work, book, Scored(key=work.use_case.features.key, window=window))
    return {
        "version": about.version,
        "rows": {"gold/predictions": {"scored": scored.rows}} | reports.rows,
        "inputs": {"gold/features": features} | reports.inputs,
        "outputs": {"gold/predictions": scored.version} | reports.outputs,
    } | reports.page


def _predict(work: Lesson, book: Tracking, about: Registered, frame: DataFrame) -> DataFrame:
    keep = ["day", *work.use_case.features.key, "in_fitting"]
    marked = frame.withColumn("in_fitting", f.expr(about.fitted.possible()))
    model = about.model(book, work.use_case, work.spark)
    why = Why.of(work.use_case, about.constants)
    if why:
        from_where = "" if isinf(why.least) else f" of at least {why.least:g}"
        LOG.info("reasons: %d of each prediction%s", why.most, from_where)
    predicted = model.score(marked.select(*keep, *about.features), keep, why)
    return model_part(work.use_case.name).decide(predicted, about.constants)


def _write(work: Lesson, about: Registered, predicted: DataFrame, window: Window) -> Commit:
    """In place of what this version said of these days; when it first said so is kept."""
    table, key = work.lake.gold("predictions"), list(work.use_case.features.key)
    number = int(about.version)
    scored = predicted.withColumn("model_version", f.lit(number)).withColumn("first_scored", f.current_timestamp())
    mine = f"({within([window])}) AND model_version = {number}"
    if table.exists():
        before = table.read().where(mine).select(*key, f.col("first_scored").alias("before"))
        first = f.coalesce("before", "first_scored")
        scored = scored.join(before, key, "left").withColumn("first_scored", first).drop("before")
    said = (*work.use_case.predictions, *(["reasons"] if work.use_case.reasons else []))
    ordered = ("day", *key, "model_version", *said, "in_fitting", "first_scored")
    return table.replace(scored.select(*ordered), mine, {})
