"""Runs processes and tells what they took: seconds, and the memory of all they started."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Event, Thread

from local.places import CHECKOUT
from local.processes import family, running

EVERY = 0.25  # seconds between two looks at the memory
CONNECT = ("SPARK_REMOTE", "SPARK_LOCAL_REMOTE", "SPARK_CONNECT_MODE_ENABLED")  # a session leaves it to all children
NOT_OURS = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "MLFLOW_RUN_ID", *CONNECT)


@dataclass(frozen=True, kw_only=True)
class Taken:
    seconds: float
    peak: int = 0  # bytes, of a process, its engine and all they started, at their greatest together

    @property
    def gigabytes(self) -> float:
        return self.peak / (1 << 30)


def run(command: Sequence[str], extra: Mapping[str, str] | None = None, *, engine: int = 0) -> Taken:
    """A process from its start to its end; with its engine's number, the memory of both. One that fails ends all."""
    surroundings = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    began = time.perf_counter()
    with (
        subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=surroundings | {"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT}/plugins"} | dict(extra or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
        watched([process.pid, engine]) if engine else unwatched() as peak,
    ):
        said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{said[-3000:]}\nthis failed: {subprocess.list2cmdline(command)}")
    return Taken(seconds=time.perf_counter() - began, peak=peak[0])


@contextmanager
def watched(roots: Sequence[int]) -> Iterator[list[int]]:
    """The one entry of the list grows while the families of these processes do."""
    peak, over = [0], Event()

    def look() -> None:
        while not over.wait(EVERY):
            peak[0] = max(peak[0], memory_of(roots))

    looking = Thread(target=look)
    looking.start()
    try:
        yield peak
    finally:
        over.set()
        looking.join()


@contextmanager
def unwatched() -> Iterator[list[int]]:
    yield [0]


def memory_of(roots: Sequence[int]) -> int:
    """Memory in use by processes and all that descends from them, not by this one; what several share counts once."""
    alive = running()
    found = family(alive[root] for root in roots if root in alive)
    return sum(_proportional(process.pid) for process in found if process.pid != os.getpid())


def _proportional(pid: int) -> int:
    with suppress(OSError, StopIteration):  # it has just ended
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return 0


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternated(sides: Mapping[str, Callable[[], float]], times: int) -> dict[str, float]:
    """The median of each side. They take turns, for a shared machine is never equally busy."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(times):
        for name in sides if turn % 2 == 0 else reversed(list(sides)):
            found[name].append(sides[name]())
    return {name: median(seconds) for name, seconds in found.items()}


def asked(says: str, value: float, *, at_most: float | None = None, at_least: float | None = None) -> None:
    """One figure beside what is asked of it."""
    kept = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
    wanted = f"at most {at_most:,.4g}" if at_most is not None else f"at least {at_least:,.7g}"
    tell(f"  {says:58} {value:12,.3f}   ({wanted} is asked: {'kept' if kept else 'MISSED'})")


def published(what: str) -> Path | None:
    """The folder that DATA names; where it names none, `what` is left out and says so."""
    if data := os.environ.get("DATA", ""):
        tell(what)
        return Path(data)
    tell(f"{what}: left out. Give their folder: make bench DATA=folder")
    return None


def tell(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
