"""Asks models in threads. Requests that come while all of these are busy wait, and small ones are then answered by one
call: it costs much the same for one row as for some, and no row's answer depends on its neighbours.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa

from serving.answers import Asked, Written
from serving.version import Answer, Version

FEW, MOST = 20_000, 32  # bytes of a body that may be answered with others; requests at once
LONGEST = 0.02  # seconds, that a call may be expected to take for others to be taken into it
Done = tuple[Written, Answer]


@dataclass(frozen=True, kw_only=True, eq=False)
class Waiting:
    version: Version
    read: Callable[[], Asked]
    alone: bool
    told: "asyncio.Future[Done]"


class Together:
    """All but `_answered` happens in the loop of the service."""

    def __init__(self, threads: int) -> None:
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="models")
        self.free = threads
        self.waiting: deque[Waiting] = deque()
        self.pace: dict[str, float] = {}  # seconds for each request of the last call, by model

    def ask(self, version: Version, read: Callable[[], Asked], length: int) -> "asyncio.Future[Done]":
        told = asyncio.get_running_loop().create_future()
        self.waiting.append(Waiting(version=version, read=read, alone=length > FEW, told=told))
        self._go_on()
        return told

    def _go_on(self) -> None:
        while self.free and self.waiting:
            self.free -= 1
            some = self._some()
            done = asyncio.get_running_loop().run_in_executor(self.pool, _answered, some)
            done.add_done_callback(lambda done, some=some: self._tell(some, done))  # type: ignore[misc] # its own some

    def _some(self) -> list[Waiting]:
        """The next, and with it those behind it that one call can answer too."""
        first = self.waiting.popleft()
        pace = self.pace.get(first.version.about.model)
        most = min(MOST, int(LONGEST / pace)) if pace and not first.alone else 1
        some = [first]
        while len(some) < most and self.waiting:
            other = self.waiting[0]
            if other.alone or other.version is not first.version:
                break
            some.append(self.waiting.popleft())
        return some

    def _tell(self, some: Sequence[Waiting], done: "asyncio.Future[tuple[list[Done | Exception], float]]") -> None:
        self.free += 1
        outcomes, taken = done.result()
        self.pace[some[0].version.about.model] = taken / len(some)
        for one, outcome in zip(some, outcomes, strict=True):
            if one.told.done():
                continue  # nobody waits any more
            if isinstance(outcome, Exception):
                one.told.set_exception(outcome)
            else:
                one.told.set_result(outcome)
        self._go_on()


def _answered(some: Sequence[Waiting]) -> tuple[list[Done | Exception], float]:
    """To each its answer, or what is wrong with it alone."""
    began, version = time.perf_counter(), some[0].version
    asked = [_asked(one) for one in some]
    answers = _by_one_call(version, [one for one in asked if isinstance(one, Asked) and one.question.why is None])
    done = [one if isinstance(one, Exception) else _done(version, one, answers.get(id(one))) for one in asked]
    return done, time.perf_counter() - began


def _asked(waiting: Waiting) -> Asked | Exception:
    try:
        return waiting.read()
    except Exception as error:  # noqa: BLE001 - it is told
        return error


def _by_one_call(version: Version, asked: Sequence[Asked]) -> dict[int, Answer]:
    """A call for those whose rows are of the same types. Where one fails, each is asked alone, and so told its own."""
    groups: dict[pa.Schema, list[Asked]] = {}
    for one in asked:
        groups.setdefault(one.question.batch.schema, []).append(one)
    found: dict[int, Answer] = {}
    for some in groups.values():
        if len(some) > 1:
            with suppress(Exception):
                found |= zip(map(id, some), version.answers([one.question for one in some]), strict=True)
    return found


def _done(version: Version, asked: Asked, answer: Answer | None) -> Done | Exception:
    try:
        found = version.answer(asked.question) if answer is None else answer
        return asked.write(found), found
    except Exception as error:  # noqa: BLE001 - it is told
        return error
