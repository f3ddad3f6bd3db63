"""Tables of few bytes that unfold to many are refused before they do; all others are read as they were written."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving import unfolding
from serving.refusals import Told
from serving.settings import Limits
from serving.tables import ARROW, PARQUET, TIMES, columns

SMALL = Limits(body=20_000, rows=1000, text=1000)
SAME = pa.table({"a": ["x" * 900] * 1000})  # 900,000 bytes, of which nearly all are the same
EVERYTHING = pa.table(
    {
        "text": ["a", None],
        "large": pa.array(["a", "é"], pa.large_string()),
        "view": pa.array(["a text of more than twelve bytes", None], pa.string_view()),
        "words": pa.array(["a", None]).dictionary_encode(),
        "bytes": pa.array([b"a", b""]),
        "whole": [1, None],
        "number": [1.5, float("inf")],
        "yes": [True, None],
        "time": [datetime(2024, 1, 1, tzinfo=UTC)] * 2,
        "exact": [Decimal("1.5"), None],
        "nothing": pa.nulls(2),
    }
)


def arrow(table: pa.Table, **how: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**how)) as stream:
        stream.write_table(table)
    return sink.getvalue()


def parquet(table: pa.Table, **how: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **how)
    return sink.getvalue()


WAYS: dict[str, tuple[Callable[..., bytes], str, dict[str, Any]]] = {
    "arrow": (arrow, ARROW, {}),
    **{kind: (parquet, PARQUET, {"compression": kind}) for kind in ("none", "snappy", "zstd", "gzip", "brotli", "lz4")},
    "pages of the second kind": (parquet, PARQUET, {"data_page_version": "2.0"}),
    "no words": (parquet, PARQUET, {"use_dictionary": False}),
    "texts behind their lengths": (
        parquet,
        PARQUET,
        {
            "use_dictionary": False,
            "column_encoding": dict.fromkeys(["text", "large", "view"], "DELTA_LENGTH_BYTE_ARRAY"),
        },
    ),
    "groups of a row": (parquet, PARQUET, {"row_group_size": 1}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_what_may_be_sent_is_read_as_it_was_written(way: str, rows: int) -> None:
    write, kind, how = WAYS[way]
    table = EVERYTHING.slice(0, rows)
    found, length = columns(write(table, **how), kind, SMALL)
    assert length == rows
    assert {name: column.to_pylist() for name, column in found.items()} == table.to_pydict()


def words_of(table: pa.Table) -> pa.Table:
    return pa.table({name: column.dictionary_encode() for name, column in zip(table.column_names, table, strict=True)})


def viewed() -> bytes:
    """A text that many rows show, as an array of views may: it is there once."""
    array = pa.array(["x" * 900], pa.string_view())
    nothing, views, text = array.buffers()
    many = pa.Array.from_buffers(pa.string_view(), 1000, [nothing, pa.py_buffer(views.to_pybytes() * 1000), text])
    return arrow(pa.table({"a": many}))


PLAIN = {"use_dictionary": False, "compression": "zstd"}
DELTA = {"use_dictionary": False, "column_encoding": {"a": "DELTA_BYTE_ARRAY"}}
UNFOLDS = "unfolds to more than 200,000 bytes"
COMES_TO = "the texts of the table come to more than 200,000 bytes"
RUNS = pa.RunEndEncodedArray.from_arrays([1000], ["x" * 900])
NESTED = "a table holds numbers, texts and times"
BOMBS: dict[str, tuple[bytes, str, int, str]] = {
    "compressed messages": (arrow(SAME, compression="zstd"), ARROW, 422, "an Arrow stream is sent without compression"),
    "compressed words": (arrow(words_of(SAME), compression="lz4"), ARROW, 422, "is sent without compression"),
    "words of Arrow": (arrow(words_of(SAME)), ARROW, 413, COMES_TO),
    "views": (viewed(), ARROW, 413, COMES_TO),
    "a long word": (arrow(words_of(pa.table({"a": ["x" * 1001]}))), ARROW, 413, "a text of more than 1,000 bytes"),
    "a long view": (arrow(pa.table({"a": pa.array(["x" * 1001], pa.string_view())})), ARROW, 413, "a text of more"),
    "compressed pages": (parquet(SAME, **PLAIN), PARQUET, 413, UNFOLDS),
    "compressed pages of the second kind": (parquet(SAME, data_page_version="2.0", **PLAIN), PARQUET, 413, UNFOLDS),
    "words of Parquet": (parquet(SAME), PARQUET, 413, COMES_TO),
    "texts that add to others": (parquet(SAME, **DELTA), PARQUET, 422, "DELTA_BYTE_ARRAY"),
    "the same, of the second kind": (parquet(SAME, data_page_version="2.0", **DELTA), PARQUET, 422, "DELTA_BYTE_ARRAY"),
    "rows of nothing": (arrow(pa.table({"a": pa.nulls(10**9)})), ARROW, 413, "at most 1,000 rows, got 1,000,000,000"),
    "lists of nothing": (arrow(pa.table({"a": pa.array([[None]])})), ARROW, 422, NESTED),
    "runs": (arrow(pa.table({"a": RUNS})), ARROW, 422, NESTED),
    "lists of Parquet": (parquet(pa.table({"a": [[1]]})), PARQUET, 422, NESTED),
    "bytes of one length": (parquet(pa.table({"a": pa.array([b"x"], pa.binary(1))})), PARQUET, 422, NESTED),
    "a column twice": (arrow(pa.table([[1], [2]], names=["a", "a"])), ARROW, 422, "names a column twice"),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_unfolds_to_more_than_may_be_sent_is_refused(bomb: str) -> None:
    raw, kind, status, says = BOMBS[bomb]
    with pytest.raises(Told, match=says) as told:
        columns(raw, kind, SMALL)
    assert told.value.status == status
    assert len(raw) < 60_000


def varint(value: int, length: int = 0) -> bytes:
    """Of a number in Thrift, in so many bytes."""
    value, found = value << 1, bytearray()
    while value > 127 or len(found) + 1 < length:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def told_as(raw: bytes, number: int, other: int) -> bytes:
    """With another number wherever it says this one, in as many bytes."""
    said = varint(number)
    assert said in raw
    return raw.replace(said, varint(other, len(said)))


def test_a_footer_that_lies_of_how_much_a_table_unfolds_to_is_not_believed() -> None:
    raw = parquet(SAME, **PLAIN)
    group = pq.ParquetFile(pa.BufferReader(raw)).metadata.row_group(0)
    lying = told_as(raw, group.total_byte_size, 10)
    assert pq.ParquetFile(pa.BufferReader(lying)).metadata.row_group(0).total_byte_size == 10
    with pytest.raises(Told, match=UNFOLDS):
        columns(lying, PARQUET, SMALL)


def test_a_page_that_lies_of_it_cannot_be_read() -> None:
    raw = parquet(SAME, **PLAIN)
    sizes = [unfolded for _, unfolded, _ in unfolding.Footer.of(raw).pages(raw)]
    assert sum(sizes) > TIMES * SMALL.body
    with pytest.raises(Told, match="the body cannot be read as") as told:
        columns(told_as(raw, sizes[0], 10), PARQUET, SMALL)
    assert told.value.status == 422


def test_a_footer_that_lies_of_its_rows_is_not_believed() -> None:
    raw = parquet(pa.table({"a": [7] * 1001}))
    footer = len(raw) - 8 - int.from_bytes(raw[-8:-4], "little")
    at, said = raw.index(varint(1001), footer), varint(1, 2)  # of the file, before it is said of its groups
    lying = raw[:at] + said + raw[at + len(said) :]
    about = pq.ParquetFile(pa.BufferReader(lying)).metadata
    assert (about.num_rows, about.row_group(0).num_rows) == (1, 1001)
    with pytest.raises(Told, match="at most 1,000 rows, got 1,001"):
        columns(lying, PARQUET, SMALL)


@pytest.mark.parametrize(
    "header", [b"\x1c" * 3000, b"\x55\x02\x00", b"\x2c\x00\x00", b"\x15\x00\x15\x01\x15\x01\x00", b""]
)
def test_a_page_whose_header_is_none_cannot_be_read(header: bytes) -> None:
    """Structs in structs without end, numbers for structs, structs for numbers, less than nothing, nothing."""
    raw = parquet(pa.table({"a": range(1000)}))
    with pytest.raises(Told, match="the body cannot be read as") as told:
        columns(raw[:4] + header + raw[4 + len(header) :] if header else raw[:4], PARQUET, SMALL)
    assert told.value.status == 422


@pytest.mark.parametrize("write", [arrow, parquet])
def test_more_pieces_than_anybody_needs_are_not_looked_at(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows of two columns: ten batches and a schema, or twenty times a page of words and one of values."""
    table = pa.table({"a": ["a"] * 10, "b": ["b"] * 10})
    kind, need = (ARROW, 11) if write is arrow else (PARQUET, 60)
    where = f"serving.{'tables' if write is arrow else 'unfolding'}.PIECES"
    raw = write(table, row_group_size=1) if write is parquet else _in_batches(table)
    monkeypatch.setattr(where, need)
    assert columns(raw, kind, SMALL)[1] == 10
    for few in (need - 1, need // 3 - 1):
        monkeypatch.setattr(where, few)
        with pytest.raises(Told, match="pieces"):
            columns(raw, kind, SMALL)


def _in_batches(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table, max_chunksize=1)
    return sink.getvalue()


def test_a_footer_of_more_than_anybody_needs_is_not_looked_at() -> None:
    table = pa.table({"a": [1]}).replace_schema_metadata({"note": "x" * unfolding.FOOTER})
    with pytest.raises(Told, match="the footer of the table has more than 1,048,576 bytes"):
        columns(parquet(table), PARQUET, SMALL)


def test_a_text_that_many_rows_of_parquet_point_to_stays_one() -> None:
    found, _ = columns(parquet(pa.table({"a": ["x" * 90] * 1000})), PARQUET, SMALL)
    assert found["a"].dictionary.to_pylist() == ["x" * 90]
