"""The file of predictions: under another name until it is whole."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.predicting.given import Format
from spark_jobs.predicting.texts import Objects, as_text, table_of

Write = Callable[["pa.Table | Objects", pa.Table], None]  # rows as they came, and what stands behind each
NEEDS_QUOTES = '[",\r\n]'


@contextmanager
def written(path: Path, format_: Format, names: Sequence[str]) -> Iterator[Write]:
    """`names`: of the file's columns, those that are given back."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with WRITERS[format_](draft, names) as write:
            yield write
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _csv(path: Path, names: Sequence[str]) -> Iterator[Write]:
    with path.open("wb") as file:

        def write(rows: "pa.Table | Objects", answers: pa.Table) -> None:
            whole = _beside(rows, names, answers)
            if not file.tell():
                header = io.StringIO()
                csv.writer(header, lineterminator="\n").writerow(whole.column_names)
                file.write(header.getvalue().encode())
            cells = [_quoted(as_text(column)) for column in whole.columns]
            lines = pc.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")
            file.writelines(f"{line}\n".encode() for line in lines.to_pylist())

        yield write


@contextmanager
def _json(path: Path, _: Sequence[str]) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:

        def write(rows: "pa.Table | Objects", answers: pa.Table) -> None:
            objects = rows if isinstance(rows, list) else rows.to_pylist()
            for row, answer in zip(objects, answers.to_pylist(), strict=True):
                file.write(json.dumps(row | answer, ensure_ascii=False, default=str) + "\n")

        yield write


@contextmanager
def _parquet(path: Path, names: Sequence[str]) -> Iterator[Write]:
    from pyarrow.parquet import ParquetWriter

    writer: Any = None

    def write(rows: "pa.Table | Objects", answers: pa.Table) -> None:
        nonlocal writer
        whole = _beside(rows, names, answers)
        writer = writer or ParquetWriter(path, whole.schema)
        writer.write_table(whole)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()


WRITERS: dict[Format, Callable[[Path, Sequence[str]], AbstractContextManager[Write]]] = {
    Format.CSV: _csv,
    Format.JSON: _json,
    Format.PARQUET: _parquet,
}


def _beside(rows: "pa.Table | Objects", names: Sequence[str], answers: pa.Table) -> pa.Table:
    table = table_of(rows, names) if isinstance(rows, list) else rows.select(list(names))
    for name in answers.column_names:
        table = table.append_column(answers.schema.field(name), answers[name])
    return table


def _quoted(column: Any) -> Any:
    """A text that a reader would take for more than one, or for a quote, in quotes."""
    doubled = pc.replace_substring(column, '"', '""')
    in_quotes = pc.binary_join_element_wise('"', doubled, '"', "")
    return pc.if_else(pc.match_substring_regex(column, NEEDS_QUOTES), in_quotes, column)
