"""Reads raw files into records on Spark's workers: text, fields, and what is wrong with each.

A file whose header is not the declared one, in any order, is refused whole: one record with the number 0.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import NightshiftError, RawTable
from spark_jobs.files import Files
from spark_jobs.raw import json_lines, rfc4180
from spark_jobs.raw.blocks import Records, WholeFile
from spark_jobs.raw.landing import RawFile

SMALL = 1 << 20  # bytes that are not worth a second task
GROUP = 64 << 20  # bytes of files that one task reads

Reader = Callable[[BinaryIO], Iterator[Records]]
FIELDS = pa.list_(pa.string())
TYPES = {
    "arrival_day": pa.date32(),
    "file": pa.string(),
    "hash": pa.string(),
    "record": pa.int64(),
    "line": pa.int64(),
    "raw": pa.string(),
    "fields": FIELDS,
    "problem": pa.string(),
}
SCHEMA = (
    "arrival_day date, file string, hash string, record bigint, line bigint, "
    "raw string, fields array<string>, problem string"
)


@dataclass(frozen=True, kw_only=True)
class Task:
    """One file to read; `problem` refuses it unread."""

    file: RawFile
    hash: str
    problem: str = ""


def read_records(spark: SparkSession, table: RawTable, tasks: Sequence[Task]) -> DataFrame:
    """All records of these files. Files share tasks; one file is read by one task."""
    groups = _groups(tasks)
    read = partial(_read_groups, groups, reader(table))
    return spark.range(0, len(groups), 1, max(1, len(groups))).mapInArrow(read, SCHEMA)


def reader(table: RawTable) -> Reader:
    """Of the files of a table."""
    if table.json:
        return partial(json_lines.split, columns=table.header)
    return partial(rfc4180.split, columns=table.header, delimiters=table.delimiter)


def _groups(tasks: Sequence[Task]) -> list[list[Task]]:
    """Groups of about equal bytes: many small files share one task, a few large ones get four."""
    total = sum(task.file.stamp.size for task in tasks)
    count = min(len(tasks), max(4, -(-total // GROUP)) if total > SMALL else 1)
    groups: list[list[Task]] = [[] for _ in range(count)]
    sizes = [0] * count
    for task in sorted(tasks, key=lambda task: -task.file.stamp.size):
        smallest = sizes.index(min(sizes))
        groups[smallest].append(task)
        sizes[smallest] += task.file.stamp.size + 1
    return groups


def _read_groups(
    groups: list[list[Task]], reader: Reader, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for group in batch.column(0).to_pylist():
            for task in groups[group]:
                yield from read_file(task, reader)


def read_file(task: Task, reader: Reader) -> Iterator[pa.RecordBatch]:
    """One file as batches, in the order of its records."""
    if task.problem:
        yield _refusal(task, WholeFile(task.problem, ""))
        return
    try:
        yield from _numbered(task, reader)
    except WholeFile as refused:
        yield _refusal(task, refused)
    if Files(task.file.address).stamp() != task.file.stamp:
        where = task.file.address
        raise NightshiftError(f"{where} changed while it was read: move a file into landing when it is whole")


def _numbered(task: Task, reader: Reader) -> Iterator[pa.RecordBatch]:
    last = 0
    with Files(task.file.address).opened() as file:
        for records in reader(file):
            count = len(records.raw)
            if count:
                yield _batch(task, pa.array(np.arange(last + 1, last + count + 1)), records)
            last += count


def _refusal(task: Task, refused: WholeFile) -> pa.RecordBatch:
    records = Records(
        line=pa.array([1], pa.int64()),
        raw=pa.array([refused.first_line]),
        fields=pa.nulls(1, FIELDS),
        problem=pa.array([str(refused)]),
    )
    return _batch(task, pa.array([0]), records)


def _batch(task: Task, number: pa.Array, records: Records) -> pa.RecordBatch:
    count = len(number)
    same = (pa.scalar(task.file.arrival_day, pa.date32()), pa.scalar(task.file.name), pa.scalar(task.hash))
    columns = [*(pa.repeat(value, count) for value in same), number]
    columns += [records.line, records.raw, records.fields, records.problem]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(list(TYPES.items())))
