"""What spark-submit runs: a Spark whose plugin answers clients, for as long as Java lives.

Spark's own server would keep the artifacts of sessions apart, and so give each session Python processes of its own that
outlive it; sessions that bring none share them.
"""

import argparse
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from py4j.protocol import Py4JNetworkError
from pyspark.sql import SparkSession

from engine import door
from engine.ending import Ending
from spark_jobs.declare import NightshiftError, is_bucket

LOOK = 0.25  # seconds between two looks at what must end


def main(argv: list[str]) -> None:
    given, java = _parser().parse_args(argv), os.getppid()
    if is_bucket(given.lake):
        from engine.lease import Lease  # noqa: PLC0415 - a laptop has neither buckets nor what it takes to reach them

        lease = Lease(given.lake)
        lease.take()
        lease.keep(java)
    ending = Ending(SparkSession.builder.getOrCreate().sparkContext)
    if given.door:
        door.opened(given.door, given.certificate, given.port)
    with suppress(Py4JNetworkError):  # Java ends
        while os.getppid() == java:
            ending.look()
            time.sleep(LOOK)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="engine/serving.py")
    parser.add_argument("--lake", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--door", type=int)
    parser.add_argument("--certificate", type=Path)
    return parser


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NightshiftError as error:
        sys.exit(str(error))
