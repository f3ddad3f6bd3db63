"""What the start of a job takes, with and without what makes it fast: each job a process of its own."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.lakes import BEFORE_TRAINING, Town, days, in_a_row, job, jobs
from benchmarks.measured import alternated, asked, run, tell
from benchmarks.without import WAYS
from spark_jobs.declare import Job, Retrain, Stage
from spark_jobs.session import spark_session

RANGE = days(365)
BYTE_CODE = "byte code"
PLAIN = ("class archive", BYTE_CODE)
STARTS = {
    "a light job that finds nothing to do": job(Stage.SCORE, days(1)),
    "a heavy job that finds nothing to do": job(Stage.TRAIN, days(1), Retrain.NEVER),
}
LIGHT = {"refine, one night": job(Stage.REFINE, days(1, RANGE.end))}
HEAVY = {"features, a year": job(Stage.FEATURES, RANGE)}


def seconds(town: Town, work: Job, *left_out: str) -> float:
    """Of one job that has all but what is named."""
    ways = ",".join(name for name in left_out if name in WAYS)
    extra = {}
    if BYTE_CODE in left_out:  # an empty folder is where Python looks for it, and it must not fill it
        extra = {"PYTHONPYCACHEPREFIX": f"{town.folder}/nothing", "PYTHONDONTWRITEBYTECODE": "1"}
    return run([sys.executable, "-m", "benchmarks.without", ways, *town.argv(work)], extra).seconds


def prepare(folder: str) -> None:
    """Ingest to features of a range, and the night after it as it lies in bronze. In a process of its own."""
    town = Town.founded(Path(folder))
    spark = spark_session("prepares", heavy=True)
    in_a_row(town, jobs(RANGE, BEFORE_TRAINING), spark)
    in_a_row(town, [job(Stage.INGEST, days(1, RANGE.end))], spark)


def ratio(town: Town, name: str, work: Job, turns: int) -> None:
    found = alternated({"ours": partial(seconds, town, work), "plain": partial(seconds, town, work, *PLAIN)}, turns)
    tell(f"  {name}: {found['ours']:.1f} s, without class archive and byte code {found['plain']:.1f} s")
    asked(f"times as long, {name}", found["ours"] / found["plain"], at_most=0.6)


def flags(town: Town, name: str, work: Job, turns: int) -> None:
    """Every flag on and off, all others as they are."""
    sides: dict[str, Callable[[], float]] = {"as it is": partial(seconds, town, work)}
    sides |= {flag: partial(seconds, town, work, flag) for flag in ("class archive", BYTE_CODE, *list(WAYS)[1:])}
    found = alternated(sides, turns)
    tell(f"  {name}: {found['as it is']:.1f} s as it is")
    for flag, took in list(found.items())[1:]:
        tell(f"    {'the other way' if 'Tiered' in flag else 'without'} {flag:22} {took:6.1f} s")


def main() -> None:
    with TemporaryDirectory() as folder:
        run([sys.executable, "-c", f"from benchmarks.start import prepare; prepare({folder!r})"])
        town = Town(Path(folder))
        tell("the start of a job, each in a process of its own; medians")
        for name, work in (STARTS | LIGHT).items():
            ratio(town, name, work, 3)
        tell("every start-up flag (a light job runs with TieredStopAtLevel=1, a heavy one without)")
        for name, work in LIGHT.items():
            flags(town, name, work, 3)
        for name, work in HEAVY.items():
            flags(town, name, work, 1)


if __name__ == "__main__":
    main()
