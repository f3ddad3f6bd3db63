"""Asks models in threads. Requests that come while all of these are busy wait, and small ones are then answered by one
call: it costs much the same for one row as for some, and no row's answer depends on its neighbours.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from serving.answers import Asked, Written
from serving.version import Answer, Version

FEW, MOST = 20_000, 32  # bytes of a body that may be answered with others; requests at once
LONGEST = 0.02  # seconds, that a call may be expected to take for others to be taken into it
Done = tuple[Written, Asked, Answer]


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
        self.waiting: list[Waiting] = []
        self.gathering = False  # a call for small ones is under way: those that come meanwhile have the next one
        self.pace: dict[str, float] = {}  # seconds for each request of the last call for some, by model

    def ask(self, version: Version, read: Callable[[], Asked], length: int) -> "asyncio.Future[Done]":
        told = asyncio.get_running_loop().create_future()
        self.waiting.append(Waiting(version=version, read=read, alone=length > FEW, told=told))
        self._go_on()
        return told

    def _go_on(self) -> None:
        while self.free and (some := self._some()):
            self.free -= 1
            gathers = self._is_small(some[0])
            self.gathering |= gathers
            done = asyncio.get_running_loop().run_in_executor(self.pool, _answered, some)
            done.add_done_callback(partial(self._tell, some, gathers=gathers))

    def _some(self) -> list[Waiting]:
        """The next that may go, and with it those behind it that one call can answer too."""
        first = next((one for one in self.waiting if not (self.gathering and self._is_small(one))), None)
        if first is None:
            return []
        some = [first]
        if self._is_small(first):
            like = [one for one in self.waiting if one.version is first.version and self._is_small(one)]
            some = like[: min(MOST, int(LONGEST / self.pace[first.version.about.model]))]
        self.waiting = [one for one in self.waiting if one not in some]
        return some

    def _is_small(self, one: Waiting) -> bool:
        """It may be answered with another: both are done in no time."""
        return not one.alone and 2 * self.pace.get(one.version.about.model, LONGEST) <= LONGEST

    def _tell(
        self, some: Sequence[Waiting], done: "asyncio.Future[tuple[list[Done | Exception], float]]", *, gathers: bool
    ) -> None:
        self.free += 1
        self.gathering &= not gathers
        outcomes, taken = done.result()
        if not some[0].alone:  # what a large one takes says nothing of small ones
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
        return asked.write(found), asked, found
    except Exception as error:  # noqa: BLE001 - it is told
        return error
