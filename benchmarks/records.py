"""How fast raw records become bronze, and what memory one large file takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession

from benchmarks.lakes import USE_CASE, Town, days, job, workshop
from benchmarks.measured import Taken, asked, run, tell, timed
from spark_jobs import use_cases
from spark_jobs.declare import Stage
from spark_jobs.lakehouse import Lake
from spark_jobs.raw.landing import Landing
from spark_jobs.raw.records import Task, read_records
from spark_jobs.use_cases.bike_sharing import source

ARRIVED = date(2025, 1, 1)
MEGABYTE = 1 << 20
FILES = 4
SIZES = {"100 MB": 100 * MEGABYTE, "1 GB": 1000 * MEGABYTE}


@contextmanager
def dropped(files: int, size: int) -> Iterator[tuple[Town, int]]:
    """A landing folder of one's own files, each of this size, beside a fresh engine; and how many records they hold."""
    text = next(d.text for d in source.simulated(days(1), {"seed": 1, "broken": 0}) if d.table == "rides")
    header, _, lines = text.partition("\n")
    block = lines * (MEGABYTE // len(lines))
    with workshop(cores="2") as (folder, engine):
        town = Town.founded(folder, engine, source="own")
        place = Path(town.place.landing) / USE_CASE / "rides" / str(ARRIVED)
        place.mkdir(parents=True)
        for number in range(files):
            with (place / f"{number}.csv").open("w") as file:
                file.write(f"{header}\n")
                file.writelines(block for _ in range(size // len(block)))
        yield town, files * (size // len(block)) * block.count("\n")


def speed(town: Town, records: int, spark: SparkSession) -> None:
    """Read only, then into bronze: warm, on two cores."""
    table, landing = use_cases.learning(USE_CASE).table("rides"), Landing.of(town.place, USE_CASE)
    tasks = [Task(file=file, hash="") for file in landing.files(table.name)]

    def read() -> None:
        read_records(spark, table, tasks).write.format("noop").mode("overwrite").save()

    def write() -> None:
        Lake(spark, town.place.lake, USE_CASE).bronze(table.name).replace(read_records(spark, table, tasks), None, {})

    for warm_up in (read, write):
        warm_up()
    asked("records a second, read", records / timed(read), at_least=150_000)
    tell(f"  records a second, read and written to Delta by a small job: {records / timed(write):,.0f}")


def memory(size: int) -> Taken:
    with dropped(1, size) as (town, _):
        return run(town.command(job(Stage.INGEST, days(1))), engine=town.engine.process.pid)


def main() -> None:
    with dropped(FILES, 64 * MEGABYTE) as (town, records), town.session(small=True) as spark:
        tell(f"raw records: {FILES} files of 64 MB, {records:,} records, warm, 2 cores")
        speed(town, records, spark)
    peaks = {name: memory(size) for name, size in SIZES.items()}
    for name, taken in peaks.items():
        tell(f"  a job that ingests one file of {name}: {taken.seconds:.0f} s, peak {taken.peak / MEGABYTE:,.0f} MB")
    small, large = (taken.peak for taken in peaks.values())
    asked("times the memory for ten times the file", large / small, at_most=1.2)


if __name__ == "__main__":
    main()
