"""One engine is one writer of commits: a second one on the same lake is refused, by name."""

import fcntl
import os
from pathlib import Path

from spark_jobs.declare import Refused


def hold_folder(lake: Path) -> None:
    """The lock lives as long as the process that this one becomes."""
    lake.mkdir(parents=True, exist_ok=True)
    lock = os.open(lake / ".engine", os.O_RDONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refused(f"another engine already works on {lake}: end that one first, or choose another lake") from None
    os.set_inheritable(lock, True)
