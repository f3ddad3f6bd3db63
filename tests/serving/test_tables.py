"""Streams of few bytes that unfold to many are refused before they do; all others are read as they were written."""

import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from serving.refusals import Told
from serving.settings import Limits
from serving.tables import columns

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


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_what_may_be_sent_is_read_as_it_was_written(rows: int) -> None:
    table = EVERYTHING.slice(0, rows)
    found, length = columns(arrow(table), SMALL)
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


COMES_TO = "the texts of the table come to more than 200,000 bytes"
RUNS = pa.RunEndEncodedArray.from_arrays([1000], ["x" * 900])
NESTED = "a table holds numbers, texts and times"
BOMBS: dict[str, tuple[bytes, int, str]] = {
    "compressed messages": (arrow(SAME, compression="zstd"), 422, "an Arrow stream is sent without compression"),
    "compressed words": (arrow(words_of(SAME), compression="lz4"), 422, "is sent without compression"),
    "words of Arrow": (arrow(words_of(SAME)), 413, COMES_TO),
    "views": (viewed(), 413, COMES_TO),
    "a long word": (arrow(words_of(pa.table({"a": ["x" * 1001]}))), 413, "a text of more than 1,000 bytes"),
    "a long view": (arrow(pa.table({"a": pa.array(["x" * 1001], pa.string_view())})), 413, "a text of more"),
    "rows of nothing": (arrow(pa.table({"a": pa.nulls(10**9)})), 413, "at most 1,000 rows, got 1,000,000,000"),
    "lists of nothing": (arrow(pa.table({"a": pa.array([[None]])})), 422, NESTED),
    "runs": (arrow(pa.table({"a": RUNS})), 422, NESTED),
    "a column twice": (arrow(pa.table([[1], [2]], names=["a", "a"])), 422, "names a column twice"),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_unfolds_to_more_than_may_be_sent_is_refused(bomb: str) -> None:
    raw, status, says = BOMBS[bomb]
    with pytest.raises(Told, match=says) as told:
        columns(raw, SMALL)
    assert told.value.status == status
    assert len(raw) < 60_000


def test_more_pieces_than_anybody_needs_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows in ten batches, and a schema."""
    raw = _in_batches(pa.table({"a": ["a"] * 10}))
    monkeypatch.setattr("serving.tables.PIECES", 11)
    assert columns(raw, SMALL)[1] == 10
    monkeypatch.setattr("serving.tables.PIECES", 10)
    with pytest.raises(Told, match="more than 10 pieces"):
        columns(raw, SMALL)


def _in_batches(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table, max_chunksize=1)
    return sink.getvalue()
