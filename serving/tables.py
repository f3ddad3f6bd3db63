"""Streams of Arrow as bodies. What one unfolds to is known, and refused, before it is made."""

import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from serving.refusals import Told, refuse_many
from serving.settings import Limits

ARROW = "application/vnd.apache.arrow.stream"
PIECES = 20_000  # messages: more of them are not looked at
DICTIONARY = "dictionary"
RECORDS = (DICTIONARY, "record batch")
TIMES = 10  # as large as a body may be, its table may become
BROKEN = (pa.ArrowException, OSError, ValueError, MemoryError, struct.error, LookupError)
NUMBERS = (pa.types.is_primitive, pa.types.is_null, pa.types.is_decimal)
WORDS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
VIEWS = (pa.types.is_string_view, pa.types.is_binary_view)


def columns(raw: bytes, limits: Limits) -> tuple[dict[str, Any], int]:
    """By name, each in one piece; and how many rows."""
    try:
        table = _stream(raw, limits)
        found = {name: _whole(table[place]) for place, name in enumerate(table.column_names)}
        _refuse_long(found, limits)
    except BROKEN as error:
        raise Told(422, f"the body is no stream of Arrow: {(str(error).splitlines() or [''])[0][:200]}") from None
    return found, table.num_rows


def _stream(raw: bytes, limits: Limits) -> pa.Table:
    """Batches come one by one, and no more of them than may be asked about."""
    for place, message in enumerate(pa.ipc.MessageReader.open_stream(raw)):
        if place >= PIECES:
            raise Told(413, f"the table comes in more than {PIECES:,} pieces")
        if _is_compressed(message.type, message.metadata.to_pybytes()):
            raise Told(422, "an Arrow stream is sent without compression")
    batches, rows = [], 0
    with pa.ipc.open_stream(raw) as reader:
        _refuse_strange(reader.schema, limits)
        for batch in reader:
            rows += batch.num_rows
            refuse_many(rows, 0, limits)
            batch.validate(full=True)
            batches.append(batch)
        return pa.Table.from_batches(batches, reader.schema)


# As flatbuffers lie (github.com/apache/arrow, format/Message.fbs): pyarrow tells of it only by unfolding.
def _is_compressed(kind: str, header: bytes) -> bool:
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


def _refuse_strange(schema: pa.Schema, limits: Limits) -> None:
    refuse_many(0, len(schema), limits)
    if len(set(schema.names)) != len(schema.names):
        raise Told(422, "the table names a column twice")
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if not _is_one_of(kind, NUMBERS + WORDS + VIEWS):
            raise Told(422, f"{field.name[:100]} is a {str(field.type)[:100]}: a table holds numbers, texts and times")


def _refuse_long(found: dict[str, Any], limits: Limits) -> None:
    whole, most = 0, TIMES * limits.body
    for name, column in found.items():
        lengths = _lengths(column)
        if len(lengths) and int(lengths.max()) > limits.text:
            raise Told(413, f"{name[:100]} holds a text of more than {limits.text:,} bytes")
        whole += int(lengths.sum())
    if whole > most:
        raise Told(413, f"the texts of the table come to more than {most:,} bytes")


def _lengths(column: Any) -> Any:
    """Of its texts, in bytes."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        each = _lengths(column.dictionary)
        return each[column.indices.drop_null().to_numpy()] if len(each) else each
    if _is_one_of(kind, VIEWS):  # for which Arrow computes nothing yet
        words = np.frombuffer(column.buffers()[1], "<i4").reshape(-1, 4)[column.offset :][: len(column), 0]
        return words.astype("int64") * column.is_valid().to_numpy(zero_copy_only=False)
    if not _is_one_of(kind, WORDS):
        return np.zeros(0, "int64")
    return pc.binary_length(column).fill_null(0).to_numpy().astype("int64")


def _whole(column: Any) -> Any:
    found = column.combine_chunks()
    return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)


def _is_one_of(kind: Any, kinds: Any) -> bool:
    return any(one(kind) for one in kinds)
