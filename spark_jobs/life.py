"""A job lives no longer than whoever started it."""

import os
import signal
import stat
import sys
from threading import Thread


def end_with_parent() -> None:
    """Where stdin is a pipe, its other end is the starter: when it closes, end this job with all it started."""
    if sys.stdin is None or not stat.S_ISFIFO(os.fstat(0).st_mode):
        return
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # else the starter's own group would be ended
    Thread(target=_watch, name="watches the starter", daemon=True).start()


def _watch() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)
