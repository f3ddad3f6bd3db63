"""How good bike sharing is on the published two years: `make bench BENCH=bike_sharing DATA=folder-with-hour.csv`.

Through the project's own stages: everything is chosen on validation rows, judge rows are only judged.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from statistics import mean

from benchmarks.lakes import BEFORE_TRAINING, Town, in_a_row, job, jobs, workshop
from benchmarks.measured import published
from spark_jobs.declare import Retrain, Stage, TimeSplit, Window
from spark_jobs.kinds import Candidate
from spark_jobs.raw import publication
from spark_jobs.stages import evaluate, train
from spark_jobs.use_cases.bike_sharing import model
from spark_jobs.use_cases.bike_sharing.use_case import USE_CASE
from spark_jobs.work import Lesson, Result

WINDOW = Window(start=date(2011, 1, 1), end=date(2013, 1, 1))
DAY = timedelta(days=1)
SEEDS = (1, 2, 3)
JUDGES = {"r2": 90 * DAY, "rmse": 28 * DAY}  # the figure that counts, and its judge rows
WANTED = {"r2": "at least 0.89", "rmse": "at most 57"}


@contextmanager
def prepared(data: Path) -> Iterator[Lesson]:
    """A lake with features and labels of both years."""
    with workshop() as (folder, engine):
        town = Town.founded(folder, engine, source="public")
        publication.fetch(USE_CASE, Path(town.place.landing), str(data))
        with town.session() as spark:
            in_a_row(town, jobs(WINDOW, BEFORE_TRAINING), spark)
            yield town.work(job(Stage.TRAIN, WINDOW, Retrain.ALWAYS), spark)


def judged(work: Lesson, judge: timedelta, seed: int) -> Result:
    """A version trained with this seed, and what the judge rows say of it."""
    assert isinstance(USE_CASE.split, TimeSplit)  # noqa: S101 - so it is declared
    split, search = replace(USE_CASE.split, judge=judge), replace(USE_CASE.search, seed=seed)
    use_case = replace(USE_CASE, split=split, search=search)
    version = train.run(replace(work, use_case=use_case))["version"]
    asked = replace(work.job, stage=Stage.EVALUATE, version=version)
    numbers: Result = evaluate.run(replace(work, job=asked, use_case=use_case))["numbers"]["challenger"]
    return numbers


@contextmanager
def only(name: str) -> Iterator[None]:
    """Training knows no other candidate."""
    candidates = model.candidates

    def chosen() -> tuple[Candidate, ...]:
        return tuple(candidate for candidate in candidates() if candidate.name == name)

    model.candidates = chosen
    try:
        yield
    finally:
        model.candidates = candidates


def main() -> None:
    if not (data := published("bike_sharing on the published two years")):
        return
    with prepared(data) as work:
        for figure, judge in JUDGES.items():
            with only("linear"):
                linear = judged(work, judge, SEEDS[0])
            found = [judged(work, judge, seed) for seed in SEEDS]
            show(figure, judge, linear, found)


def show(figure: str, judge: timedelta, linear: Result, found: list[Result]) -> None:
    def line(name: str, numbers: Result) -> str:
        return f"{name:>24}" + "".join(f"{numbers[metric]:10.3f}" for metric in ("r2", "rmse", "mae"))

    average = {metric: mean(one[metric] for one in found) for metric in ("r2", "rmse", "mae")}
    lines = [f"last {judge.days} days judge{'r2':>14}{'rmse':>10}{'mae':>10}", line("linear reference", linear)]
    lines += [line(f"champion, seed {seed}", one) for seed, one in zip(SEEDS, found, strict=True)]
    lines += [line("champion, mean", average), f"wanted: mean {figure} {WANTED[figure]}", ""]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
