"""A whole file: its chunks through the engine, a few at a time, and their answers into another file in order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import pyarrow as pa

from spark_jobs.predicting.given import Chunk, Format, Given
from spark_jobs.predicting.question import ROWS_THAT_PASS, Question, Version
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
        kept = [name for name in given.names if name not in questions[0].answers.columns]
        told = Told()
        with written(out, format_, kept) as write:
            for chunk, answers in _answered(questions, given.chunks(version.asked.names)):
                write(chunk.rows, answers)
                told = told.and_these(chunk, answers)
                tell(told)
    return told


def _answered(questions: list[Question], chunks: Iterator[Chunk]) -> Iterator[tuple[Chunk, pa.Table]]:
    """In order, with as many at work as there are questions."""
    free: SimpleQueue[Question] = SimpleQueue()
    for question in questions:
        free.put(question)

    def ask(chunk: Chunk, first: int) -> pa.Table:
        question = free.get()
        try:
            return question.ask(chunk, first)
        finally:
            free.put(question)

    pool, first = ThreadPoolExecutor(len(questions)), 1
    waiting: deque[tuple[Chunk, Future[pa.Table]]] = deque()
    try:
        for chunk in chunks:
            waiting.append((chunk, pool.submit(ask, chunk, first)))
            first += len(chunk)
            if len(waiting) > len(questions):
                yield _first(waiting)
        while waiting:
            yield _first(waiting)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # what is at work ends with the session


def _first(waiting: "deque[tuple[Chunk, Future[pa.Table]]]") -> tuple[Chunk, pa.Table]:
    chunk, answer = waiting.popleft()
    return chunk, answer.result()
