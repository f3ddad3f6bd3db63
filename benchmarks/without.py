"""A job without some of what makes it start fast: `... benchmarks.without "SerialGC,class archive" ARGV-OF-A-JOB`."""

import sys
from collections.abc import Callable
from pathlib import Path

from spark_jobs import __main__ as entry
from spark_jobs import session

SERIAL, FIRST_COMPILER = "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"


def archive() -> None:
    session.CLASSES = Path("/nonexistent")


def serial() -> None:
    session.HEAVY, session.LIGHT = (tuple(f for f in flags if f != SERIAL) for flags in (session.HEAVY, session.LIGHT))


def compiler() -> None:
    """What light jobs have and heavy ones have not, the other way round."""
    session.HEAVY, session.LIGHT = session.LIGHT, session.HEAVY


def code_cache() -> None:
    session.LIGHT = tuple(flag for flag in session.LIGHT if not flag.startswith("-XX:ReservedCodeCacheSize"))


def interpreted() -> None:
    session.INTERPRETED.clear()


def snapshots() -> None:
    del session.SETTINGS["spark.databricks.delta.snapshotPartitions"]


WAYS: dict[str, Callable[[], None]] = {
    "class archive": archive,
    "SerialGC": serial,
    "TieredStopAtLevel=1": compiler,
    "ReservedCodeCacheSize": code_cache,
    "interpreted queries": interpreted,
    "snapshotPartitions=2": snapshots,
}

if __name__ == "__main__":
    for name in filter(None, sys.argv[1].split(",")):
        WAYS[name]()
    sys.exit(entry.main(sys.argv[2:]))
