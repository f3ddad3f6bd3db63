"""The memory of engine and job over two years, of all parts of a laptop in a night, of an engine after many nights."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.lakes import DAY, Town, as_jobs, at_home, crowned, days, job, jobs, with_champion, workshop
from benchmarks.measured import asked, memory_of, run, tell, watched
from local.first_nights import last_night
from local.processes import family, running
from local.services import started
from spark_jobs.declare import EVERY_NIGHT, Stage
from tests.end_to_end.scheduler import Scheduler, home_at

GIGABYTE = 1 << 30
TWO_YEARS = days(731)
LEARNT = {"bike_sharing": 100, "predictive_maintenance": 200}  # days before the night of a laptop
BEFORE = days(100)
FEW, MANY = 5, 30
RESTED = 75.0  # seconds; Spark lets idle threads and workers go after a minute


def of_a_range() -> None:
    """One engine for all stages, as it is every night."""
    with workshop() as (folder, engine):
        town = Town.founded(folder, engine)
        tell("peak memory of the engine and a job of a range of two years")
        for stage in EVERY_NIGHT:
            work = job(stage, TWO_YEARS, version="1" if stage is Stage.EVALUATE else "")
            taken = run(town.command(work), engine=engine.process.pid)
            asked(f"GB, {stage} ({taken.seconds:.0f} s)", taken.gigabytes, at_most=3.0)
            if stage is Stage.EVALUATE:
                crowned(town)


def of_a_laptop() -> None:
    """Last night's runs as Airflow makes them by itself, of Dags that have learnt before."""
    with TemporaryDirectory() as folder, started(home_at(Path(folder))) as up:
        for use_case in LEARNT:
            up.wait(partial(up.airflow.knows, use_case), f"Reading dags/{use_case}.py")
        town, scheduler, night = at_home(up), Scheduler(up), last_night(datetime.now(UTC))
        with town.session() as spark:
            for use_case, count in LEARNT.items():
                with_champion(town, days(count, night - DAY * count), spark, use_case)
        with watched([part.pid for part in up.parts.values()]) as peak:
            runs = {use_case: begun(scheduler, use_case) for use_case in LEARNT}
            for use_case, name in runs.items():
                if scheduler.finished(name, use_case) != "success":
                    raise SystemExit(f"{name} of {use_case} failed: see {up.home.logs}")
        held = {name: memory_of([part.pid]) / GIGABYTE for name, part in up.parts.items()}
    tell("all of a laptop, both use cases' night; afterwards, without jobs, in GB:")
    tell("  " + ", ".join(f"{name} {one:.2f}" for name, one in held.items()))
    asked("GB at its peak, with jobs", peak[0] / GIGABYTE, at_most=4.0)


def begun(scheduler: Scheduler, use_case: str) -> str:
    scheduler.airflow.pause(use_case, paused=False)
    scheduler.until(lambda: scheduler.airflow.runs(use_case) != [], f"the nightly run of {use_case}")
    return str(scheduler.airflow.runs(use_case)[0]["dag_run_id"])


@dataclass(frozen=True, kw_only=True)
class Held:
    """By an engine that rests."""

    memory: float
    processes: int  # of Python, started for jobs
    threads: int
    files: int

    @classmethod
    def by(cls, town: Town) -> "Held":
        time.sleep(RESTED)
        pid = town.engine.process.pid
        processes = len(family([running()[pid]])) - 1
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
        files = sum(path.is_file() for path in (town.folder / "work").rglob("*"))
        return cls(memory=memory_of([pid]) / GIGABYTE, processes=processes, threads=threads, files=files)


def of_many_nights() -> None:
    with workshop() as (folder, engine):
        town = Town.founded(folder, engine)
        with town.session() as spark:
            with_champion(town, BEFORE, spark)
        held = {}
        for night in range(1, MANY + 1):
            as_jobs(town, jobs(days(1, BEFORE.end + DAY * (night - 1))))
            if night in (FEW, MANY):
                held[night] = Held.by(town)
    for night, one in held.items():
        left = f"{one.processes} processes of Python, {one.threads} threads of Java, {one.files} files"
        tell(f"an engine after {night} nights: {one.memory:.2f} GB, {left}")
    asked(f"times its memory after {FEW} nights", held[MANY].memory / held[FEW].memory, at_most=1.15)


def main() -> None:
    of_a_range()
    of_a_laptop()
    of_many_nights()


if __name__ == "__main__":
    main()
