"""Many runs a day leave many small files: the one that closes a day puts them together. Readers notice nothing."""

import logging
from collections.abc import Iterator

from spark_jobs.declare import RawTable
from spark_jobs.lakehouse import Table
from spark_jobs.tables.ledger import Ledger, read_as
from spark_jobs.work import Work

LOG = logging.getLogger(__name__)


def tidy(work: Work) -> None:
    """Of all tables that are followed while a day goes on, and of what is made from them."""
    followed = [table for table in work.use_case.tables if table.often]
    if not followed or work.job.until is None or not work.job.days_over:
        return
    before, after = 0, 0
    for table in followed:
        _bronze(work, table)
    for place in _tables(work, followed):
        was, became = place.compact()
        before, after = before + was, after + became
    LOG.info("small files of the day: %d became %d", before, after)


def _bronze(work: Work, table: RawTable) -> None:
    """The ledger says which version is to be read: the one before loses its files some day."""
    bronze, ledger = work.lake.bronze(table.name), Ledger.of(work.lake, table)
    if bronze.version() == read_as(ledger.state.note) and bronze.compact()[0]:
        ledger.follow_upkeep(bronze.version())


def _tables(work: Work, followed: list[RawTable]) -> Iterator[Table]:
    lake = work.lake
    for table in followed:
        yield from (lake.files(table.name), lake.silver(table.name), lake.quarantine(table.name))
    yield from (lake.gold(report.name) for report in work.use_case.reports)
