"""How much a table unfolds to, by the headers of its pieces: few bytes may stand for many, and a footer may lie."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PIECES = 20_000  # messages, or pages: more of them are not looked at
DICTIONARY = "dictionary"
RECORDS = (DICTIONARY, "record batch")
MAGIC = b"PAR1"
FOOTER = 1 << 20  # bytes
DEPTH = 10  # of structs and lists within others
ENCODINGS: Mapping[int, int] = {5: 2, 7: 2, 8: 4}  # kinds of pages, and where each names its encoding
READ = (0, 2, 3, 4, 5, 6, 8, 9)  # not 7: texts that begin as the one before, so that each may be as long as all
BYTES = 6  # of the ways to keep a value
WORDS = 2  # of the kinds of pages
SHORT, LONG = 5, 6  # whole numbers
Fields = dict[int, Any]


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


# Parquet: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift, in Thrift's compact
# protocol, where fields have numbers. pyarrow has a way to ask for them that ends the process when a footer is broken.
@dataclass(frozen=True)
class Footer:
    fields: Fields

    @classmethod
    def of(cls, raw: bytes) -> "Footer":
        length = int.from_bytes(raw[-8:-4], "little")
        if raw[-4:] != MAGIC or length + 8 > len(raw):
            raise ValueError("it ends with no footer")
        if length > FOOTER:
            raise TooMuch(f"the footer of the table has more than {FOOTER:,} bytes")
        return cls(_fields(raw[len(raw) - 8 - length : len(raw) - 8], 0)[0])

    @property
    def groups(self) -> list[Fields]:
        return _listed(self.fields, 4)

    @property
    def rows(self) -> int:
        """Of all, and of the groups together: the footer says both."""
        return max(_whole(self.fields, 3), sum(_whole(group, 3) for group in self.groups))

    @property
    def leaves(self) -> list[tuple[int, int]]:
        """Of each column how its values are kept, and how long each is where all have one length."""
        return [
            (_whole(one, 1, SHORT), _whole(one, 2, SHORT, 0)) for one in _listed(self.fields, 2)[1:] if not one.get(5)
        ]

    def pages(self, raw: bytes) -> Iterator[tuple[int, int, bool]]:
        """The place of its column, what it unfolds to in bytes, and whether it holds words that others point to."""
        left = PIECES
        for place, column in [one for group in self.groups for one in enumerate(_listed(group, 1))]:
            about = _struct(column, 3)
            left -= 1
            if _whole(about, 5) > 0:  # else nothing of it is read
                start, words = _whole(about, 9), _whole(about, 11, LONG, 0)
                start = words if 0 < words < start else start  # where who reads it begins
                for unfolded, folded in _pages(raw, start, start + _whole(about, 7)):
                    left -= 1
                    yield place, unfolded, folded
                    if left < 0:
                        break
            if left < 0:
                raise TooMuch(f"the table comes in more than {PIECES:,} pieces")


def _pages(raw: bytes, start: int, end: int) -> Iterator[tuple[int, bool]]:
    if not 0 <= start <= end <= len(raw):
        raise ValueError("a column that lies elsewhere")
    while start < end:
        header, start = _fields(raw, start)
        for kind, encoding in ENCODINGS.items():
            if kind in header and _whole(_struct(header, kind), encoding, SHORT) not in READ:
                raise ValueError("values as what they add to the one before (DELTA_BYTE_ARRAY), or in no known way")
        unfolded, stored = _whole(header, 2, SHORT), _whole(header, 3, SHORT)
        start += stored
        if unfolded < 0 or stored < 0 or start > end:
            raise ValueError("a page of no length")
        yield unfolded, _whole(header, 1, SHORT) == WORDS


def _whole(fields: Fields, number: int, kind: int = LONG, usual: int | None = None) -> int:
    """Of this kind: who reads it does not see another."""
    if number not in fields and usual is not None:
        return usual
    found = fields.get(number)
    if not isinstance(found, tuple) or found[0] != kind:
        raise ValueError(f"field {number} is no number")
    return int(found[1])


def _struct(fields: Fields, number: int) -> Fields:
    found = fields.get(number)
    if not isinstance(found, dict):
        raise ValueError(f"field {number} is nothing with fields")
    return found


def _listed(fields: Fields, number: int) -> list[Fields]:
    found = fields.get(number)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError(f"field {number} is no list of things with fields")
    return found


def _fields(raw: bytes, at: int, depth: int = 0) -> tuple[Fields, int]:
    """By their numbers, and where they end."""
    found: Fields = {}
    last = 0
    while head := raw[at]:
        at += 1
        if head >> 4:
            last += head >> 4
        else:
            last, at = _signed(raw, at)
        kind = head & 15
        if last in found:
            raise ValueError(f"field {last} twice")
        found[last], at = (kind == 1, at) if kind in (1, 2) else _value(raw, at, kind, depth)
    return found, at + 1


def _value(raw: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (4, SHORT, LONG):
        found, at = _signed(raw, at)
        return (kind, found), at
    if kind == 8:  # bytes
        length, at = _number(raw, at)
        return None, at + length
    if depth < DEPTH and kind == 9:
        return _items(raw, at, depth + 1)
    if depth < DEPTH and kind == 12:
        return _fields(raw, at, depth + 1)
    if kind in (1, 2, 3, 7):  # a byte; eight of them
        return None, at + (8 if kind == 7 else 1)
    raise ValueError("something that is not there in a table")


def _items(raw: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    head, at = raw[at], at + 1
    count, found = head >> 4, []
    if count == 15:
        count, at = _number(raw, at)
    for _ in range(count):
        one, at = _value(raw, at, head & 15, depth)
        found.append(one)
    return found, at


def _signed(raw: bytes, at: int) -> tuple[int, int]:
    found, at = _number(raw, at)
    return (found >> 1) ^ -(found & 1), at


def _number(raw: bytes, at: int) -> tuple[int, int]:
    found = 0
    for place in range(10):
        byte = raw[at + place]
        found |= (byte & 127) << (7 * place)
        if byte < 128 and found < 1 << 64:
            return found, at + place + 1
    raise ValueError("a number without an end")
