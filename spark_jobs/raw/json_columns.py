"""Lines of JSON that are alike, read at once, column by column; the others are left to who reads line by line.

Lines are alike as long as they hold one flat object each, with as many quotation marks as most lines. What Arrow reads
of these are the same texts: it refuses, as we do, a key that stands twice and whatever is no JSON. It would also take
for a number what is none, and for a time what is text, and none of that is read here.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.json as arrow_json

from spark_jobs.declare.texts import EXACT, text_of

NEWLINE, QUOTE, BEGIN, END = b'\n"{}'
NO_NOUGHT = re.compile(rb"-0[\s,}]")  # a whole number, which has no sign; -0.0 has one
# What a value is in the first line, it is looked for in all of them.
TYPES = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
WRITTEN_SO = (pa.string(), pa.int64(), pa.bool_(), pa.null())  # by Arrow as by us

Numbers = Any  # an array of numpy


class Alike(NamedTuple):
    """Lines of a block, by their places in it: those that were read at once, and those that were not."""

    places: Numbers
    others: Numbers
    raw: pa.Array
    columns: Sequence[pa.Array]  # of text


def alike(block: bytes, longest: int, names: Sequence[str]) -> Alike | None:
    """None where it is better to read all of them line by line."""
    text = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(text == NEWLINE)
    starts = np.concatenate(([0], ends[:-1] + 1))
    quotes = np.add.reduceat(text == QUOTE, starts, dtype=np.int64)
    usual = (text[starts] == BEGIN) & (text[ends - 1] == END) & (ends - starts <= longest)
    usual &= quotes == np.bincount(quotes).argmax()
    places, others = np.flatnonzero(usual), np.flatnonzero(~usual)
    if not len(places):
        return None
    whole = _without(block, starts[others], ends[others] + 1)
    columns = _columns(whole, len(places), names)
    if columns is None:
        return None
    return Alike(places, others, _texts_of(whole, ends[places] - starts[places]), columns)


def _without(block: bytes, begins: Numbers, ends: Numbers) -> bytes:
    kept = zip([0, *ends.tolist()], [*begins.tolist(), len(block)], strict=True)
    return b"".join(block[start:end] for start, end in kept) if len(begins) else block


def _texts_of(lines: bytes, lengths: Numbers) -> pa.Array:
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    return pa.StringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(lines.replace(b"\n", b"")))


def _columns(lines: bytes, count: int, names: Sequence[str]) -> list[pa.Array] | None:
    try:
        lines.decode()
        first = orjson.loads(lines[: lines.index(b"\n")])
        kinds = [(name, TYPES[type(value)]) for name, value in first.items() if type(value) in TYPES]
        rows = arrow_json.read_json(
            pa.BufferReader(lines),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
            parse_options=arrow_json.ParseOptions(explicit_schema=pa.schema(kinds)),
        )
    except (UnicodeDecodeError, orjson.JSONDecodeError, pa.ArrowInvalid):
        return None
    if rows.num_rows != count or not set(rows.column_names) <= set(names):
        return None
    found = [
        _texts(rows.column(name), lines) if name in rows.column_names else pa.nulls(count, pa.string())
        for name in names
    ]
    return None if any(column is None for column in found) else found


def _texts(column: pa.ChunkedArray, lines: bytes) -> pa.Array | None:
    """As `text_of` writes them; None where it might write some otherwise."""
    if column.type in WRITTEN_SO:
        return column.combine_chunks().cast(pa.string())
    if column.type != pa.float64():
        return None
    distinct = column.combine_chunks().dictionary_encode()
    numbers = distinct.dictionary.to_numpy(zero_copy_only=False)
    if not (np.abs(numbers) < EXACT).all():
        return None  # of a whole number among broken ones digits may be lost
    if (np.signbit(numbers) & (numbers == 0)).any() and NO_NOUGHT.search(lines):
        return None
    return pa.array(map(text_of, numbers.tolist()), pa.string()).take(distinct.indices)
