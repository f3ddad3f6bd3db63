"""A file of text as blocks of whole lines, and the records that are made of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

BLOCK = 1 << 20  # bytes read at once
BOM = b"\xef\xbb\xbf"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
SHOWN = 2000  # characters kept of a text that is too long
NOT_UTF_8 = "is not UTF-8"


class WholeFile(Exception):
    """No record of this file can be trusted. Its text is the reason."""

    def __init__(self, reason: str, first_line: str) -> None:
        super().__init__(reason[:SHOWN])
        self.first_line = first_line


@dataclass(frozen=True, kw_only=True)
class Records:
    """Some records, as columns, in the order of the file."""

    line: Any  # the number of the line a record begins on
    raw: Any
    fields: Any  # in the order the columns are declared; null where there is a problem
    problem: Any


def blocks(file: BinaryIO, size: int, longest: int) -> Iterator[bytes]:
    """Whole lines. A line that is too long loses its end, so that it cannot grow in memory."""
    left = b""
    while block := file.read(size):
        whole, newline, tail = block.rpartition(b"\n")
        if newline:
            yield left + whole + newline
            left = tail
        else:
            left = (left + tail)[: size + longest]
    if left:
        yield left + b"\n"


def shown(text: bytes) -> str:
    """Bytes for people to look at."""
    return text[: SHOWN * 4].decode("utf-8", "replace").replace("\0", "\ufffd").strip("\r\n")[:SHOWN]
