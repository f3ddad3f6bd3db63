"""Makes sure the window's raw files lie in landing, then loads every file not yet loaded into bronze."""

import logging
from collections.abc import Iterator, Set

from pyspark.sql import DataFrame

from spark_jobs import use_cases
from spark_jobs.declare import BadRequest, Delivery, RawTable, Refused, Tables, days_of
from spark_jobs.files import Files
from spark_jobs.raw.landing import Landing
from spark_jobs.raw.records import Task, read_records
from spark_jobs.tables.ledger import Entry, Ledger
from spark_jobs.tables.shared import require_refined
from spark_jobs.work import Result, Work

LOG = logging.getLogger(__name__)
MILLISECONDS = 86_400_000  # of a day
OTHER_CONTENT = "a file of this name was loaded before with other content: deliver corrections under a new name"


def run(work: Work) -> Result:
    landing = Landing.of(work.place, work.use_case.name)
    ledgers = [Ledger.of(work.lake, table) for table in work.use_case.tables]
    for ledger in ledgers:
        _refuse_another_source(ledger, work)
    if work.use_case.reads:
        return {"rows": {}, "reads": require_refined(work)}
    landing.claim(work.place.source)
    written = landing.deliver(_deliveries(work, landing))
    LOG.info("%d raw files were made for %s", written, work.job.window)
    loaded = {ledger.table.name: _load(work, landing, ledger) for ledger in ledgers}
    windows = days_of(day for entries in loaded.values() for entry in entries for day in entry.days)
    return {
        "rows": {table: _counts(entries) for table, entries in loaded.items()},
        "days": [[str(window.start), str(window.end)] for window in windows],
    }


def knobs(given: str, use_case: Tables) -> dict[str, float]:
    """The simulator's knobs, those of the use case unless "name=number,use_case.name=number" says otherwise."""
    values = dict(use_case.simulation)
    for item in filter(None, given.split(",")):
        name, _, value = item.partition("=")
        whose, _, name = name.rpartition(".")
        if whose not in ("", use_case.name):
            continue
        if name not in values:
            raise BadRequest("simulation", f"of {use_case.name} knows {', '.join(sorted(values))}, got {name!r}")
        try:
            values[name] = float(value)
        except ValueError:
            raise BadRequest("simulation", f"{name} is a number, got {value!r}") from None
    return values


def _refuse_another_source(ledger: Ledger, work: Work) -> None:
    begun = ledger.state.note.get("source", work.place.source)
    if begun != work.place.source:
        raise Refused(
            f"source: {work.place.lake} was begun with {begun} data, and this job asks for {work.place.source}. "
            f"Set NIGHTSHIFT_HOME to another folder, or NIGHTSHIFT_SOURCE={begun} to go on with this lake"
        )


def _deliveries(work: Work, landing: Landing) -> Iterator[Delivery]:
    if work.place.source == "own":
        return
    source = use_cases.part(work.use_case.name, "source")
    if work.place.source == "simulated":
        yield from source.simulated(work.job.window, knobs(work.place.simulation, work.use_case))
    elif landing.public.files():
        with landing.public.here() as folder:
            yield from source.public(folder, work.job.window)
    else:
        name = work.use_case.name
        raise Refused(f"source: no public data of {name} in {landing.public.address}. Type: make data USE_CASE={name}")


def _load(work: Work, landing: Landing, ledger: Ledger) -> list[Entry]:
    """Load what is new of one table; returns its new rows of the ledger."""
    bronze = work.lake.bronze(ledger.table.name)
    version = bronze.version()
    unlisted = ledger.unlisted(version)
    tasks = list(_tasks(landing, ledger, unlisted))
    if tasks:
        frame = _with_day(read_records(work.spark, ledger.table, tasks), ledger.table)
        version = bronze.append(frame, {"files": len(tasks)})
    if version is None or not (tasks or unlisted):
        return []
    entries = ledger.entries(tasks, unlisted, version)
    ledger.add(entries, {"source": work.place.source, "bronze": version})
    for entry in entries:
        if entry.problem:
            LOG.warning("%s/%s is refused: %s", ledger.table.name, entry.file, entry.problem)
    return entries


def _tasks(landing: Landing, ledger: Ledger, unlisted: Set[tuple[str, str]]) -> Iterator[Task]:
    """Files that are new, by name and content. Size and time of change spare reading those that are not."""
    loaded = ledger.loaded.keys() | unlisted
    names = {name for name, _ in loaded}
    unchanged = {(name, *stamp) for (name, _), stamp in ledger.loaded.items()}
    for file in landing.files(ledger.table.name):
        if (file.name, file.stamp.size, file.stamp.modified) in unchanged:
            continue
        digest = Files(file.address).digest()
        if (file.name, digest) not in loaded:
            yield Task(file=file, hash=digest, problem=OTHER_CONTENT if file.name in names else "")


def _with_day(records: DataFrame, table: RawTable) -> DataFrame:
    """The event day in front: the arrival day where a record has none, or one it cannot have known."""
    if not table.day_column:
        return records.selectExpr("arrival_day AS day", "*")
    text = f"trim(fields[{table.column_names.index(table.day_column)}])"
    if table.in_milliseconds:
        day = f"date_add(DATE'1970-01-01', CAST(try_cast({text} AS BIGINT) div {MILLISECONDS} AS INT))"
    else:
        day = f"CASE WHEN {text} RLIKE '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}' THEN try_cast(left({text}, 10) AS DATE) END"
    believed = f"{day} <= date_add(arrival_day, {table.days_ahead})"
    if table.days_behind:
        believed += f" AND {day} >= date_sub(arrival_day, {table.days_behind})"
    return records.selectExpr(f"CASE WHEN {believed} THEN {day} ELSE arrival_day END AS day", "*")


def _counts(entries: list[Entry]) -> dict[str, int]:
    return {
        "files": len(entries),
        "refused": sum(bool(entry.problem) for entry in entries),
        "records": sum(entry.records for entry in entries),
    }
