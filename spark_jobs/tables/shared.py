"""Raw tables that another use case brings in: read once they are made for the days asked for, and never written."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from spark_jobs.declare import NotYet, Window, common
from spark_jobs.work import Work


def days_of(note: Mapping[str, Any]) -> list[Window]:
    """The days that a table was ever made for, as its note says."""
    return [Window(start=date.fromisoformat(start), end=date.fromisoformat(end)) for start, end in note.get("days", [])]


def as_note(days: Iterable[Window]) -> list[list[str]]:
    return [[str(window.start), str(window.end)] for window in days]


def require_refined(work: Work) -> dict[str, int | None]:
    """The versions of silver that stand, if they cover the window. Half a source would give half the rows."""
    owner, window = work.use_case.source, work.job.window
    versions: dict[str, int | None] = {}
    for table in work.use_case.tables:
        state = work.lake.silver(table.name).state()
        if common([window], days_of(state.note)) != [window] and table.timed:
            raise NotYet(
                f"{table.name} of {owner} is not refined for all of {window} yet, and {work.use_case.name} reads it: "
                f"let the Dag {owner} run these days"
            )
        versions[f"{owner}/silver/{table.name}"] = state.version
    return versions
