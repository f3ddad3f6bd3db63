"""Features of a fleet: ours, and DuckDB's best bucketed query over the same Parquet files, in one run.

python -m benchmarks.maintenance_features
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import log
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from benchmarks import fleet, maintenance_duckdb
from benchmarks.fleet import FIRST
from benchmarks.lakes import Town, workshop
from benchmarks.measured import Taken, alternated, asked, run, tell, timed
from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, ERRORS, MODELS, USE_CASE

YEAR, MONTH, TURNS = 366, 31, 2
LEVELS = {"volt": (170, 15), "rotate": (446, 52), "pressure": (100, 11), "vibration": (40, 5.5)}
EVENTS_A_YEAR = {"errors": 39, "maintenance": 33, "failures": 8}  # of one machine, as in the published files
DAYS_A_FILE = 10
MICROSECOND = pa.timestamp("us", "UTC")


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

    def ours(self, spark: SparkSession) -> None:
        fleet.ours(spark, str(self.folder), self.days)

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


def fresh(made: Fleet) -> Taken:
    """A client from its start to its end, and the memory of it and of an engine that has done nothing before."""
    with workshop() as (_, engine):
        words = [str(made.folder), str(made.days), engine.address, str(engine.token), "1"]
        return run([sys.executable, "-m", fleet.__name__, *words], engine=engine.process.pid)


def agree(made: Fleet, one: str = "ours/*.parquet", other: str = "duckdb.parquet") -> None:
    """Bit for bit: a benchmark of queries that answer differently would say nothing."""
    names = ", ".join(f'"{name}"' for name in (*USE_CASE.features.key, *USE_CASE.features.columns))
    ours, theirs = f"'{made.folder}/{one}'", f"'{made.folder}/{other}'"
    both = f"SELECT {names} FROM {ours} INTERSECT SELECT {names} FROM {theirs}"
    (same,), (rows,) = (
        maintenance_duckdb.connection().execute(f"SELECT count(*) FROM {found}").fetchall()[0]
        for found in (f"({both})", theirs)
    )
    if not same == rows == made.machines * made.days * 2:
        raise SystemExit(f"of {rows} rows {same} are the same")


def compare(folder: Path) -> None:
    """A thousand machines and a year: both ways, and how ours grows."""
    fleets = {str(n): Fleet(folder=folder / str(n), machines=n, days=YEAR).make() for n in (10, 100, 1000)}
    alone = fresh(fleets["1000"])
    with workshop() as (own, engine), Town(own, engine).session() as spark:
        found = warm(fleets, spark)
    agree(fleets["100"])
    show(fleets["1000"], found, alone)


def warm(fleets: Mapping[str, Fleet], spark: SparkSession) -> dict[str, float]:
    duck = maintenance_duckdb.connection()
    sides = {name: partial(timed, partial(made.ours, spark)) for name, made in fleets.items()}
    for name in ("1000", "100"):
        query = maintenance_duckdb.query(fleets[name].folder, YEAR)
        sides[f"DuckDB {name}"] = partial(timed, partial(duck.execute, query))
    alternated(sides, 1)
    return alternated(sides, TURNS)


def show(large: Fleet, found: Mapping[str, float], alone: Taken) -> None:
    theirs, ours = found["DuckDB 1000"], found["1000"]
    growth = log((ours - found["10"]) / (found["100"] - found["10"])) / log(10)
    tell(
        f"features of 1,000 machines and a year: {large.readings:,} readings, {len(USE_CASE.features.columns)} columns"
    )
    tell(f"  DuckDB, 2 threads, warm {theirs:.1f} s; ours, warm {ours:.1f} s, fresh {alone.seconds:.1f} s")
    asked("times DuckDB, warm", ours / theirs, at_most=1.79)
    asked("times DuckDB, fresh client and engine", alone.seconds / theirs, at_most=6)
    asked("seconds, fresh client and engine", alone.seconds, at_most=120)
    asked("GB at its peak", alone.gigabytes, at_most=3)
    asked("exponent of growth from 100 machines on", growth, at_most=1.05)


def main() -> None:
    with TemporaryDirectory() as folder:
        compare(Path(folder))
        many = fresh(Fleet(folder=Path(folder) / "many", machines=10_000, days=MONTH).make())
        asked(f"GB, 10,000 machines and a month in one run ({many.seconds:.0f} s)", many.gigabytes, at_most=3)


if __name__ == "__main__":
    main()
