"""Values as text, which is how rows are typed and checked: that of a CSV file, whatever file they came in."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.declare.texts import text_of
from spark_jobs.raw.blocks import shown
from spark_jobs.raw.quoted import LONGEST, TOO_LONG

Objects = list[dict[str, Any]]
SHOWN = 200  # characters of a row that cannot be read


def lines(block: bytes) -> Iterator[bytes]:
    """Those that hold anything."""
    return (line for line in block.split(b"\n") if not line.isspace() and line)


def object_of(line: bytes) -> tuple[dict[str, Any], str | None]:
    """What a line of JSON holds, or why it holds nothing."""
    if len(line) > LONGEST:
        return {}, f"{TOO_LONG}: {shown(line)[:SHOWN]}"
    try:
        found = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        found = None
    return (found, None) if isinstance(found, dict) else ({}, f"is no JSON object: {shown(line)[:SHOWN]}")


def table_of(rows: Objects, names: Iterable[str]) -> pa.Table:
    """A column of text for each name."""
    return pa.table({name: pa.array([text_of(row.get(name)) for row in rows], pa.string()) for name in names})


def as_text(column: Any) -> Any:
    """A column of whatever type; what Arrow cannot write, Python does."""
    try:
        return pc.cast(column, pa.string())
    except pa.ArrowException:
        return pa.array(map(text_of, column.to_pylist()), pa.string())


def as_texts(table: pa.Table, names: Sequence[str]) -> pa.Table:
    return pa.table({name: as_text(table[name]) for name in names})
