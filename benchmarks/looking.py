"""How long people wait for a look at the rows that a model learns from."""

from typing import TYPE_CHECKING, cast

from benchmarks.lakes import BEFORE_TRAINING, Town, days, in_a_row, job, jobs, workshop
from benchmarks.measured import asked, run, tell, timed
from spark_jobs.declare import Stage
from spark_jobs.learning.report import page

if TYPE_CHECKING:
    import pandas as pd

WINES = "wine_quality"
PUBLISHED = 6_497
LEARNT = days(43)  # 200 wines a day, three quarters of them to learn from: about as many as were published


def main() -> None:
    with workshop() as (folder, engine):
        town = Town.founded(folder, engine, WINES)
        look = job(Stage.PROFILE, LEARNT, use_case=WINES)
        with town.session() as spark:
            in_a_row(town, jobs(LEARNT, BEFORE_TRAINING, WINES), spark)
            features = town.work(look, spark).lake.gold("features").read().drop("day", "at", "sample")
            rows = cast("pd.DataFrame", features.limit(PUBLISHED).toPandas())
        tell(f"a look at the data of {len(rows):,} wines")
        asked("s, the report with the import of its library", timed(lambda: page(rows, "wines")), at_most=30)
        taken = run(town.command(look), engine=engine.process.pid)
        tell(f"  s, the whole job: {taken.seconds:.1f}; peak with its engine {taken.gigabytes:.2f} GB")


if __name__ == "__main__":
    main()
