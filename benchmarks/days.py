"""What one more day costs, ingest to score without training, in one warm process."""

from functools import partial

from pyspark.sql import SparkSession

from benchmarks.lakes import Town, days, in_a_row, jobs, with_champion, workshop
from benchmarks.measured import alternated, asked, tell, timed

BEFORE = days(100)  # the champion's
COUNTS = (1, 30, 365, 730)
TURNS = 3


def pass_over(town: Town, count: int, spark: SparkSession) -> float:
    """In a lake that holds the champion's days only."""
    with town.copied() as fresh:
        return timed(partial(in_a_row, fresh, jobs(days(count, BEFORE.end)), spark))


def main() -> None:
    with workshop() as (folder, engine):
        town = Town.founded(folder, engine)
        with town.session() as spark:
            with_champion(town, BEFORE, spark)
            sides = {str(count): partial(pass_over, town, count, spark) for count in COUNTS}
            alternated(sides, 1)
            found = alternated(sides, TURNS)
    one = found["1"]
    more = {count: (found[str(count)] - one) / (count - 1) for count in COUNTS[1:]}
    tell("days, ingest to score, in one warm process")
    for count in COUNTS:
        tell(f"  {count:4} days {found[str(count)]:7.1f} s" + (f", {more[count]:.4f} s a day" if count > 1 else ""))
    asked("a day of 730 over a day of 30", more[730] / more[30], at_most=1.0)
    asked("365 days over one day", found["365"] / one, at_most=4.0)


if __name__ == "__main__":
    main()
