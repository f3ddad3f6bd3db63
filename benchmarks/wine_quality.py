"""How good wine quality is on the published wines: `make bench DATA=folder`.

On the split that is well known of them. Everything is chosen by rows that are learned from; the others only judge, and
of them first those that have no identical row among them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from sklearn.ensemble import RandomForestClassifier  # noqa: TID253 - no Dag loads this
from sklearn.metrics import roc_auc_score  # noqa: TID253 - as above
from sklearn.model_selection import train_test_split  # noqa: TID253 - as above

from benchmarks import on_published
from benchmarks.lakes import Town
from benchmarks.measured import asked, published, tell
from benchmarks.on_published import rows_of
from spark_jobs.declare import Search, Window
from spark_jobs.learning.choosing import Choosing
from spark_jobs.learning.search import Told
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
    """The published wines, parted as others part them."""
    with rows_of(USE_CASE, WINDOW, data, cores) as (rows, town, spark):
        yield parted(rows), town, spark


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


def choosing(wines: Wines, spark: SparkSession, search: Search, told: Told | None = None) -> Choosing:
    """As a training has it, on the rows to learn from."""
    ours = on_published.choosing(replace(USE_CASE, search=search), wines.learn, KNOWN, VALIDATE, spark)
    return replace(ours, told=told) if told else ours


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
