"""How good census income is on the published people: `make bench DATA=folder`.

Nested cross-validation: parameters, rounds, candidate and threshold are chosen within the people learned from, the
others only judge. Once with all columns, as those who publish results read them, and once without the protected ones.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import pandas as pd
from pyspark.sql import SparkSession
from sklearn.model_selection import StratifiedKFold  # noqa: TID253 - no Dag loads this

from benchmarks.lakes import BEFORE_TRAINING, Town, in_a_row, jobs, workshop
from benchmarks.measured import asked, published, tell
from spark_jobs import lakehouse
from spark_jobs.declare import UseCase, Window
from spark_jobs.kinds import kind
from spark_jobs.learning.choosing import Choosing
from spark_jobs.learning.known import in_memory, known
from spark_jobs.learning.model_part import model_part
from spark_jobs.raw import publication
from spark_jobs.use_cases.census_income.model import LABEL
from spark_jobs.use_cases.census_income.source import PUBLISHED
from spark_jobs.use_cases.census_income.use_case import USE_CASE

WINDOW = Window.of(PUBLISHED)
SEEDS = (1, 2, 3)
FOLDS = 10  # that judge
VALIDATE = 15  # of a hundred contents that are learned from
TOLD = ("accuracy", "f1", "auc")
ASKED = {"accuracy": 0.872, "f1": 0.72, "auc": 0.928}
EVERYTHING = replace(USE_CASE, features=replace(USE_CASE.features, protected=()))


@contextmanager
def census(data: Path) -> Iterator[tuple[pd.DataFrame, SparkSession]]:
    """The published people as the stages leave them, in the order of the file."""
    with workshop() as (folder, engine):
        town = Town.founded(folder, engine, USE_CASE.name, source="public")
        publication.fetch(USE_CASE, Path(town.place.landing), str(data))
        with town.session() as spark:
            in_a_row(town, jobs(WINDOW, BEFORE_TRAINING, USE_CASE.name), spark)
            window = Window(start=WINDOW.start, end=WINDOW.end + timedelta(days=1))
            found = known(lakehouse.Lake(spark, town.place.lake, USE_CASE.name), USE_CASE, window)
            assert found is not None  # noqa: S101 - the stages have just made it
            yield in_memory(found.frame, USE_CASE), spark


def choosing(people: pd.DataFrame, spark: SparkSession, use_case: UseCase) -> Choosing:
    """As a training has it, on the rows to learn from."""
    bucket = pd.util.hash_pandas_object(people[list(use_case.features.columns)], index=False) % 100
    parts = {"train": people[bucket >= VALIDATE], "validate": people[bucket < VALIDATE]}
    part = model_part(use_case.name)

    def rows(*names: str, in_memory: bool) -> Any:  # noqa: ARG001 - nothing here learns on Spark
        return pd.concat([parts[name] for name in names], ignore_index=True)

    return Choosing(
        spark=spark,
        use_case=use_case,
        part=part,
        candidates=[
            replace(one, params=one.params if one.of else {**one.params, "seed": use_case.search.seed})
            for one in part.candidates
            if kind(one.kind).IN_MEMORY
        ],
        given={},
        rows=rows,
        finished={},
        told=lambda _: None,
    )


def judged(people: pd.DataFrame, spark: SparkSession, use_case: UseCase, seed: int) -> dict[str, float]:
    """In the mean of the folds that judge."""
    found = []
    use_case = replace(use_case, search=replace(use_case.search, seed=seed))
    for learn, judge in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(people, people[LABEL]):
        ours = choosing(people.iloc[learn].reset_index(drop=True), spark, use_case)
        winner = ours.winner(ours.attempts())
        others = people.iloc[judge].reset_index(drop=True)
        rows = others.join(ours.fitted(winner).predict(others))
        found.append(model_part(use_case.name).measure(rows, winner.constants))
        tell(f"  seed {seed}: {winner.candidate}, {', '.join(f'{name} {found[-1][name]:.4f}' for name in TOLD)}")
    return {name: mean(one[name] for one in found) for name in TOLD}


def main() -> None:
    if not (data := published("census income on the published people")):
        return
    with census(data / "census_income") as (people, spark):
        tell(f"  {len(people):,} people, {people[LABEL].mean():.1%} of them earn more than 50K")
        for words, use_case in (("all columns", EVERYTHING), ("without race and sex", USE_CASE)):
            found = [judged(people, spark, use_case, seed) for seed in SEEDS]
            for name in TOLD:
                value, says = mean(one[name] for one in found), f"{name} of people who only judge, {words}"
                if use_case is EVERYTHING:
                    asked(says, value, at_least=ASKED[name])
                else:
                    tell(f"  {says:58} {value:12,.3f}")


if __name__ == "__main__":
    main()
