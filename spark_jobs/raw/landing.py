"""Raw files as they were delivered: `<landing>/<use_case>/<table>/<YYYY-MM-DD>/<name>`."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from spark_jobs.declare import Delivery, Place, Refused
from spark_jobs.files import Files, Stamp

LOG = logging.getLogger(__name__)

PUBLIC = "_public"  # where the published archive of a use case is unpacked
OWNER = "_source"  # names the source a landing folder was begun with
HIDDEN = (".", "_")
IGNORED = (".tmp", ".part")


@dataclass(frozen=True, kw_only=True, order=True)
class RawFile:
    """One file that lies in landing; `name` is relative to its table's folder."""

    arrival_day: date
    name: str
    address: str
    stamp: Stamp


@dataclass(frozen=True)
class Landing:
    """The landing folder of one use case."""

    folder: Files

    @classmethod
    def of(cls, place: Place, use_case: str) -> "Landing":
        return cls(Files(place.landing).below(use_case))

    @property
    def public(self) -> Files:
        return self.folder.below(PUBLIC)

    def claim(self, source: str) -> None:
        """Files of different sources never meet: the first source owns the folder."""
        marker = self.folder.below(OWNER)
        claimed = marker.exists()
        owner = marker.read().decode().strip() if claimed else self._unclaimed_owner(source)
        if owner != source:
            raise Refused(
                f"source: {self.folder.address} holds {owner} files, and this job asks for {source}. Set "
                f"NIGHTSHIFT_HOME to another folder for {source}, or NIGHTSHIFT_SOURCE={owner} to go on with these"
            )
        if not claimed:
            marker.write(source.encode())

    def _unclaimed_owner(self, source: str) -> str:
        tables = (folder for folder in self.folder.folders() if not folder.name.startswith(HIDDEN))
        dropped = any(day.files() for table in tables for day in table.folders())
        return "own" if dropped else source

    def deliver(self, deliveries: Iterable[Delivery]) -> int:
        """Write the deliveries that do not lie here yet, each at once or not at all."""
        written = 0
        lying: dict[
            str, set[str]
        ] = {}  # a day may have many files, and to list them once is quicker than to ask for each
        for delivery in deliveries:
            folder = self.folder.below(delivery.table, str(delivery.day))
            if folder.address not in lying:
                lying[folder.address] = {file.name for file, _ in folder.files()}
            if delivery.name not in lying[folder.address]:
                folder.below(delivery.name).write(delivery.content.encode())
                lying[folder.address].add(delivery.name)
                written += 1
        return written

    def of_table(self, table: str) -> Files:
        return self.folder.below(table)

    def files(self, table: str) -> Iterator[RawFile]:
        """Every file of a table that is finished, in order of arrival."""
        for folder in self.of_table(table).folders():
            if not _finished(folder.name):
                continue
            day = _day(folder.name)
            if day is None:
                LOG.warning(
                    "%s is left alone: a folder of raw files is named by its day, like 2024-01-31", folder.address
                )
                continue
            for file, stamp in folder.files():
                if _finished(file.name):
                    name = f"{folder.name}/{file.name}"
                    yield RawFile(arrival_day=day, name=name, address=file.address, stamp=stamp)


def _finished(name: str) -> bool:
    return not name.startswith(HIDDEN) and not name.endswith(IGNORED)


def _day(folder: str) -> date | None:
    try:
        day = date.fromisoformat(folder)
    except ValueError:
        return None
    return day if str(day) == folder else None  # 20240131 would be a second name of one day
