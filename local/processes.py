"""Processes by number and start time, so that none is mistaken for another that got its number later."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from local.commands import CannotGoOn

PATIENCE = 10.0  # seconds between asking to end and ending


@dataclass(frozen=True)
class Process:
    pid: int
    started: str
    parent: int = field(compare=False)
    group: int = field(compare=False)


def running() -> dict[int, Process]:
    """Every process of this machine that has not ended."""
    found = _from_proc() if sys.platform == "linux" else _from_ps()
    return {process.pid: process for process in found}


def family(roots: Iterable[Process]) -> set[Process]:
    """These, all that descends from them, and whoever shares a group with one of them."""
    everyone = running().values()
    known = set(roots)
    while True:
        pids, groups = {p.pid for p in known}, {p.group for p in known}
        more = {p for p in everyone if p.parent in pids or p.group in groups} - known
        if not more:
            return known
        known |= more


def end(leaders: Iterable[Process], patience: float = PATIENCE) -> None:
    """Asks them, and what they started, to end; ends those that do not."""
    known = family(leaders)
    for group in {process.group for process in known}:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGTERM)
    began = time.monotonic()
    while alive := living(known):
        known |= family(alive)
        if time.monotonic() > began + 2 * patience:
            raise CannotGoOn(f"processes {sorted(p.pid for p in alive)} do not end: look at them with `ps`")
        if time.monotonic() > began + patience:
            _kill(alive)
        time.sleep(0.1)


def living(known: Iterable[Process]) -> set[Process]:
    """Those still there; our own children are buried on the way."""
    for process in known:
        with suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
    return set(known) & set(running().values())


def left_by(leaders: Iterable[Process]) -> set[Process]:
    """Those of these that live, and the groups of those that do not: a number in use as a group is not given again."""
    leaders, alive = set(leaders), running()
    stolen = {p.pid for p in leaders if p.pid in alive and alive[p.pid] != p}
    groups = {leader.pid for leader in leaders} - stolen
    return {p for p in alive.values() if p in leaders or p.group in groups}


def command_line(pid: int) -> str:
    """Empty where it has just ended."""
    answer = subprocess.run(["/bin/ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, check=False)
    return os.fsdecode(answer.stdout).strip()


def _kill(processes: Iterable[Process]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def _from_proc() -> Iterator[Process]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, parent, group, *rest = text.rpartition(")")[2].split()
        if state != "Z":
            yield Process(pid=int(folder.name), started=rest[16], parent=int(parent), group=int(group))


def _from_ps() -> Iterator[Process]:
    columns = ["-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "state=", "-o", "lstart="]
    answer = subprocess.run(["/bin/ps", "-A", *columns], capture_output=True, text=True, check=True)
    for line in answer.stdout.splitlines():
        pid, parent, group, state, started = line.split(None, 4)
        if not state.startswith("Z"):
            yield Process(pid=int(pid), started=started, parent=int(parent), group=int(group))
