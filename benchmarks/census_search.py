"""A grid of boosted trees of Spark ML, beside Spark ML's own cross-validation of it: `make bench DATA=folder`.

54 combinations in five folds of the published census, the same folds and the same machine for both, each trial and each
of its folds written down by ours. Then the genetic search, which may make a third of the grid's fits.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.ml import Pipeline
from pyspark.ml.classification import GBTClassifier
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder
from pyspark.sql import SparkSession

from benchmarks.lakes import Town, workshop
from benchmarks.measured import asked, published, tell, timed
from spark_jobs.declare import Choice, Gate, Search, Space
from spark_jobs.kinds import Candidate, Columns, Params
from spark_jobs.learning.attempt import Attempt, Trying, best
from spark_jobs.learning.model_part import ModelPart
from spark_jobs.learning.search import Bench, Searching, Told, search
from spark_jobs.learning.training import keep_trial
from spark_jobs.tracking import tracking
from spark_jobs.use_cases import load

WORDS = ("workclass", "education", "marital_status", "occupation", "relationship", "race", "sex", "native_country")
NUMBERS = ("age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week")
FILE = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship"),
    *("race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income"),
)
COLUMNS = Columns(features=(*WORDS, *NUMBERS), labels=("rich",), predictions=("probability",))
GATE = Gate(metric="auc", better="higher", limit=0.9, margin=0.0, rows=1)
KEY, FOLD = "person", "fold"
SPACE: Space = {
    "maxDepth": Choice(options=(1, 5, 7)),
    "maxBins": Choice(options=(8, 16, 32)),
    "stepSize": Choice(options=(0.15, 0.2, 0.3)),
    "maxIter": Choice(options=(25, 50)),
}
GRID = Search(trials=60, by="grid", batch=8, folds=5, fold_runs=True, spaces={"trees": SPACE})
SEEDS = (1, 2, 3)
LONGEST = timedelta(hours=1)  # of a trial: nothing here is to be ended
HOME = "bike_sharing"  # whose experiment keeps the runs: this search is of no use case


def build(params: Params) -> Pipeline:
    numbers, hot = [f"{name}_number" for name in WORDS], [f"{name}_hot" for name in WORDS]
    trees = GBTClassifier(featuresCol="features", labelCol="rich", seed=7, **params)
    return Pipeline(
        stages=[
            StringIndexer(inputCols=list(WORDS), outputCols=numbers, handleInvalid="keep"),
            OneHotEncoder(inputCols=numbers, outputCols=hot),
            VectorAssembler(inputCols=[*hot, *NUMBERS], outputCol="features"),
            trees.setProbabilityCol("probability"),
        ]
    )


TREES = Candidate(name="trees", kind="spark_ml", build=build)


def measure(judged: pd.DataFrame, constants: Mapping[str, float]) -> dict[str, float]:  # noqa: ARG001 - there are none
    from sklearn.metrics import roc_auc_score

    return {"auc": float(roc_auc_score(judged["rich"], judged["probability"]))}


PART = ModelPart(
    candidates=(),
    measure=measure,
    calibrate=lambda _: {},
    decide=lambda frame, _: frame,
    plots=lambda *_: {},
)


@dataclass(frozen=True, kw_only=True)
class Census:
    """The people, and what both sides work with."""

    spark: SparkSession
    town: Town
    people: pd.DataFrame

    def searched(self, declared: Search, told: Told) -> list[Attempt]:
        trying = Trying(
            part=PART,
            columns=COLUMNS,
            gate=GATE,
            train=self.people,
            validate=self.people.head(0),
            folds=declared.folds,
            looks=declared.fold_runs,
        )
        frame = self.spark.createDataFrame(self.people)
        bench = Bench(trying=trying, train=frame, validate=frame.limit(0), key=(KEY,))
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
        with tracking(self.town.place, load(HOME)) as book:
            run = book.start(f"search by {declared.by}", "", {})
            return self.searched(declared, partial(keep_trial, book, run))

    def theirs(self, declared: Search) -> float:
        """The best area, by Spark ML's own cross-validation with as many at once, in the same folds."""
        fold = pd.util.hash_pandas_object(self.people[list(COLUMNS.features)], index=False) % declared.folds
        frame = self.spark.createDataFrame(self.people.assign(**{FOLD: fold.astype("int64")}))
        made = build({})
        grid, trees = ParamGridBuilder(), made.getStages()[-1]
        for name, dimension in declared.spaces["trees"].items():
            grid = grid.addGrid(trees.getParam(name), list(dimension.taken))
        validator = CrossValidator(
            estimator=made,
            estimatorParamMaps=grid.build(),
            evaluator=BinaryClassificationEvaluator(labelCol="rich"),
            numFolds=declared.folds,
            foldCol=FOLD,
            parallelism=declared.at_once,
        )
        return max(validator.fit(frame).avgMetrics)


@contextmanager
def census(data: Path, most: int | None = None) -> Iterator[Census]:
    with workshop() as (folder, engine):
        town = Town.founded(folder, engine, HOME)
        with town.session() as spark:
            yield Census(spark=spark, town=town, people=read(data).head(most))


def read(data: Path) -> pd.DataFrame:
    """As the published file has them; what it does not know is a word of its own."""
    people = pd.read_csv(data / "adult.data", names=list(FILE), skipinitialspace=True)
    return people.assign(rich=(people.pop("income") == ">50K").astype("float64"), **{KEY: range(len(people))})


def fits(attempts: Sequence[Attempt]) -> int:
    """As many as there were folds; what was given up took fewer."""
    return sum(len(one.steps) for one in attempts)


def best_within(attempts: Sequence[Attempt], most: int) -> float:
    """Of a search that ends when so many fits are made."""
    affordable = [one for place, one in enumerate(attempts) if fits(attempts[: place + 1]) <= most]
    return best(affordable, GATE).metrics["auc"]


def compared(of: Census, declared: Search, seeds: Sequence[int] = SEEDS) -> None:
    found: dict[str, Any] = {}
    ours = timed(lambda: found.update(ours=of.ours(declared)))
    theirs = timed(lambda: found.update(theirs=of.theirs(declared)))
    grid, winner = found["ours"], best(found["ours"], GATE)
    area, params = winner.metrics["auc"], dict(winner.params)
    tell(f"  {len(grid)} combinations, {declared.folds} folds: ours {ours:.0f} s, Spark ML's own {theirs:.0f} s")
    tell(f"  best area {area:.4f} with {params}; Spark ML's own {found['theirs']:.4f}")
    asked("our grid over Spark ML's own cross-validation", ours / theirs, at_most=0.6)
    for seed in seeds:
        attempts = of.searched(
            replace(declared, by="genetic", trials=40, batch=2, seed=seed, fold_runs=False), lambda _: None
        )
        within = best_within(attempts, fits(grid) // 3)
        tell(f"  genetic, seed {seed}: {within:.4f} with a third of the grid's {fits(grid)} fits")
        asked("genetic over the grid's best", within / area, at_least=1.0)


def main() -> None:
    if not (data := published("searching on the published census")):
        return
    with census(data / "census_income") as of:
        compared(of, GRID)


if __name__ == "__main__":
    main()
