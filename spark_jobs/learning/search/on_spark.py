"""Trials of kinds that fit on Spark: in the job, a few at once, on rows that are parted and prepared once."""

import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession
from pyspark.util import inheritable_thread_target

from spark_jobs.kinds.spark_ml_steps import Steps, Together
from spark_jobs.learning.attempt import Attempt, Fold, Trying, caught
from spark_jobs.learning.search.searching import KeepUp, Searching, Wanted

if TYPE_CHECKING:
    import pandas as pd

FOLD = "_fold"
# Sums of two tasks are the same whichever comes first; so up to twice as many rows the same model comes of them always.
ROWS_A_TASK = 100_000
KEPT = 3  # ways to prepare the rows of a fold: what a search sets anew in each trial is prepared anew


@dataclass(frozen=True, kw_only=True)
class Side:
    """Rows to learn from and those left out, as Spark has them and in memory."""

    learn: DataFrame
    left: DataFrame
    learned: "pd.DataFrame"
    measured: "pd.DataFrame"


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What trials on Spark share."""

    trying: Trying  # with the same rows, in memory
    train: DataFrame
    validate: DataFrame
    key: tuple[str, ...]
    kept: dict[tuple[int, str], tuple[DataFrame, DataFrame]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def sides(self) -> list[Side]:
        """One for each fold; without folds the rows to train on and those to validate with."""
        trying = self.trying
        if not trying.folds:
            learn, left = self._laid_out(self.train), self.validate.localCheckpoint()
            return [Side(learn=learn, left=left, learned=trying.train, measured=trying.validate)]
        fold = trying.fold_of_rows.astype("int64")
        spark = self.train.sparkSession
        known = spark.createDataFrame(trying.train[list(self.key)].assign(**{FOLD: fold}))
        rows = self._laid_out(self.train.join(known, list(self.key)))
        return [
            Side(
                learn=rows.where(f"{FOLD} != {place}").drop(FOLD),
                left=rows.where(f"{FOLD} = {place}").drop(FOLD),
                learned=trying.train[fold != place],
                measured=trying.train[fold == place],
            )
            for place in range(trying.folds)
        ]

    def prepared(self, place: int, steps: Steps) -> tuple[DataFrame, DataFrame]:
        side, name = self.sides[place], (place, steps.prepares)
        with self.lock:  # whoever comes second needs just these, most likely
            if name not in self.kept:
                self.kept[name] = steps.prepared(side.learn, side.left, self.key)
            found = self.kept[name]
            if len(self.kept) > KEPT * len(self.sides):
                self.kept.pop(next(iter(self.kept)))
        return found

    def tried(self, wanted: Sequence[Wanted], keep_up: KeepUp) -> list[Attempt]:
        """Those that differ in rounds only."""
        abouts = [one.attempt for one in wanted]
        return caught(abouts, lambda: self._tried(abouts, [self.steps(one) for one in wanted], keep_up))

    def steps(self, wanted: Wanted) -> Steps:
        return Steps.of(wanted.candidate.made(wanted.params), self.trying.columns)

    def _tried(self, abouts: Sequence[Attempt], alike: Sequence[Steps], keep_up: KeepUp) -> list[Attempt]:
        found, every = list(abouts), [list[Fold]() for _ in abouts]
        for place in range(len(self.sides)):
            for one, fold in enumerate(self._measured(place, alike)):
                every[one].append(fold)
                if self.trying.folds:
                    found[one] = self.trying.so_far(found[one], every[one], keep_up)
                else:
                    settled = found[one].params
                    found[one] = replace(found[one], settled=settled, metrics=fold.metrics, constants=fold.constants)
            if found[0].given_up:
                break
        return found

    def _measured(self, place: int, alike: Sequence[Steps]) -> list[Fold]:
        """Of each of them; time is shared alike."""
        started, side, (learn, left) = time.monotonic(), self.sides[place], self.prepared(place, alike[0])
        model = Together.of(alike, learn, self.trying.columns)
        learned = model.predicted(learn, self.key) if self.trying.looks else None
        found = []
        for one, predicted in enumerate(model.predicted(left, self.key)):
            metrics, constants = self.trying.judged(self._joined(side.measured, predicted))
            own = self.trying.measured(self._joined(side.learned, learned[one]), constants) if learned else {}
            found.append(Fold(metrics=metrics, constants=constants, learned=own))
        each = (time.monotonic() - started) / len(alike)
        return [replace(fold, seconds=each) for fold in found]

    def _joined(self, rows: "pd.DataFrame", predicted: "pd.DataFrame") -> "pd.DataFrame":
        return rows.merge(predicted, on=list(self.key), how="left", validate="one_to_one")

    def _laid_out(self, rows: DataFrame) -> DataFrame:
        """In an order that is always the same, as few tasks as there are rows for."""
        tasks = 1 + len(self.trying.train) // ROWS_A_TASK
        return rows.repartition(tasks, *self.key).sortWithinPartitions(*self.key).localCheckpoint()


def on_spark(of: Searching, bench: Bench, wanted: Sequence[Wanted], keep_up: KeepUp) -> Iterator[list[Attempt]]:
    """In the order asked, whichever is done first."""
    longest = of.declared.longest.total_seconds()

    def tried(alike: list[Wanted]) -> list[Attempt]:
        with _ended_after(of.spark, longest * len(alike)) as late:
            found = bench.tried(alike, keep_up)
        if any(one.error for one in found):
            of.spark.range(1).count()  # an engine that has gone, or is another's now, is no trial's fault
        says = f"took longer than {longest:.0f} s and was ended"
        return [replace(one, error=says) if one.error and late.is_set() else one for one in found]

    _ = bench.sides  # before threads ask for them
    in_thread = inheritable_thread_target(of.spark)(tried)
    groups = [[one] for one in wanted] if keep_up else _alike(bench, wanted)  # who may be given up goes alone
    with ThreadPoolExecutor(of.declared.at_once) as pool:
        yield from pool.map(in_thread, groups)


def _alike(bench: Bench, wanted: Sequence[Wanted]) -> list[list[Wanted]]:
    """One that cannot be built fails alone, when its turn comes."""
    groups: dict[str, list[Wanted]] = {}
    for one in wanted:
        try:
            steps = bench.steps(one)
            name = steps.learns if steps.rounds else str(one.number)
        except Exception:  # noqa: BLE001 - whatever it raises it raises again, as an attempt
            name = str(one.number)
        groups.setdefault(name, []).append(one)
    return list(groups.values())


@contextmanager
def _ended_after(spark: SparkSession, seconds: float) -> Iterator[threading.Event]:
    """What this thread asks of Spark is interrupted then."""
    mark, late = f"trial-{uuid.uuid4()}", threading.Event()

    def end() -> None:
        late.set()
        spark.interruptTag(mark)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    spark.addTag(mark)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
        spark.removeTag(mark)
