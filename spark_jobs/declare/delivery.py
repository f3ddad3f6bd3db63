"""What a source gives, and what goes wrong on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

Accident = tuple[str, str | None]  # a column, and what it says instead; None: the line ends before it


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One raw file on its way: the table it belongs to, the day it arrives, its name and text."""

    table: str
    day: date
    name: str
    text: str = ""
    make: Callable[[], str] | None = None  # the text, where it takes long and the file may lie there already
    at: datetime | None = None  # when it arrives; None: at its day's beginning

    @property
    def content(self) -> str:
        return self.make() if self.make else self.text


def some_broken(
    lines: Sequence[str], header: Sequence[str], accidents: Sequence[Accident], chance: Any, share: float
) -> list[str]:
    """One accident to each line that is struck; `chance` is a random generator of numpy."""
    struck, which = chance.random(len(lines)) < share, chance.integers(len(accidents), size=len(lines))
    return [
        _after(line, header, accidents[kind]) if hit else line
        for line, hit, kind in zip(lines, struck.tolist(), which.tolist(), strict=True)
    ]


def _after(line: str, header: Sequence[str], accident: Accident) -> str:
    column, text = accident
    place, fields = header.index(column), line.split(",")
    return ",".join(fields[:place] if text is None else [*fields[:place], text, *fields[place + 1 :]])
