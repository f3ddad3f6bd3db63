"""How good census income is on the published people: `make bench DATA=folder`.

Nested cross-validation: parameters, rounds, candidate and threshold are chosen within the people learned from, the
others only judge. Once with all columns, as those who publish results read them, and once without the protected ones.
"""

from dataclasses import replace
from statistics import mean

import pandas as pd
from pyspark.sql import SparkSession
from sklearn.model_selection import StratifiedKFold  # noqa: TID253 - no Dag loads this

from benchmarks.measured import asked, published, tell
from benchmarks.on_published import choosing, rows_of
from spark_jobs.declare import UseCase, Window
from spark_jobs.learning.model_part import model_part
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


def judged(people: pd.DataFrame, spark: SparkSession, use_case: UseCase, seed: int) -> dict[str, float]:
    """In the mean of the folds that judge."""
    found = []
    use_case = replace(use_case, search=replace(use_case.search, seed=seed))
    for learn, judge in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(people, people[LABEL]):
        columns = use_case.features.columns
        ours = choosing(use_case, people.iloc[learn].reset_index(drop=True), columns, VALIDATE, spark)
        winner = ours.winner(ours.attempts())
        others = people.iloc[judge].reset_index(drop=True)
        rows = others.join(ours.fitted(winner).predict(others))
        found.append(model_part(use_case.name).measure(rows, winner.constants))
        tell(f"  seed {seed}: {winner.candidate}, {', '.join(f'{name} {found[-1][name]:.4f}' for name in TOLD)}")
    return {name: mean(one[name] for one in found) for name in TOLD}


def main() -> None:
    if not (data := published("census income on the published people")):
        return
    with rows_of(USE_CASE, WINDOW, data / "census_income") as (people, _, spark):
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
