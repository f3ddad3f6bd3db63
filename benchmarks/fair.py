"""Two jobs at once on one engine: what a night takes beside a training of a year, in another lake."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from itertools import count
from threading import Event

from benchmarks.lakes import BEFORE_TRAINING, DAY, Town, as_jobs, days, in_a_row, job, jobs, with_champion, workshop
from benchmarks.measured import alternated, asked, run, tell
from spark_jobs.declare import Retrain, Stage

TURNS = 3
YEAR, BEFORE = days(365), days(100)
TRAINING = job(Stage.TRAIN, YEAR, Retrain.ALWAYS)
HEAD_START = 5.0  # seconds, until the training is at work


def prepare(learning: Town, nightly: Town) -> None:
    with learning.session() as spark:
        in_a_row(learning, jobs(YEAR, BEFORE_TRAINING), spark)
        with_champion(nightly, BEFORE, spark)


def night(town: Town, dates: Iterator[date]) -> float:
    return as_jobs(town, jobs(days(1, next(dates))))


def beside(learning: Town, town: Town, dates: Iterator[date]) -> float:
    """As long as the night lasts, one training after another."""
    over = Event()
    with ThreadPoolExecutor(1) as aside:
        trainings = aside.submit(train_until, over, learning)
        time.sleep(HEAD_START)
        try:
            seconds = night(town, dates)
        finally:
            over.set()
        trainings.result()
    return seconds


def train_until(over: Event, town: Town) -> None:
    while not over.is_set():
        run(town.command(TRAINING))


def main() -> None:
    with workshop() as (folder, engine):
        learning, nightly = (Town.founded(folder / name, engine) for name in ("learning", "nightly"))
        prepare(learning, nightly)
        dates = (BEFORE.end + DAY * n for n in count())
        night(nightly, dates)  # an engine has done nights before
        sides = {"alone": partial(night, nightly, dates), "beside": partial(beside, learning, nightly, dates)}
        found = alternated(sides, TURNS)
    tell(f"a night alone {found['alone']:.1f} s, beside a training of a year {found['beside']:.1f} s")
    asked("times a night alone, beside a training", found["beside"] / found["alone"], at_most=2.5)


if __name__ == "__main__":
    main()
