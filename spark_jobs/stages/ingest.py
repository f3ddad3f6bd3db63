"""Makes sure the window's raw files lie in landing, then loads every file not yet loaded into bronze."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from pyspark.errors import PySparkException

from spark_jobs import use_cases
from spark_jobs.declare import BadRequest, Delivery, Refused, Tables, days_of
from spark_jobs.files import Files
from spark_jobs.raw.dated import dated
from spark_jobs.raw.landing import Landing, RawFile
from spark_jobs.raw.records import Task, read_records
from spark_jobs.raw.stream import broken, followed, waiting_records
from spark_jobs.tables.ledger import Entry, Key, Ledger
from spark_jobs.tables.shared import require_refined
from spark_jobs.tables.standing import nothing_left
from spark_jobs.work import Result, Work

LOG = logging.getLogger(__name__)
OTHER_CONTENT = "a file of this name was loaded before with other content: deliver corrections under a new name"


def run(work: Work) -> Result:
    landing = Landing.of(work.place, work.use_case.name)
    ledgers = [Ledger.of(work.lake, table) for table in work.use_case.tables]
    for ledger in ledgers:
        _refuse_another_source(ledger, work)
    if work.use_case.reads:
        return {"rows": {}, "reads": require_refined(work)}
    landing.claim(work.place.source)
    written = landing.deliver(arrived(_deliveries(work, landing), work.job.until))
    LOG.info("%d raw files were made for %s", written, work.job.window)
    loaded = {ledger.table.name: _load(work, landing, ledger) for ledger in ledgers}
    nothing = nothing_left(work, ledgers) if work.job.until and not any(loaded.values()) else ""
    windows = days_of(day for entries in loaded.values() for entry in entries for day in entry.days)
    return {
        "rows": {table: _counts(entries) for table, entries in loaded.items()},
        "days": [[str(window.start), str(window.end)] for window in windows],
        **({"nothing": nothing} if nothing else {}),
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


def arrived(deliveries: Iterable[Delivery], until: datetime | None) -> Iterator[Delivery]:
    return (one for one in deliveries if until is None or one.at is None or one.at <= until)


def _load(work: Work, landing: Landing, ledger: Ledger) -> list[Entry]:
    """Load what is new of one table; returns its new rows of the ledger."""
    bronze = work.lake.bronze(ledger.table.name)
    version = bronze.version()
    found: dict[Key, RawFile | None] = dict.fromkeys(ledger.unlisted(version))
    if ledger.table.stream and (waiting := list(_waiting(landing, ledger, found))):
        version = _follow(work, landing, ledger, waiting)
        found |= ledger.arrived(version, waiting)
    tasks = list(_tasks(landing, ledger, found))
    if tasks:
        frame = dated(read_records(work.spark, ledger.table, tasks), ledger.table)
        version = bronze.append(frame, {"files": len(tasks)})
        found |= {(task.file.name, task.hash): task.file for task in tasks}
    if version is None or not found:
        ledger.follow_upkeep(version)
        return []
    entries = ledger.entries(found, version)
    ledger.add(entries, {"source": work.place.source, "bronze": version})
    for entry in entries:
        if entry.problem:
            LOG.warning("%s/%s is refused: %s", ledger.table.name, entry.file, entry.problem)
    return entries


def _follow(work: Work, landing: Landing, ledger: Ledger, waiting: list[RawFile]) -> int | None:
    """Into bronze, batch by batch. What it leaves, the ordinary way takes."""
    table = ledger.table
    LOG.info("%s: %d files wait for the stream", table.name, len(waiting))
    records = waiting_records(work.spark, table, landing.of_table(table.name), waiting)
    bronze = work.lake.bronze(table.name)
    checkpoint = work.place.checkpoint(work.use_case.name, table.name)
    try:
        followed(bronze.follow(dated(records, table), checkpoint, {"files": len(waiting)}), len(waiting))
    except PySparkException as error:
        raise broken(error, checkpoint, work.use_case.name) from None
    return bronze.version()


def _waiting(landing: Landing, ledger: Ledger, found: Mapping[Key, RawFile | None]) -> Iterator[RawFile]:
    """Files of names that are new."""
    names = {name for name, _ in ledger.loaded.keys() | found.keys()}
    return (file for file in landing.files(ledger.table.name) if file.name not in names)


def _tasks(landing: Landing, ledger: Ledger, found: dict[Key, RawFile | None]) -> Iterator[Task]:
    """Files that are new, by name and content. Size and time of change spare reading those that are not."""
    loaded = ledger.loaded.keys() | found.keys()
    names = {name for name, _ in loaded}
    unchanged = {(name, *stamp) for (name, _), stamp in ledger.loaded.items()}
    unchanged |= {(file.name, file.stamp.size, file.stamp.modified) for file in found.values() if file}
    for file in landing.files(ledger.table.name):
        if (file.name, file.stamp.size, file.stamp.modified) in unchanged:
            continue
        digest = Files(file.address).digest()
        if (file.name, digest) in found:
            found[file.name, digest] = file  # after a crash; its stamp spares the next run reading it again
        elif (file.name, digest) not in loaded:
            yield Task(file=file, hash=digest, problem=OTHER_CONTENT if file.name in names else "")


def _counts(entries: list[Entry]) -> dict[str, int]:
    return {
        "files": len(entries),
        "refused": sum(bool(entry.problem) for entry in entries),
        "records": sum(entry.records for entry in entries),
    }
