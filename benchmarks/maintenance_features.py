"""Features of a fleet: ours, and DuckDB's best bucketed query over the same Parquet files, in one run.

python -m benchmarks.maintenance_features
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import log
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession

from benchmarks import maintenance_duckdb
from spark_jobs.declare import Window
from spark_jobs.session import spark_session
from spark_jobs.tables.gold import days_sql
from spark_jobs.use_cases.predictive_maintenance.features import features
from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, ERRORS, MODELS, USE_CASE

FIRST, YEAR, MONTH = date(2024, 1, 1), 366, 31
LEVELS = {"volt": (170, 15), "rotate": (446, 52), "pressure": (100, 11), "vibration": (40, 5.5)}
EVENTS_A_YEAR = {"errors": 39, "maintenance": 33, "failures": 8}  # of one machine, as in the published files
DAYS_A_FILE = 10
SECOND, MICROSECOND = np.timedelta64(1, "s"), pa.timestamp("us", "UTC")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Parquet files of all five tables. What the readings are does not matter here, only how many."""

    folder: Path
    machines: int
    days: int

    @property
    def readings(self) -> int:
        return self.machines * self.days * 24

    def make(self) -> "Fleet":
        draw = np.random.default_rng(self.machines)
        (self.folder / "telemetry").mkdir(parents=True)
        for first in range(0, self.days, DAYS_A_FILE):
            self._readings(draw, first, min(first + DAYS_A_FILE, self.days))
        codes = {
            "errors": ("errorID", ERRORS),
            "maintenance": ("comp", COMPONENTS),
            "failures": ("failure", COMPONENTS),
        }
        for table, (column, words) in codes.items():
            count = max(1, self.machines * self.days * EVENTS_A_YEAR[table] // 365)
            told = {"at": _moments(draw.integers(0, self.days * 24, count)), column: draw.choice(words, count)}
            self._write(table, told | {"machineID": draw.integers(1, self.machines + 1, count)})
        told = {"machineID": np.arange(1, self.machines + 1), "age": draw.integers(0, 20, self.machines)}
        self._write("machines", told | {"model": draw.choice(MODELS, self.machines)})
        return self

    def frames(self, spark: SparkSession) -> Mapping[str, DataFrame]:
        files = {table.name: f"{self.folder}/{table.name}.parquet" for table in USE_CASE.tables}
        files["telemetry"] = f"{self.folder}/telemetry"
        end = date.fromordinal(FIRST.toordinal() + self.days)
        days = spark.sql(days_sql([Window(start=FIRST, end=end)]))
        return {name: spark.read.parquet(path) for name, path in files.items()} | {"days": days}

    def ours(self, spark: SparkSession) -> None:
        features(self.frames(spark)).write.mode("overwrite").parquet(f"{self.folder}/ours")

    def _readings(self, draw: np.random.Generator, first: int, end: int) -> None:
        """Hour by hour all machines, as silver holds them; one value in 500 is missing."""
        hours = np.repeat(np.arange(first * 24, end * 24), self.machines)
        told = {"at": _moments(hours), "machineID": np.tile(np.arange(1, self.machines + 1), (end - first) * 24)}
        for sensor, (level, spread) in LEVELS.items():
            told[sensor] = pa.array(draw.normal(level, spread, len(hours)), mask=draw.random(len(hours)) < 0.002)
        self._write(f"telemetry/{first:04}", told)

    def _write(self, name: str, columns: Mapping[str, pa.Array | NDArray[np.generic]]) -> None:
        pq.write_table(pa.table(dict(columns)), self.folder / f"{name}.parquet")


def _moments(hours: NDArray[np.int64]) -> pa.Array:
    return pa.array(np.datetime64(FIRST, "us") + hours * np.timedelta64(1, "h")).cast(MICROSECOND)


@dataclass(frozen=True, kw_only=True)
class Fresh:
    """A whole process, from its start to its end."""

    seconds: float
    gigabytes: float  # at its peak, Java and Python together


def fresh(fleet: Fleet) -> Fresh:
    words = [str(fleet.folder), str(fleet.machines), str(fleet.days)]
    started, peak = time.perf_counter(), 0
    process = subprocess.Popen([sys.executable, "-m", __spec__.name, *words], stderr=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, sum(map(_memory, _family(process.pid))))
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit("the fresh process failed")
    return Fresh(seconds=time.perf_counter() - started, gigabytes=peak / 2**20)


def _family(pid: int) -> list[int]:
    """A process and all it started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [pid, *(one for task in tasks for child in _text(task).split() for one in _family(int(child)))]


def _memory(pid: int) -> int:
    """Kilobytes; what processes share is counted once."""
    lines = _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended
        return ""


def warm(work: Callable[[], object], passes: int = 2) -> float:
    """Seconds of the best pass after the first."""
    times = []
    for _ in range(1 + passes):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times[1:])


def agree(fleet: Fleet) -> None:
    """Bit for bit: a benchmark of queries that answer differently would say nothing."""
    names = ", ".join(f'"{name}"' for name in (*USE_CASE.features.key, *USE_CASE.features.columns))
    ours, theirs = f"'{fleet.folder}/ours/*.parquet'", f"'{fleet.folder}/duckdb.parquet'"
    both = f"SELECT {names} FROM {ours} INTERSECT SELECT {names} FROM {theirs}"
    (same,), (rows,) = (
        maintenance_duckdb.connection().execute(f"SELECT count(*) FROM {found}").fetchall()[0]
        for found in (f"({both})", theirs)
    )
    if not same == rows == fleet.machines * fleet.days * 2:
        raise SystemExit(f"of {rows} rows {same} are the same")


def compare(folder: Path) -> list[str]:
    """A thousand machines and a year: both ways, and how ours grows."""
    fleets = {n: Fleet(folder=folder / str(n), machines=n, days=YEAR).make() for n in (10, 100, 1000)}
    large = fleets[1000]
    alone = fresh(large)
    duck = maintenance_duckdb.connection()
    spark = spark_session("benchmark", heavy=True)
    theirs = warm(lambda: duck.execute(maintenance_duckdb.query(large.folder, large.days)))
    ours = {n: warm(lambda fleet=fleet: fleet.ours(spark)) for n, fleet in fleets.items()}  # type: ignore[misc] # bound at once
    duck.execute(maintenance_duckdb.query(fleets[100].folder, YEAR))
    agree(fleets[100])
    spark.stop()
    slower, start = ours[1000] / theirs, alone.seconds / theirs
    growth = log((ours[1000] - ours[10]) / (ours[100] - ours[10])) / log(10)
    return [
        f"features of 1,000 machines and a year: {large.readings:,} readings, {len(USE_CASE.features.columns)} columns",
        f"  DuckDB, 2 threads, warm      {theirs:6.1f} s",
        f"  Nightshift, warm             {ours[1000]:6.1f} s   {slower:.2f} times DuckDB (at most 3)",
        f"  Nightshift, fresh process    {alone.seconds:6.1f} s   {start:.2f} times DuckDB (at most 6)",
        f"  at its peak                  {alone.gigabytes:6.2f} GB  (at most 3)",
        f"  growth from 100 machines on: exponent {growth:.2f} (at most 1.05)",
    ]


def many(folder: Path) -> str:
    fleet = Fleet(folder=folder / "many", machines=10_000, days=MONTH).make()
    found = fresh(fleet)
    return f"  10,000 machines and a month, whole process {found.seconds:6.1f} s, {found.gigabytes:.2f} GB at its peak"


def main() -> None:
    with TemporaryDirectory() as folder:
        print("\n".join([*compare(Path(folder)), many(Path(folder))]))


def run(words: Sequence[str]) -> None:
    """What a fresh process does."""
    folder, machines, days = words
    fleet = Fleet(folder=Path(folder), machines=int(machines), days=int(days))
    fleet.ours(spark_session("benchmark", heavy=True))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(Path.cwd()))  # Spark's workers import our modules too
    run(sys.argv[1:]) if sys.argv[1:] else main()
