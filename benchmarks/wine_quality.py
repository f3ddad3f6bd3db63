"""How good wine quality is on the published wines: `make bench DATA=folder`.

On the split that is well known of them. Everything is chosen by rows that are learned from; the others only judge, and
of them first those that have no identical row among them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from sklearn.ensemble import RandomForestClassifier  # noqa: TID253 - no Dag loads this
from sklearn.metrics import roc_auc_score  # noqa: TID253 - as above
from sklearn.model_selection import train_test_split  # noqa: TID253 - as above

from benchmarks.lakes import BEFORE_TRAINING, Town, in_a_row, jobs, workshop
from benchmarks.measured import asked, published, tell
from spark_jobs import lakehouse
from spark_jobs.declare import Search, Window
from spark_jobs.learning.choosing import Choosing
from spark_jobs.learning.known import in_memory, known
from spark_jobs.learning.model_part import model_part
from spark_jobs.learning.search import Told
from spark_jobs.raw import publication
from spark_jobs.use_cases.wine_quality.source import PUBLISHED
from spark_jobs.use_cases.wine_quality.use_case import MEASUREMENTS, USE_CASE

WINDOW = Window.of(PUBLISHED)
KNOWN = [*(name for name, _, _ in MEASUREMENTS.values()), "is_red"]  # the features of those who published results
SEED = 123
REFERENCE = 0.888902759745664  # of a random forest of ten trees
SEEDS = (1, 2, 3)
VALIDATE = 20  # of a hundred contents that are learned from


@dataclass(frozen=True, kw_only=True)
class Wines:
    learn: pd.DataFrame
    judge: pd.DataFrame
    alone: pd.Series  # of those that judge: no identical one is learned from


@contextmanager
def cellar(data: Path, cores: str = "*") -> Iterator[tuple[Wines, Town, SparkSession]]:
    """The published wines as the stages leave them, in the order of the files."""
    with workshop(cores) as (folder, engine):
        town = Town.founded(folder, engine, USE_CASE.name, source="public")
        publication.fetch(USE_CASE, Path(town.place.landing), str(data))
        with town.session() as spark:
            in_a_row(town, jobs(WINDOW, BEFORE_TRAINING, USE_CASE.name), spark)
            window = Window(start=WINDOW.start, end=WINDOW.end + timedelta(days=1))
            found = known(lakehouse.Lake(spark, town.place.lake, USE_CASE.name), USE_CASE, window)
            assert found is not None  # noqa: S101 - the stages have just made it
            yield parted(in_memory(found.frame, USE_CASE)), town, spark


def parted(rows: pd.DataFrame) -> Wines:
    learn, judge = train_test_split(rows, random_state=SEED)
    contents = set(map(tuple, learn[KNOWN].to_numpy()))
    alone = judge[KNOWN].apply(lambda wine: tuple(wine) not in contents, axis=1)
    return Wines(learn=learn, judge=judge, alone=alone)


def ten_trees(wines: Wines) -> float:
    """As it was published, on what our stages made of the files."""
    forest = RandomForestClassifier(n_estimators=10, random_state=np.random.RandomState(SEED))
    forest.fit(wines.learn[KNOWN], wines.learn["good"])
    return float(roc_auc_score(wines.judge["good"], forest.predict_proba(wines.judge[KNOWN])[:, 1]))


def choosing(wines: Wines, spark: SparkSession, search: Search, told: Told = lambda _: None) -> Choosing:
    """As a training has it, on the rows to learn from."""
    bucket = pd.util.hash_pandas_object(wines.learn[KNOWN], index=False) % 100
    parts = {"train": wines.learn[bucket >= VALIDATE], "validate": wines.learn[bucket < VALIDATE]}
    part = model_part(USE_CASE.name)

    def rows(*names: str, in_memory: bool) -> Any:  # noqa: ARG001 - all kinds here want them so
        return pd.concat([parts[name] for name in names], ignore_index=True)

    return Choosing(
        spark=spark,
        use_case=replace(USE_CASE, search=search),
        part=part,
        candidates=[
            replace(one, params=one.params if one.of else {**one.params, "seed": search.seed})
            for one in part.candidates
        ],
        given={},
        rows=rows,
        finished={},
        told=told,
    )


def areas(wines: Wines, spark: SparkSession, seed: int) -> tuple[float, float]:
    """Of the wines that judge: those without a twin, and all."""
    ours = choosing(wines, spark, replace(USE_CASE.search, seed=seed))
    winner = ours.winner(ours.attempts())
    chance = ours.fitted(winner).predict(wines.judge)["probability"]
    good, alone = wines.judge["good"], wines.alone
    found = float(roc_auc_score(good[alone], chance[alone])), float(roc_auc_score(good, chance))
    tell(f"  seed {seed}: {winner.candidate}, chosen by {winner.metrics['cv_auc']:.4f}; {found[0]:.4f}, {found[1]:.4f}")
    return found


def main() -> None:
    if not (data := published("wine_quality on the published wines")):
        return
    with cellar(data / "wine_quality") as (wines, _, spark):
        alone = int(wines.alone.sum())
        tell(f"  {len(wines.learn)} wines to learn from, {len(wines.judge)} judge, {alone} of them without a twin")
        area = ten_trees(wines)
        said = f"{area!r}, which is {'' if area == REFERENCE else 'NOT '}{REFERENCE}"
        tell(f"  random forest of ten trees as published: {said}")
        found = [areas(wines, spark, seed) for seed in SEEDS]
    asked("area, wines without a twin among those learned from", mean(one for one, _ in found), at_least=0.873)
    asked("area, all wines that judge", mean(one for _, one in found), at_least=0.935)


if __name__ == "__main__":
    main()
