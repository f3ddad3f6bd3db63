"""Records of one delimited file, after RFC 4180, in blocks of even memory whatever the size of the file.

Lines without quotes are split in bulk; a block with quotes, or with anything odd in it, is read by `quoted`.
How a record is read never depends on where a block ends.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.raw.blocks import BLOCK, BOM, NOT_UTF_8, UTF_16, Records, WholeFile, blocks, shown
from spark_jobs.raw.quoted import LONGEST, NUL, OUT_OF_ORDER, Quoted

LINES_OF_CR = "ends in CR alone, as lines of old Macintoshes do, and only LF or CR LF are read"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the header said: where in a record each declared column stands."""

    order: list[int]
    delimiter: str

    @property
    def width(self) -> int:
        return len(self.order)

    @property
    def as_declared(self) -> bool:
        return self.order == list(range(self.width))

    def wrong_count(self, count: int) -> str:
        return f"has {count} fields where the header has {self.width}"


def names(file: BinaryIO, delimiters: str) -> list[str]:
    """The header as it stands; raises WholeFile when it cannot be read as one."""
    header = next(blocks(file, BLOCK, LONGEST), b"").partition(b"\n")[0]
    return _names(header, _delimiter(header, delimiters))


def split(file: BinaryIO, columns: Sequence[str], delimiters: str, size: int | None = None) -> Iterator[Records]:
    """All records of a file; raises WholeFile when its header is not the declared one."""
    whole = blocks(file, size or BLOCK, LONGEST)
    header, _, left = next(whole, b"").partition(b"\n")
    delimiter = _delimiter(header, delimiters)
    shape = Shape(order=_order(header, columns, delimiter), delimiter=delimiter)
    line = 2
    for block in whole:
        records, lines, left = _split_block(left, line, shape, more=True)
        yield records
        line += lines
        left += block
    yield _split_block(left, line, shape, more=False)[0]


def _delimiter(header: bytes, delimiters: str) -> str:
    """The one it has most of; the first of two that are as frequent."""
    return max(delimiters, key=lambda one: header.count(one.encode()))


def _order(header: bytes, columns: Sequence[str], delimiter: str) -> list[int]:
    names = _names(header, delimiter)
    doubled = sorted({name or "a column without a name" for name in names if names.count(name) > 1})
    missing = [name for name in columns if name not in names]
    unknown = [name for name in names if name not in columns]
    problems = (
        f"names {', '.join(doubled)} more than once" if doubled else "",
        f"lacks {', '.join(missing)}" if missing else "",
        f"has {', '.join(unknown)}, which the use case does not declare" if unknown else "",
    )
    if any(problems):
        raise WholeFile(f"the header {' and '.join(filter(None, problems))}", shown(header))
    return [names.index(name) for name in columns]


def _names(header: bytes, delimiter: str) -> list[str]:
    if header.startswith(UTF_16):
        raise WholeFile("the file is UTF-16, and only UTF-8 is read", shown(header))
    if b"\0" in header:
        raise WholeFile(f"the header {NUL}", shown(header))
    try:
        text = header.removeprefix(BOM).decode("utf-8").removesuffix("\r")
        names = [name.strip() for name in next(csv.reader([text], delimiter=delimiter, strict=True), [])]
    except UnicodeDecodeError:
        raise WholeFile(f"the header {NOT_UTF_8}", shown(header)) from None
    except csv.Error as error:
        why = LINES_OF_CR if "new-line" in str(error) else OUT_OF_ORDER
        raise WholeFile(f"the header {why}", shown(header)) from None
    if not any(names):
        raise WholeFile("the file is empty or begins with an empty line instead of a header", shown(header))
    return names


def _split_block(block: bytes, line: int, shape: Shape, *, more: bool) -> tuple[Records, int, bytes]:
    """The records of a block, the number of lines they took, and what has to wait for the next block."""
    lines = _plain_lines(block)
    if lines is not None:
        return _split_plain(lines, line, shape), len(lines), b""
    quoted = Quoted(block=block, first_line=line, order=shape.order, delimiter=shape.delimiter, more=more)
    rows = quoted.rows()
    records = Records(
        line=pa.array([row.line for row in rows], pa.int64()),
        raw=pa.array([row.raw for row in rows], pa.string()),
        fields=pa.array([row.fields for row in rows], pa.list_(pa.string())),
        problem=pa.array([row.problem for row in rows], pa.string()),
    )
    return records, quoted.done, quoted.rest


def _plain_lines(block: bytes) -> Any:
    """The lines of a block in which every line is a record and every delimiter counts; else None."""
    block = block.replace(b"\r\n", b"\n")
    if any(odd in block for odd in (b'"', b"\r", b"\0")):
        return None
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError:
        return None
    lines = pc.split_pattern(pa.array([text], pa.string()), "\n").flatten()
    lines = lines.slice(0, len(lines) - 1)  # what follows the last line break is nothing
    longest = pc.max(pc.binary_length(lines)).as_py() or 0
    return lines if longest + 2 <= LONGEST else None


def _split_plain(lines: Any, first_line: int, shape: Shape) -> Records:
    kept = pc.not_equal(lines, "")
    raw = lines.filter(kept)
    fields = pc.split_pattern(raw, shape.delimiter)
    counts = pc.list_value_length(fields).to_numpy()
    good = counts == shape.width
    if good.all():
        problem = pa.nulls(len(raw), pa.string())
    else:
        problem = pa.array([None if n == shape.width else shape.wrong_count(n) for n in counts], pa.string())
        fields = fields.filter(pa.array(good))
    return Records(
        line=pa.array(np.arange(first_line, first_line + len(lines))).filter(kept),
        raw=raw,
        fields=_arranged(fields.flatten(), good, shape),
        problem=problem,
    )


def _arranged(values: Any, good: Any, shape: Shape) -> Any:
    """Lists of fields in the declared order, null where a record is not good."""
    if not shape.as_declared:
        places = np.arange(len(values)).reshape(-1, shape.width)[:, shape.order]
        values = values.take(pa.array(places.reshape(-1)))
    offsets = np.concatenate(([0], np.cumsum(good * shape.width))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(~good))
