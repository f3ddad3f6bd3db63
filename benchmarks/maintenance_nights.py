"""Predictive maintenance as jobs: training of 100 machines and a year, a year's range, a night of 1,000 machines."""

from datetime import date

from benchmarks.lakes import BEFORE_TRAINING, Town, crowned, days, in_a_row, job, jobs, workshop
from benchmarks.measured import Taken, asked, run, tell
from spark_jobs.declare import Job, Stage, Window

USE_CASE, FLEET = "predictive_maintenance", "machines=100"
FIRST, DAYS = date(2024, 1, 1), 366
YEAR = days(DAYS, FIRST)
LAST_DAY = Window(start=YEAR.days[-1], end=YEAR.end)
BEFORE = days(30, FIRST)  # of the thousand: more than any feature but whole histories looks back
NIGHT = days(1, BEFORE.end)


def thousand(town: Town) -> Town:
    """Scored with what the smaller fleet learnt."""
    return Town(town.folder / "thousand", town.engine, server=town.address, simulation="machines=1000")


def prepare(town: Town, large: Town) -> None:
    with town.session() as spark:
        in_a_row(town, jobs(YEAR, BEFORE_TRAINING, USE_CASE), spark)
        in_a_row(large, jobs(BEFORE, BEFORE_TRAINING, USE_CASE), spark)
        in_a_row(large, jobs(NIGHT, (Stage.INGEST, Stage.REFINE), USE_CASE), spark)


def measured(town: Town, one: Job) -> Taken:
    return run(town.command(one), engine=town.engine.process.pid)


def trained(town: Town) -> None:
    taken = measured(town, job(Stage.TRAIN, YEAR, use_case=USE_CASE))
    asked("seconds, training of 100 machines and a year", taken.seconds, at_most=600)
    asked("GB at its peak", taken.gigabytes, at_most=3)
    crowned(town, use_case=USE_CASE)


def features_and_score(town: Town, window: Window) -> Taken:
    taken = [measured(town, one) for one in jobs(window, (Stage.FEATURES, Stage.SCORE), USE_CASE)]
    return Taken(seconds=sum(one.seconds for one in taken), peak=max(one.peak for one in taken))


def main() -> None:
    with workshop() as (folder, engine):
        town = Town.founded(folder, engine, USE_CASE, simulation=FLEET)
        large = thousand(town)
        prepare(town, large)
        tell("predictive maintenance, features and score, each stage a job")
        trained(town)
        features_and_score(town, LAST_DAY)  # the first score of all makes reports of every day
        one, year = (features_and_score(town, window) for window in (LAST_DAY, YEAR))
        tell(f"  100 machines, one day {one.seconds:.1f} s, {DAYS} days {year.seconds:.1f} s")
        asked("times one day, a year's range", year.seconds / one.seconds, at_most=3)
        asked("GB at its peak", year.gigabytes, at_most=3)
        asked("seconds, a night of 1,000 machines", features_and_score(large, NIGHT).seconds, at_most=60)


if __name__ == "__main__":
    main()
