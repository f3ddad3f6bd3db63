"""Whether anything is left to do: silver and reports stand on what bronze holds now."""

from collections.abc import Sequence
from hashlib import sha256

from spark_jobs import use_cases
from spark_jobs.declare import RawTable, Tables, common
from spark_jobs.tables.ledger import Ledger
from spark_jobs.tables.references import referred
from spark_jobs.tables.shared import days_of
from spark_jobs.tables.silver import Silver
from spark_jobs.tables.span import waiting
from spark_jobs.work import Work


def code_of(use_case: Tables, table: RawTable) -> str:
    """Changes when silver of this table would come out differently from the same bronze."""
    declared = repr((table, use_case.table(table.refers_to[0]) if table.refers_to else None))
    return sha256(declared.encode()).hexdigest()[:16]


def code_of_reports(work: Work, silver: Silver) -> str:
    """Changes when a report would come out differently from the same files."""
    made_by = use_cases.text(work.use_case.name, "reports") if work.use_case.reports else ""
    return sha256(f"{sorted(silver.said('code').items())}\n{made_by}".encode()).hexdigest()[:16]


def nothing_left(work: Work, ledgers: Sequence[Ledger]) -> str:
    """Of a try that loaded nothing: why later stages need not begin, or "" where an earlier try left them work."""
    silver = Silver.of(work)
    if not all(_stands(work, silver, ledger) for ledger in ledgers):
        return ""
    if silver.delivered and not _reports_stand(work, silver):
        return ""
    newest = max((file for ledger in ledgers for file, _ in ledger.loaded), default="")
    return f"nothing new came since {newest}" if newest else "nothing has come yet"


def _reports_stand(work: Work, silver: Silver) -> bool:
    """What came behind the watermark may wait until a day is over."""
    wanted = {name: told for name, told in silver.made_from.items() if name != "later"}
    wanted["code"] = code_of_reports(work, silver)
    notes = (work.lake.gold(report.name).state().note for report in work.use_case.reports)
    return all(note == note | wanted and not (work.job.days_over and waiting(note)) for note in notes)


def _stands(work: Work, silver: Silver, ledger: Ledger) -> bool:
    """Silver of one table; a day that is over is to be known as made, whether its end brought anything or not."""
    table, note, bronze = ledger.table, silver.states[ledger.table.name].note, ledger.state.note.get("bronze")
    if bronze is None:
        return True  # nothing of it was ever delivered
    if (note.get("bronze"), note.get("code")) != (bronze, code_of(work.use_case, table)):
        return False
    if work.job.days_over and waiting(note):
        return False
    reference, over = referred(work.lake, table), work.job.days_over
    if reference and note.get("known") != reference.fingerprint:
        return False
    return not table.timed or common(over, days_of(note)) == over
