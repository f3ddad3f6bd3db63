"""Rebuilds every touched day of silver from all its bronze records: typed, checked, one row per key."""

import logging
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import Window as SqlWindow
from pyspark.sql import functions as f

from spark_jobs.declare import RECORD, RawTable, merged
from spark_jobs.sql import name_of
from spark_jobs.tables.cut import Cut, day_cut, often_cut
from spark_jobs.tables.ledger import read_as, touched_days
from spark_jobs.tables.references import Reference, fingerprint, referred
from spark_jobs.tables.shared import as_note, days_of, require_refined
from spark_jobs.tables.span import note_of, waiting
from spark_jobs.tables.standing import code_of
from spark_jobs.tables.typed import (
    BAD,
    GOOD,
    OVERFLOW_IS_NULL,
    REASONS,
    as_silver,
    settings,
    typed,
    with_all_reasons,
    with_event_time,
)
from spark_jobs.work import Result, Work

LOG = logging.getLogger(__name__)

COUNTS = ("in", "kept", "superseded", "quarantined", "nulled")
QUARANTINE = (
    *("_day AS day", "_arrival_day AS arrival_day", "_file AS file", "_record AS record"),
    *("_line AS line", "_raw AS raw", f"{REASONS} AS reasons"),
)


@dataclass(frozen=True, kw_only=True)
class Refined:
    """What became of one table's records."""

    bronze: int  # the version that was read
    silver: int | None  # the version that was made, or stands
    counts: dict[str, int]
    missing: dict[str, int]  # rows without a value, by column that may lack one

    @property
    def rows(self) -> Result:
        return {**self.counts, "missing": self.missing} if self.missing else dict(self.counts)


def run(work: Work) -> Result:
    if work.use_case.reads:
        return {"rows": {}, "reads": require_refined(work)}
    refined: dict[str, Refined] = {}
    with settings(work.spark, OVERFLOW_IS_NULL):
        for table in work.use_case.tables:
            done = _refine(work, table)
            if done is None:
                LOG.info("%s: nothing was delivered yet", table.name)
            else:
                refined[table.name] = done
                LOG.info("%s: %s", table.name, ", ".join(f"{n} {what}" for what, n in done.counts.items()))
                if lacking := [f"{n} of {column}" for column, n in done.missing.items() if n]:
                    LOG.info("%s: rows without a value: %s", table.name, ", ".join(lacking))
    return {
        "rows": {name: done.rows for name, done in refined.items()},
        "inputs": {f"bronze/{name}": done.bronze for name, done in refined.items()},
        "outputs": {f"silver/{name}": done.silver for name, done in refined.items()},
    }


def _refine(work: Work, table: RawTable) -> Refined | None:
    """None where nothing of this table was ever delivered."""
    silver, code = work.lake.silver(table.name), code_of(work.use_case, table)
    state = silver.state()
    note = state.note
    since = note.get("bronze") if note.get("code") == code else None
    ledger = work.lake.files(table.name).state().note
    version = ledger.get("bronze")
    if version is None:
        return None
    if version == since and not table.timed:
        return Refined(bronze=version, silver=state.version, counts=dict.fromkeys(COUNTS, 0), missing={})
    reference = referred(work.lake, table)
    cut = _cut(work, table, reference, note, version) if table.timed and since is not None else None
    bronze = work.lake.bronze(table.name).read(read_as(ledger))
    rows = _judged(bronze.where(cut.records) if cut else bronze, table, reference)
    days = merged([*days_of(note), *work.job.days_over])
    made_from = {"bronze": version, "code": code, "days": as_note(days)} | (reference.note if reference else {})
    return _write(work, table, rows, cut, made_from | note_of(cut.later if cut else ()))


def _cut(work: Work, table: RawTable, reference: Reference | None, note: dict[str, Any], version: int) -> Cut:
    """What came since and, in a run over whole days, these."""
    since, waits = note["bronze"], waiting(note)
    if cut := often_cut(work, table, since, version, waits):
        return cut
    again = reference.days(work.lake.quarantine(table.name), note) if reference else []
    return day_cut([*touched_days(work.lake, table, since, version), *again, work.job.window], waits)


def _judged(bronze: DataFrame, table: RawTable, reference: Reference | None) -> DataFrame:
    rows = with_event_time(typed(bronze, table), table)
    if reference is None:
        return with_all_reasons(rows, table)
    return with_all_reasons(rows.join(reference.keys, reference.column, "left"), table, [reference.reason])


def _ranked(rows: DataFrame, table: RawTable) -> DataFrame:
    """Adds `_turn`: 1 for the record that wins its key. Where repeats are refused, the first in a file counts."""
    last = f.asc("_record") if table.repeats_refused else f.desc("_record")
    newest_first = SqlWindow.partitionBy(f.expr(GOOD), *_key(table)).orderBy(
        f.desc("_arrival_day"), f.desc("_file"), last
    )
    ranked = rows.withColumn("_turn", f.row_number().over(newest_first))
    if not table.repeats_refused:
        return ranked
    repeats = (f.lag("_file").over(newest_first) == f.col("_file")) & f.expr(GOOD)
    return ranked.withColumn("_why", f.when(repeats, "repeats an earlier record of its file").otherwise(f.col("_why")))


def _key(table: RawTable) -> list[str]:
    """What makes two records the same row, by the names they have here."""
    return [f"_{name}" for name in RECORD] if table.by_record else [name_of(name) for name in table.key]


def _write(work: Work, table: RawTable, judged: DataFrame, cut: Cut | None, note: dict[str, Any]) -> Refined:
    """Quarantine first: silver's note says that both are done."""
    seen, good, won, unknown = Observation(), Observation(), Observation(), Observation()
    rows = _ranked(judged, table) if table.repeats_refused else judged
    refusals = _apart(rows, seen, BAD).selectExpr(*QUARANTINE, *(["_at AS at"] if table.in_milliseconds else []))
    quarantined = work.lake.quarantine(table.name).replace(refusals, cut.records if cut else None, note)
    accepted = _apart(rows, Observation(), GOOD)
    ranked = accepted if table.repeats_refused else _ranked(accepted, table)
    winners = (
        ranked.observe(good, _count("superseded", "_turn > 1"))
        .where("_turn = 1")
        .observe(won, f.coalesce(f.sum("_nulled"), f.lit(0)).alias("nulled"))
    )
    optional = [column.name for column in table.columns if not column.required or column.bad_becomes_null]
    if optional:
        winners = winners.observe(unknown, *(_count(name, f"{name_of(name)} IS NULL") for name in optional))
    kept = winners.selectExpr(*as_silver(table))
    if not table.timed:
        note = note | {"content": fingerprint(kept.select(*map(name_of, table.column_names)))}
    silver = work.lake.silver(table.name).replace(kept, cut.rows() if cut else None, note)
    counts = {"in": seen.get["in"], "kept": silver.rows, **won.get, **good.get, "quarantined": quarantined.rows}
    missing = unknown.get if optional else {}
    return Refined(bronze=note["bronze"], silver=silver.version, counts=counts, missing=missing)


def _apart(rows: DataFrame, all_of_them: Observation, condition: str) -> DataFrame:
    """Those that meet a condition, of rows that are counted: what is counted no condition is moved below.

    Else Spark writes the texts of all reasons into the condition, and those of all columns into them.
    """
    return rows.observe(all_of_them, _count("in", "TRUE")).where(condition)


def _count(name: str, condition: str) -> Column:
    return f.count(f.expr(f"CASE WHEN {condition} THEN 1 END")).alias(name)
