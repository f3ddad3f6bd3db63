"""Records of a block that has quotes, or bytes that are not text, one by one."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from spark_jobs.raw.blocks import NOT_UTF_8, shown

LONGEST = 64 << 10  # bytes of one record, line breaks inside quotes included
UNBOUNDED = 2**31 - 1  # characters of a field; records are bounded here, by their bytes, and the limit is everybody's

TOO_LONG = f"is longer than {LONGEST} bytes, or has a quote that is never closed"
NEVER_CLOSED = "has a quote that is never closed"
OUT_OF_ORDER = "has quotes or line breaks that RFC 4180 does not allow"
NUL = "holds a NUL byte"


class Row(NamedTuple):
    line: int
    raw: str
    fields: list[str] | None
    problem: str | None


@dataclass(kw_only=True)
class Quoted:
    """One block of whole lines. After a record that cannot be read, reading goes on with the next line."""

    block: bytes
    first_line: int
    order: Sequence[int]
    delimiter: str
    more: bool  # a record that is open at the end may go on in the next block
    done: int = 0  # lines of finished records
    _asked: int = 0  # lines the csv reader has taken
    _ran_out: bool = False
    _rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        csv.field_size_limit(UNBOUNDED)
        self._lines = [line + b"\n" for line in self.block.split(b"\n")[:-1]]
        self._odd = b"\0" in self.block or not _is_text(self.block)

    @property
    def rest(self) -> bytes:
        return b"".join(self._lines[self.done :])

    def rows(self) -> list[Row]:
        while self.done < len(self._lines) and self._read_on():
            pass
        return self._rows

    def _read_on(self) -> bool:
        """Read to the end, or to a record that cannot be read. False: what is left waits for the next block."""
        self._asked, self._ran_out = self.done, False
        reader = csv.reader(self._supply(), delimiter=self.delimiter, strict=True)
        try:
            for fields in reader:
                if self._too_long():
                    self._refuse_line(TOO_LONG)
                    return True
                self._keep(fields)
        except csv.Error:
            if self._ran_out and self.more and not self._too_long():
                return False
            reason = NEVER_CLOSED if self._ran_out else OUT_OF_ORDER
            self._refuse_line(TOO_LONG if self._too_long() else reason)
        return True

    def _supply(self) -> Iterator[str]:
        while self._asked < len(self._lines):
            line = self._lines[self._asked]
            self._asked += 1
            yield line.decode("utf-8", "replace")
        self._ran_out = True

    def _too_long(self) -> bool:
        return sum(map(len, self._lines[self.done : self._asked])) > LONGEST

    def _keep(self, fields: list[str]) -> None:
        text = b"".join(self._lines[self.done : self._asked])
        problem = self._problem(text, len(fields))
        if fields:  # an empty line is no record
            arranged = None if problem else [fields[place] for place in self.order]
            raw = text.decode("utf-8", "replace").replace("\0", "\ufffd").removesuffix("\n").removesuffix("\r")
            self._rows.append(Row(self.first_line + self.done, raw, arranged, problem))
        self.done = self._asked

    def _problem(self, text: bytes, count: int) -> str | None:
        if self._odd and b"\0" in text:
            return NUL
        if self._odd and not _is_text(text):
            return NOT_UTF_8
        return None if count == len(self.order) else f"has {count} fields where the header has {len(self.order)}"

    def _refuse_line(self, reason: str) -> None:
        line = self._lines[self.done]
        self._rows.append(Row(self.first_line + self.done, shown(line), None, reason))
        self.done += 1


def _is_text(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
