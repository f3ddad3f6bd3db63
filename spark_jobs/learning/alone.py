"""Work in a process of its own, which may hang, crash or eat memory, and hurts nobody but itself."""

import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import NoReturn

GIGABYTE = 1 << 30


class Lost(Exception):
    """It gave no answer; the text says why."""


def alone(work: Callable[[], str], *, seconds: float, gigabytes: float) -> str:
    """What it answers. `gigabytes` come on top of what this process holds; macOS knows no such limit."""
    answer, told = os.pipe()
    lives, life = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(answer)
        os.close(life)
        _work(work, told, lives, gigabytes)
    os.close(told)
    os.close(lives)
    try:
        return _heard(answer, child, seconds)
    finally:
        os.close(answer)
        os.close(life)


def _work(work: Callable[[], str], told: int, lives: int, gigabytes: float) -> NoReturn:
    status = 1
    try:
        Thread(target=_end_with_parent, args=(lives,), daemon=True).start()
        _limit(gigabytes)
        with os.fdopen(told, "w", encoding="utf-8") as file:
            file.write(work())
        status = 0
    finally:
        os._exit(status)  # whatever else the parent has prepared for its own end is not ours to do


def _end_with_parent(lives: int) -> None:
    """Spark kills its workers: the pipe closes then."""
    os.read(lives, 1)
    os._exit(1)


def _limit(gigabytes: float) -> None:
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - a line of the kernel
            now = int(file.read().split()[0]) * resource.getpagesize()
        most = now + int(gigabytes * GIGABYTE)
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _heard(answer: int, child: int, seconds: float) -> str:
    parts: list[bytes] = []
    deadline = time.monotonic() + seconds
    try:
        while select.select([answer], [], [], max(0.0, deadline - time.monotonic()))[0]:
            if not (part := os.read(answer, 1 << 16)):
                return _ended(child, b"".join(parts))
            parts.append(part)
        raise Lost(f"took longer than {seconds:.0f} s and was ended")
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(child, 0)


def _ended(child: int, said: bytes) -> str:
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == 0:
        return said.decode()
    how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
    hint = " (out of memory, usually)" if -status == signal.SIGKILL else ""
    raise Lost(f"its process ended {how} without an answer{hint}")
