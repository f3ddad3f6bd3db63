"""Raw files as they were delivered: `<landing>/<use_case>/<table>/<YYYY-MM-DD>/<name>.csv`."""

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import file_digest
from pathlib import Path

from spark_jobs.declare import Delivery, Place, Refused

LOG = logging.getLogger(__name__)

PUBLIC = "_public"  # where the published archive of a use case is unpacked
OWNER = "_source"  # names the source a landing folder was begun with
IGNORED = (".tmp", ".part")


@dataclass(frozen=True, kw_only=True, order=True)
class RawFile:
    """One file that lies in landing; `name` is relative to its table's folder."""

    arrival_day: date
    name: str
    path: str
    size: int
    modified: int

    def digest(self) -> str:
        with Path(self.path).open("rb") as file:
            return file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Landing:
    """The landing folder of one use case."""

    folder: Path

    @classmethod
    def of(cls, place: Place, use_case: str) -> "Landing":
        return cls(Path(place.landing) / use_case)

    @property
    def public(self) -> Path:
        return self.folder / PUBLIC

    def claim(self, source: str) -> None:
        """Files of different sources never meet: the first source owns the folder."""
        marker = self.folder / OWNER
        claimed = marker.exists()
        owner = marker.read_text().strip() if claimed else self._unclaimed_owner(source)
        if owner != source:
            raise Refused(
                f"source: {self.folder} holds {owner} files, and this job asks for {source}. Set NIGHTSHIFT_HOME to "
                f"another folder for {source}, or NIGHTSHIFT_SOURCE={owner} to go on with these"
            )
        if not claimed:
            write(marker, source)

    def _unclaimed_owner(self, source: str) -> str:
        dropped = any(path for path in self.folder.glob("[!._]*/*/*"))
        return "own" if dropped else source

    def deliver(self, deliveries: Iterable[Delivery]) -> int:
        """Write the deliveries that do not lie here yet, each at once or not at all."""
        written = 0
        for delivery in deliveries:
            path = self.folder / delivery.table / str(delivery.day) / delivery.name
            if not path.exists():
                write(path, delivery.text)
                written += 1
        return written

    def files(self, table: str) -> Iterator[RawFile]:
        """Every file of a table that is finished, in order of arrival."""
        for folder in sorted(self._folders(table)):
            day = _day(folder)
            if day is None:
                LOG.warning("%s is left alone: a folder of raw files is named by its day, like 2024-01-31", folder)
                continue
            for path in sorted(folder.iterdir()):
                if path.is_file() and _finished(path.name):
                    stat = path.stat()
                    yield RawFile(
                        arrival_day=day,
                        name=f"{folder.name}/{path.name}",
                        path=str(path),
                        size=stat.st_size,
                        modified=stat.st_mtime_ns,
                    )

    def _folders(self, table: str) -> list[Path]:
        root = self.folder / table
        return [path for path in root.iterdir() if path.is_dir() and _finished(path.name)] if root.is_dir() else []


def write(path: Path, text: str) -> None:
    """A reader sees the whole file or none: written beside its name, then moved onto it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_text(text, encoding="utf-8", newline="")
    draft.replace(path)


def _finished(name: str) -> bool:
    return not name.startswith((".", "_")) and not name.endswith(IGNORED)


def _day(folder: Path) -> date | None:
    try:
        day = date.fromisoformat(folder.name)
    except ValueError:
        return None
    return day if str(day) == folder.name else None  # 20240131 would be a second name of one day
