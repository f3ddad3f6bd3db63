"""The rows of a file somebody has: CSV, JSON lines or Parquet, read in chunks of even size, whatever the file's."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.declare import BadRequest
from spark_jobs.predicting.texts import SHOWN, Objects, as_texts, lines, object_of, table_of
from spark_jobs.raw.blocks import BOM, WholeFile, blocks
from spark_jobs.raw.quoted import LONGEST
from spark_jobs.raw.rfc4180 import names, split

MOST, CELLS = 1 << 16, 1 << 20  # rows of a chunk, and values
BLOCK = 4 << 20  # bytes of text read at once


class Format(StrEnum):
    CSV = "csv"
    JSON = "jsonl"
    PARQUET = "parquet"


ENDINGS = {f".{format_}": format_ for format_ in Format} | {".ndjson": Format.JSON, ".json": Format.JSON}
Begun = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Some rows, in the order of the file."""

    rows: "pa.Table | Objects"  # as they came
    texts: pa.Table  # of the columns that are asked for
    problem: pa.Array  # why a row cannot be read
    read: float = 1.0  # of the file, up to here

    def __len__(self) -> int:
        return len(self.problem)

    def cut(self) -> "Iterator[Chunk]":
        """Into chunks that the engine takes at once."""
        most = _at_once(self.texts.num_columns)
        for at in range(0, len(self), most):
            rows = self.rows[at : at + most] if isinstance(self.rows, list) else self.rows.slice(at, most)
            texts, problem = self.texts.slice(at, most), self.problem.slice(at, most)
            yield Chunk(rows=rows, texts=texts, problem=problem, read=self.read)


@dataclass(frozen=True, kw_only=True)
class Given:
    """A file whose columns are known."""

    path: Path
    schema: pa.Schema
    parts: Callable[[Sequence[str]], Iterator[Chunk]]  # with the texts of these columns

    def __post_init__(self) -> None:
        if doubled := sorted({name for name in self.names if self.names.count(name) > 1}):
            raise refused(self.path, f"names {', '.join(map(repr, doubled))} more than once")

    @property
    def names(self) -> list[str]:
        return list(self.schema.names)

    def chunks(self, asked: Sequence[str]) -> Iterator[Chunk]:
        """At least one, be it without rows."""
        before, rows = _stamp(self.path), 0
        with _in_words(self.path):
            for part in self.parts(asked):
                rows += len(part)
                yield from part.cut()
        if not rows:
            nothing = self.schema.empty_table()
            yield Chunk(rows=nothing, texts=as_texts(nothing, asked), problem=pa.nulls(0, pa.string()))
        if _stamp(self.path) != before:
            raise refused(self.path, "changed while it was read: nothing was written; type it again when it is whole")


def given(path: Path, delimiters: str = ",", begun: Begun = str) -> Given:
    """`begun` writes the first line of a CSV file that has no header as if it had one; of the delimiters the one that
    the header has most of counts.
    """
    if not path.is_file():
        raise BadRequest("FILE", f"{path} is no file. Like this: make predict MODEL=wine_quality FILE=wines.csv")
    with _in_words(path):
        format_ = ENDINGS.get(path.suffix.lower()) or _by_content(path)
        if not path.stat().st_size:
            raise WholeFile("it is empty: it has neither a header nor rows", "")
        match format_:
            case Format.PARQUET:
                return Given(path=path, schema=_parquet(path).schema_arrow, parts=partial(_of_parquet, path))
            case Format.JSON:
                return Given(path=path, schema=_texts(_keys(path)), parts=partial(_of_json, path))
            case _:
                with _opened(path, begun) as file:
                    found = names(file, delimiters)
                return Given(path=path, schema=_texts(found), parts=partial(_of_csv, path, found, delimiters, begun))


def _at_once(columns: int) -> int:
    """So many rows."""
    return max(1, min(MOST, CELLS // max(1, columns)))


def refused(path: Path, why: object) -> BadRequest:
    return BadRequest("FILE", f"{path}: {why}")


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Whatever a file cannot be read for."""
    try:
        yield
    except WholeFile as why:
        raise refused(path, why) from None
    except (pa.ArrowException, OSError) as error:
        raise refused(path, f"cannot be read: {error}") from None


def _by_content(path: Path) -> Format:
    with path.open("rb") as file:
        first = file.read(LONGEST).removeprefix(BOM).lstrip()
    if first.startswith(b"PAR1"):
        return Format.PARQUET
    return Format.JSON if first.startswith(b"{") else Format.CSV


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _texts(found: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in found])


class _Begun:
    """A file that begins with other words than it does."""

    def __init__(self, file: BinaryIO, begun: Begun) -> None:
        first = file.readline(LONGEST)
        text = first.decode("utf-8", "replace")
        changed = begun(text)
        self._first, self._rest = first if changed == text else changed.encode(), file

    def read(self, size: int) -> bytes:
        first, self._first = self._first, b""
        return first or self._rest.read(size)

    def tell(self) -> int:
        return self._rest.tell()


@contextmanager
def _opened(path: Path, begun: Begun) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        yield cast(BinaryIO, _Begun(file, begun))


def _of_csv(path: Path, found: Sequence[str], delimiters: str, begun: Begun, asked: Sequence[str]) -> Iterator[Chunk]:
    size = path.stat().st_size
    with _opened(path, begun) as file:
        for records in split(file, found, delimiters, BLOCK):
            rows = pa.table([pc.list_element(records.fields, at) for at in range(len(found))], list(found))
            begins = pc.utf8_slice_codeunits(records.raw, 0, SHOWN)
            problem = pc.binary_join_element_wise(records.problem, begins, ": ")
            yield Chunk(rows=rows, texts=rows.select(list(asked)), problem=problem, read=file.tell() / size)


def _keys(path: Path) -> list[str]:
    """As far as the first lines show."""
    with path.open("rb") as file:
        found = [object_of(line)[0] for line in lines(next(blocks(file, BLOCK, LONGEST), b"").removeprefix(BOM))]
    if not any(found):
        raise WholeFile('its first lines hold no JSON object; each line is a row, like {"alcohol": 9.4}', "")
    return list(dict.fromkeys(name for row in found for name in row))


def _of_json(path: Path, asked: Sequence[str]) -> Iterator[Chunk]:
    size = path.stat().st_size
    with path.open("rb") as file:
        for block in blocks(file, BLOCK, LONGEST):
            found = [object_of(line) for line in lines(block.removeprefix(BOM))]
            rows, problem = [row for row, _ in found], pa.array([why for _, why in found], pa.string())
            yield Chunk(rows=rows, texts=table_of(rows, asked), problem=problem, read=file.tell() / size)


def _parquet(path: Path) -> Any:
    from pyarrow.parquet import ParquetFile

    return ParquetFile(path)


def _of_parquet(path: Path, asked: Sequence[str]) -> Iterator[Chunk]:
    file, done = _parquet(path), 0
    for batch in file.iter_batches(_at_once(len(file.schema_arrow))):
        rows = pa.Table.from_batches([batch], file.schema_arrow)
        done += len(rows)
        nothing_wrong = pa.nulls(len(rows), pa.string())
        yield Chunk(rows=rows, texts=as_texts(rows, asked), problem=nothing_wrong, read=done / file.metadata.num_rows)
