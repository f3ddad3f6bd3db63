"""What one more day costs, ingest to score without training: in one warm process, and as jobs of their own."""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession

from benchmarks.lakes import Town, days, in_a_row, jobs, with_champion
from benchmarks.measured import alternated, asked, run, tell, timed
from spark_jobs.session import spark_session

BEFORE = days(100)  # the champion's
COUNTS = (1, 30, 365, 730)
TURNS = 3


def in_process(spark: SparkSession, town: Town, count: int) -> float:
    """In a lake that holds the champion's days only."""
    with town.copied() as fresh:
        return timed(partial(in_a_row, fresh, jobs(days(count, BEFORE.end)), spark))


def as_jobs(town: Town, count: int) -> float:
    with town.copied() as fresh:
        return sum(run(fresh.command(job)).seconds for job in jobs(days(count, BEFORE.end)))


def warm(folder: str) -> None:
    """In a process of its own, set up as the longest of these jobs is."""
    town = Town(Path(folder))
    spark = spark_session("days", heavy=True)
    sides = {str(count): partial(in_process, spark, town, count) for count in COUNTS}
    for first_pass in sides.values():
        first_pass()
    show("in one warm process", sides, TURNS)


def show(how: str, sides: Mapping[str, Callable[[], float]], turns: int) -> None:
    found = alternated(sides, turns)
    one = found["1"]
    more = {count: (found[str(count)] - one) / (count - 1) for count in COUNTS[1:]}
    tell(f"days, ingest to score, {how}")
    for count in COUNTS:
        tell(f"  {count:4} days {found[str(count)]:7.1f} s" + (f", {more[count]:.4f} s a day" if count > 1 else ""))
    asked("a day of 730 over a day of 30", more[730] / more[30], at_most=1.0)
    asked("365 days over one day", found["365"] / one, at_most=4.0)


def prepare(folder: str) -> None:
    with_champion(Town.founded(Path(folder)), BEFORE, spark_session("prepares", heavy=True))


def main() -> None:
    with TemporaryDirectory() as folder:
        for step in ("prepare", "warm"):
            script = f"from benchmarks.days import {step}; {step}({folder!r})"
            run([sys.executable, "-c", script], show=step == "warm")
        town = Town(Path(folder))
        show("as jobs", {str(count): partial(as_jobs, town, count) for count in COUNTS}, 1)


if __name__ == "__main__":
    main()
