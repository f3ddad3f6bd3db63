"""A grid of boosted trees of Spark ML, beside Spark ML's own cross-validation of it: `make bench DATA=folder`.

54 combinations in five folds of the published census, the same folds and the same machine for both, each trial and each
of its folds written down by ours. Then the genetic search, which may make a third of the grid's fits.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder
from pyspark.sql import SparkSession

from benchmarks.lakes import Town
from benchmarks.measured import asked, published, tell, timed
from benchmarks.on_published import rows_of
from spark_jobs.declare import Search, Window
from spark_jobs.kinds import Columns
from spark_jobs.learning.attempt import Attempt, Trying, best
from spark_jobs.learning.folds import fold_of
from spark_jobs.learning.model_part import model_part
from spark_jobs.learning.search import Bench, Searching, Told, search
from spark_jobs.learning.training import keep_trial
from spark_jobs.tracking import tracking
from spark_jobs.use_cases.census_income.model import LABEL
from spark_jobs.use_cases.census_income.source import PUBLISHED
from spark_jobs.use_cases.census_income.use_case import BOOSTED_TREES, USE_CASE

NAME, FOLD = "boosted_trees", "fold"
PART, COLUMNS = model_part(USE_CASE.name), Columns.of(USE_CASE)
TREES = next(one for one in PART.candidates if one.name == NAME)
GRID = Search(trials=60, by="grid", batch=8, folds=5, fold_runs=True, spaces={NAME: BOOSTED_TREES})
SEEDS = (1, 2, 3)
LONGEST = timedelta(hours=1)  # of a trial: nothing here is to be ended


@dataclass(frozen=True, kw_only=True)
class Census:
    """The people, and what both sides work with."""

    spark: SparkSession
    town: Town
    people: pd.DataFrame

    def searched(self, declared: Search, told: Told) -> list[Attempt]:
        trying = Trying(
            part=replace(PART, candidates=()),
            columns=COLUMNS,
            gate=USE_CASE.gate,
            train=self.people,
            validate=self.people.head(0),
            folds=declared.folds,
            looks=declared.fold_runs,
        )
        frame = self.spark.createDataFrame(self.people)
        bench = Bench(trying=trying, train=frame, validate=frame.limit(0), key=USE_CASE.features.key)
        return search(
            Searching(
                spark=self.spark,
                trying=trying,
                candidates=(TREES,),
                declared=replace(declared, longest=LONGEST),
                finished={},
                told=told,
                bench=bench,
            )
        )

    def ours(self, declared: Search) -> list[Attempt]:
        """Each trial and each fold written down, as a training does it."""
        with tracking(self.town.place, USE_CASE) as book:
            run = book.start(f"search by {declared.by}", "", {})
            return self.searched(declared, partial(keep_trial, book, run))

    def theirs(self, declared: Search) -> float:
        """The best area, by Spark ML's own cross-validation with as many at once, in the same folds."""
        fold = fold_of(self.people, COLUMNS.features, declared.folds)
        frame = self.spark.createDataFrame(self.people.assign(**{FOLD: fold.astype("int64")}))
        made = TREES.made({})
        grid, trees = ParamGridBuilder(), made.getStages()[-1]
        for name, dimension in declared.spaces[NAME].items():
            grid = grid.addGrid(trees.getParam(name), list(dimension.taken))
        validator = CrossValidator(
            estimator=made,
            estimatorParamMaps=grid.build(),
            evaluator=BinaryClassificationEvaluator(labelCol=LABEL),
            numFolds=declared.folds,
            foldCol=FOLD,
            parallelism=declared.at_once,
        )
        return max(validator.fit(frame).avgMetrics)


@contextmanager
def census(data: Path, most: int | None = None) -> Iterator[Census]:
    with rows_of(USE_CASE, Window.of(PUBLISHED), data) as (people, town, spark):
        yield Census(spark=spark, town=town, people=people.head(most))


def fits(attempts: Sequence[Attempt]) -> int:
    """As many as there were folds; what was given up took fewer."""
    return sum(len(one.steps) for one in attempts)


def best_within(attempts: Sequence[Attempt], most: int) -> float:
    """Of a search that ends when so many fits are made."""
    affordable = [one for place, one in enumerate(attempts) if fits(attempts[: place + 1]) <= most]
    return best(affordable, USE_CASE.gate).metrics["auc"]


def compared(of: Census, declared: Search, seeds: Sequence[int] = SEEDS) -> None:
    found: dict[str, Any] = {}
    ours = timed(lambda: found.update(ours=of.ours(declared)))
    grid, winner = found["ours"], best(found["ours"], USE_CASE.gate)
    area, params = winner.metrics["auc"], dict(winner.params)
    tell(f"  {len(grid)} combinations, {declared.folds} folds: {ours:.0f} s, best area {area:.4f} with {params}")
    for seed in seeds:
        attempts = of.searched(
            replace(declared, by="genetic", trials=40, batch=2, seed=seed, fold_runs=False), lambda _: None
        )
        within = best_within(attempts, fits(grid) // 3)
        tell(f"  genetic, seed {seed}: {within:.4f} with a third of the grid's {fits(grid)} fits")
        asked("genetic over the grid's best", within / area, at_least=1.0)
    theirs = timed(lambda: found.update(theirs=of.theirs(declared)))
    tell(f"  Spark ML's own cross-validation: {theirs:.0f} s, best area {found['theirs']:.4f}")
    asked("our grid over Spark ML's own cross-validation", ours / theirs, at_most=0.6)


def main() -> None:
    if not (data := published("searching on the published census")):
        return
    with census(data / "census_income") as of:
        compared(of, GRID)


if __name__ == "__main__":
    main()
