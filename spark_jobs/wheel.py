"""Where a workspace begins: the entry point of the wheel, which ends as `__main__` does, but tells it by an error."""

import sys

from spark_jobs.__main__ import USELESS, done, log_to
from spark_jobs.declare import NightshiftError


class JobEnded(NightshiftError):
    """Its first word says whether to try again can help; more is not shown to whoever waits for the run."""


def run() -> None:
    """A workspace keeps the end of what a job says to its output."""
    log_to(sys.stdout)
    try:
        done(sys.argv[1:])
    except NightshiftError as error:
        how = "refused" if isinstance(error, USELESS) else "failed"
        raise JobEnded(f"{how}: {error}") from None
