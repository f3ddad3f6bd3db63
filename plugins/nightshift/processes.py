"""Finds and ends the processes of a job, however they came to be left behind.

A process is known by a mark in its environment, which it inherits and no other process has. Process ids and groups
would not do: ids are used again, and what a job starts may leave the group.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from nightshift.settings import MARK
from spark_jobs.declare import Conflict

PATIENCE = 20.0  # seconds until a killed process must be gone


def marked(mark: str) -> list[int]:
    """The living processes that carry this mark."""
    wanted = f"{MARK}={mark}"
    found = _by_proc(wanted) if sys.platform == "linux" else _by_ps(wanted)
    return [pid for pid in found if pid != os.getpid()]


def end(mark: str, *, grace: float = 0.0) -> int:
    """Ask for `grace` seconds, then kill; return how many there were once all are gone."""
    before = marked(mark)
    if grace:
        _send(before, signal.SIGTERM)
        _wait(mark, grace)
    # Killing may race with forking, so it is repeated until nobody is left.
    stop = time.monotonic() + PATIENCE
    while left := marked(mark):
        if time.monotonic() > stop:
            raise Conflict(f"processes {left} of a former try do not end: look at them with `ps`, then try again")
        _send(left, signal.SIGKILL)
        time.sleep(0.05)
    return len(before)


def _wait(mark: str, seconds: float) -> None:
    stop = time.monotonic() + seconds
    while marked(mark) and time.monotonic() < stop:
        time.sleep(0.05)


def _send(pids: list[int], sent: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, sent)


def _by_proc(wanted: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        # Gone in the meantime, or not ours.
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if entry.name.isdigit() and wanted.encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def _by_ps(wanted: str) -> list[int]:
    # macOS has no /proc; its ps shows the environment of a person's own processes behind their command.
    listed = subprocess.run(
        ["/bin/ps", "-axww", "-E", "-o", "pid=,command="], capture_output=True, text=True, check=True
    )
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if f" {wanted} " in f"{line} "]
