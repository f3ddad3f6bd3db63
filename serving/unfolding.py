"""How much a table unfolds to, by the headers of its pieces: few bytes may stand for many, and a footer may lie."""

import struct
from collections.abc import Iterator, Mapping
from typing import Any

PIECES = 20_000  # messages, or pages: more of them are not looked at
DICTIONARY = "dictionary"
RECORDS = (DICTIONARY, "record batch")
UNFOLDED_PAGE, STORED_PAGE = 2, 3  # bytes of it, by the numbers of Parquet's page headers
ENCODINGS: Mapping[int, int] = {5: 2, 7: 2, 8: 4}  # kinds of pages, and where each names its encoding
DELTA_BYTE_ARRAY = 7  # texts that begin as the one before: each may be as long as all


class TooMuch(ValueError):
    """In a sentence."""


# Arrow: https://github.com/apache/arrow/blob/main/format/Message.fbs, read as flatbuffers lie there.
def is_compressed(kind: str, header: bytes) -> bool:
    """Of a message: whether its buffers are."""
    if kind not in RECORDS:
        return False
    found = _table(header, _table(header, 0, None), 2)
    if kind == DICTIONARY:
        found = _table(header, found, 1)
    return _place(header, found, 3) != 0


def _table(header: bytes, table: int, field: int | None) -> int:
    place = table if field is None else table + _place(header, table, field)
    return int(place + struct.unpack_from("<I", header, place)[0])


def _place(header: bytes, table: int, field: int) -> int:
    """Of a field in its table; 0: it is not there."""
    fields = table - struct.unpack_from("<i", header, table)[0]
    (size,) = struct.unpack_from("<H", header, fields)
    at = 4 + 2 * field
    return int(struct.unpack_from("<H", header, fields + at)[0]) if at < size else 0


# Parquet: https://github.com/apache/parquet-format, whose page headers are Thrift's compact protocol.
def pages(raw: bytes, start: int, end: int, most: int) -> Iterator[int]:
    """What each page of a column unfolds to, in bytes."""
    if start < 0:
        raise ValueError("a column that begins nowhere")
    while start < end:
        most -= 1
        if most < 0:
            raise TooMuch(f"the table comes in more than {PIECES:,} pieces")
        header, start = _fields(raw, start)
        for kind, encoding in ENCODINGS.items():
            if header.get(kind, {}).get(encoding) == DELTA_BYTE_ARRAY:
                raise ValueError("texts as what they add to the one before (DELTA_BYTE_ARRAY)")
        if header[UNFOLDED_PAGE] < 0 or header[STORED_PAGE] < 0:
            raise ValueError("a page of less than nothing")
        start += header[STORED_PAGE]
        yield header[UNFOLDED_PAGE]


def _fields(raw: bytes, at: int) -> tuple[dict[int, Any], int]:
    """A struct by the numbers of its fields, and where it ends."""
    found: dict[int, Any] = {}
    last = 0
    while head := raw[at]:
        at += 1
        if head >> 4:
            last += head >> 4
        else:
            last, at = _signed(raw, at)
        found[last], at = _value(raw, at, head & 15)
    return found, at + 1


def _value(raw: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind in (1, 2):  # yes and no
        return kind == 1, at
    if kind in (4, 5, 6):  # whole numbers
        return _signed(raw, at)
    if kind == 8:  # bytes
        length, at = _number(raw, at)
        return None, at + length
    if kind == 12:
        return _fields(raw, at)
    if kind in (3, 7):  # a byte; eight of them
        return None, at + (1 if kind == 3 else 8)
    raise ValueError("a page whose header is none")


def _signed(raw: bytes, at: int) -> tuple[int, int]:
    found, at = _number(raw, at)
    return (found >> 1) ^ -(found & 1), at


def _number(raw: bytes, at: int) -> tuple[int, int]:
    found = 0
    for place in range(10):
        byte = raw[at + place]
        found |= (byte & 127) << (7 * place)
        if byte < 128:
            return found, at + place + 1
    raise ValueError("a number without an end")
