"""A whole file: its chunks through the engine, a few at a time, and their answers into another file in order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pyarrow as pa

from spark_jobs.predicting.given import Chunk, Format, Given
from spark_jobs.predicting.question import ROWS_THAT_PASS, Question, Version, rows_of
from spark_jobs.predicting.remembered import Remembered
from spark_jobs.predicting.written import written
from spark_jobs.tables.typed import OVERFLOW_IS_NULL, settings

AT_ONCE = 2  # chunks that the engine works on, while one is read and one is written


@dataclass(frozen=True, kw_only=True)
class Told:
    """How far it is."""

    rows: int = 0
    problems: int = 0  # of these
    read: float = 0.0  # the share of the file

    def and_these(self, chunk: Chunk, answers: pa.Table) -> "Told":
        problems = len(answers) - answers["problem"].null_count
        return Told(rows=self.rows + len(chunk), problems=self.problems + problems, read=chunk.read)


def predict(version: Version, given: Given, out: Path, format_: Format, tell: Callable[[Told], None]) -> Told:
    """`out` is there when all rows are in it, and not before."""
    with settings(version.spark, OVERFLOW_IS_NULL | ROWS_THAT_PASS):
        in_words = format_ is Format.CSV
        questions = [
            version.question(f"given{number}", given.path.name, in_words=in_words) for number in range(AT_ONCE)
        ]
        kept = [name for name in given.names if name not in questions[0].scored.columns]
        told = Told()
        with written(out, format_, kept) as write:
            for chunk, answers in _answered(questions, given.chunks(version.asked.names)):
                write(chunk.rows, answers)
                told = told.and_these(chunk, answers)
                tell(told)
    return told


@dataclass(frozen=True, kw_only=True)
class _Waiting:
    chunk: Chunk
    memory: Remembered
    numbers: Any  # of its rows, in the memory
    coming: "Future[pa.Table] | None"  # the answers to what the memory does not know

    def answered(self) -> tuple[Chunk, pa.Table]:
        if self.coming:
            self.memory.told(self.coming.result())
        return self.chunk, self.memory.answers(self.numbers)


def _answered(questions: list[Question], chunks: Iterator[Chunk]) -> Iterator[tuple[Chunk, pa.Table]]:
    """In order, with as many at work as there are questions."""
    pool, waiting = ThreadPoolExecutor(len(questions)), deque[_Waiting]()
    try:
        for one in _asked(questions, chunks, pool):
            waiting.append(one)
            if len(waiting) > len(questions):
                yield waiting.popleft().answered()
        while waiting:
            yield waiting.popleft().answered()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # what is at work ends with the session


def _asked(questions: list[Question], chunks: Iterator[Chunk], pool: ThreadPoolExecutor) -> Iterator[_Waiting]:
    free: SimpleQueue[Question] = SimpleQueue()
    for question in questions:
        free.put(question)

    def ask(rows: pa.Table) -> pa.Table:
        question = free.get()
        try:
            return question.ask(rows)
        finally:
            free.put(question)

    memory, first = Remembered(), 1
    for chunk in chunks:
        memory = Remembered() if memory.full else memory
        numbers, new = memory.numbered([chunk.problem, *chunk.texts.columns])
        rows = rows_of(chunk, first).take(new)
        coming = pool.submit(ask, rows) if len(rows) or not len(chunk) else None
        yield _Waiting(chunk=chunk, memory=memory, numbers=numbers, coming=coming)
        first += len(chunk)
