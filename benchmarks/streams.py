"""Readings of devices as a stream: how fast they reach silver, in what memory, and what a run costs late in the day."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path

import duckdb
from pyspark.sql import SparkSession

from benchmarks.lakes import Town, workshop
from benchmarks.measured import Taken, asked, run, tell, timed
from spark_jobs import use_cases
from spark_jobs.declare import Job, Stage, Window
from spark_jobs.raw.landing import Landing
from spark_jobs.raw.records import Task, read_records
from spark_jobs.use_cases.iot_devices import source
from spark_jobs.use_cases.iot_devices.use_case import EVERY, READINGS

CASE = "iot_devices"
DAY = date(2024, 3, 1)
SLOT = 60_000  # readings in ten minutes of a fleet of this many:
FLEET = {"devices": 1000, "pause": 10, "seed": 1, "broken": 0.002, "late": 0.0, "twice": 0.005}
WARM, FILES = 20, 60
MILLION = {1: 17, 50: 834}  # files of a slot
LAST = 144
STAGES = (Stage.INGEST, Stage.REFINE, Stage.REPORT)


@contextmanager
def founded(source_of: str) -> Iterator[Town]:
    with workshop(cores="2") as (folder, engine):
        simulation = ",".join(f"{name}={value}" for name, value in FLEET.items())
        told = {"simulation": simulation} if source_of == "simulated" else {}
        yield Town.founded(folder, engine, CASE, source=source_of, **told)


def drop(town: Town, slots: range, day: date = DAY) -> None:
    """Files of these slots, as devices send them."""
    wanted = {f"readings-{datetime.combine(day, time()) + slot * EVERY:%H%M}.json" for slot in slots}
    place = Path(town.place.landing) / CASE / READINGS.name / str(day)
    place.mkdir(parents=True, exist_ok=True)
    for delivery in source.simulated(Window.of(day), FLEET):
        if delivery.name in wanted:
            (place / delivery.name).write_text(delivery.content)


def took(town: Town, stages: tuple[Stage, ...], until: datetime | None = None, day: date = DAY) -> Taken:
    """The jobs of a run, one after another."""
    window = Window.of(day)
    works = [Job(stage=stage, use_case=CASE, window=window, until=until) for stage in stages]
    taken = [run(town.command(work), engine=town.engine.process.pid) for work in works]
    return Taken(seconds=sum(one.seconds for one in taken), peak=max(one.peak for one in taken))


def speed() -> None:
    with founded("own") as town:
        before = DAY - timedelta(days=1)
        drop(town, range(WARM), before)
        took(town, STAGES[:2], day=before)
        drop(town, range(FILES))
        seconds = took(town, STAGES[:2]).seconds
        with town.session(small=True) as spark:
            asked("readings a second, JSON read into records", parsed(town, spark), at_least=150_000)
        asked("readings a second, from landing to silver", FILES * SLOT / seconds, at_least=40_000)
        tell(f"  readings a second, DuckDB from the same files to Parquet: {FILES * SLOT / in_duckdb(town):,.0f}")


def parsed(town: Town, spark: SparkSession) -> float:
    table = use_cases.load(CASE).table(READINGS.name)
    tasks = [
        Task(file=file, hash="") for file in Landing.of(town.place, CASE).files(table.name) if file.arrival_day == DAY
    ]

    def read() -> None:
        read_records(spark, table, tasks).write.format("noop").mode("overwrite").save()

    read()
    return FILES * SLOT / timed(read)


def in_duckdb(town: Town) -> float:
    """The same columns, by a reader that takes broken lines for none."""
    connected = duckdb.connect(config={"threads": 2})
    files = f"{town.place.landing}/{CASE}/{READINGS.name}/{DAY}/*.json"
    kinds = {"bigint": "BIGINT", "double": "DOUBLE", "string": "VARCHAR"}
    columns = {column.name: kinds[column.kind] for column in READINGS.columns}
    reader = f"read_json('{files}', columns={columns}, format='newline_delimited', ignore_errors=true)"
    return timed(lambda: connected.execute(f"COPY (SELECT * FROM {reader}) TO '{town.folder}/duckdb.parquet'"))


def memory(files: int) -> Taken:
    """Of engine and job; the same slot again and again, under other names."""
    with founded("own") as town:
        drop(town, range(1))
        place = Path(town.place.landing) / CASE / READINGS.name / str(DAY)
        (one,) = place.iterdir()
        for number in range(files - 1):
            os.link(one, place / f"again-{number:04d}.json")
        return took(town, (Stage.INGEST,))


def late_in_the_day() -> None:
    """Of 144 runs the first and the last ones are runs of their own; one run takes in what lies between."""
    with founded("simulated") as town:
        seconds = {}
        for slot in (1, 2, 3, LAST - 3, LAST - 2, LAST - 1, LAST):
            seconds[slot] = took(town, STAGES, Window.of(DAY).starts_at + slot * EVERY).seconds
        told = ", ".join(f"{slot}. {one:.1f} s" for slot, one in seconds.items())
        tell(f"  runs of a day of 144, {SLOT:,} readings each ({LAST - 3}.: all from the 4th on): {told}")
    asked("times the second run, the last but one", seconds[LAST - 1] / seconds[2], at_most=1.5)
    asked("times the second run, the last, which closes the day", seconds[LAST] / seconds[2], at_most=1.5)


def main() -> None:
    tell(f"a stream: {FILES} files of {SLOT:,} readings, warm, 2 cores")
    speed()
    late_in_the_day()
    peaks = {millions: memory(files) for millions, files in MILLION.items()}
    for millions, taken in peaks.items():
        rate = MILLION[millions] * SLOT / taken.seconds
        tell(
            f"  {millions} million readings: {taken.seconds:.0f} s, {rate:,.0f} a second, peak {taken.gigabytes:.2f} GB"
        )
    least, most = (peaks[millions].peak for millions in MILLION)
    asked("times the memory for fifty times the readings", most / least, at_most=1.2)


if __name__ == "__main__":
    main()
