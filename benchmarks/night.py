"""A night without training: through the real scheduler, in one process, with `spark-submit --packages` per stage."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from benchmarks.lakes import DAY, NIGHTLY, USE_CASE, Town, days, in_a_row, jobs, with_champion
from benchmarks.measured import alternated, asked, run, tell, timed
from local.jars import package
from local.places import CHECKOUT, JAVA, SPARK
from local.services import started
from spark_jobs import __main__ as entry
from spark_jobs import session
from spark_jobs.session import spark_session
from tests.end_to_end.scheduler import Scheduler, home_at

TURNS = 2
BEFORE = days(100)  # the champion's


def prepare(folder: str, address: str) -> None:
    with_champion(Town(Path(folder), address), BEFORE, spark_session("prepares", heavy=True))


def in_one_process(folder: str, address: str, day: str) -> None:
    """Starts once and, as our jobs do, imports while Java starts."""
    with ThreadPoolExecutor(1) as aside:
        aside.submit(lambda: [entry._load(stage) for stage in NIGHTLY])
        spark = spark_session("one night")
    in_a_row(Town(Path(folder), address), jobs(days(1, date.fromisoformat(day))), spark)
    spark.stop()


def submitted(town: Town, day: date, java: Sequence[str]) -> None:
    """Each stage with our Spark settings; the class path is the resolver's."""
    given = [f"--conf={name}={value}" for name, value in session.SETTINGS.items()]
    given += ["--packages", package(), *(["--driver-java-options", " ".join(java)] if java else [])]
    script = str(CHECKOUT / "benchmarks" / "submitted.py")
    around = {"JAVA_HOME": str(JAVA), "PYSPARK_PYTHON": sys.executable}
    for job in jobs(days(1, day)):
        run([str(SPARK / "bin" / "spark-submit"), *given, script, *town.argv(job)], around)


def through_airflow(scheduler: Scheduler, day: date) -> None:
    conf = {"first_day": str(day), "last_day": str(day), "retrain": "never", "reason": "benchmark"}
    name = scheduler.trigger(conf)
    if scheduler.finished(name) != "success":
        raise SystemExit(f"{name} failed: see {scheduler.home.logs}")


def wake(scheduler: Scheduler) -> None:
    """Unpaused, Airflow begins with last night, which would train and keep the runs measured waiting: it is ended."""
    airflow = scheduler.airflow
    airflow.pause(USE_CASE, paused=False)
    scheduler.until(lambda: airflow.runs(USE_CASE) != [], "the nightly run")
    for night in airflow.runs(USE_CASE):
        name = night["dag_run_id"]
        airflow.call("PATCH", f"/dags/{USE_CASE}/dagRuns/{quote(name, safe='')}", {"state": "failed"})
        scheduler.finished(name)


def sides(scheduler: Scheduler, town: Town) -> dict[str, Callable[[], float]]:
    """Every night is the one after the last, whoever did that."""
    nights: Iterator[date] = (BEFORE.end + DAY * n for n in count())

    def alone() -> None:
        call = f"in_one_process({str(town.folder)!r}, {town.address!r}, '{next(nights)}')"
        run([sys.executable, "-c", f"from benchmarks.night import in_one_process; {call}"])

    return {
        "scheduler": lambda: timed(lambda: through_airflow(scheduler, next(nights))),
        "one process": lambda: timed(alone),
        "spark-submit": lambda: timed(lambda: submitted(town, next(nights), ())),
        "the same with our Java flags": lambda: timed(lambda: submitted(town, next(nights), session.LIGHT)),
    }


def main() -> None:
    with TemporaryDirectory() as folder, started(home_at(Path(folder))) as up:
        up.wait(lambda: up.airflow.knows(USE_CASE), f"Reading dags/{USE_CASE}.py")
        scheduler, town = Scheduler(up), Town(Path(folder), up.home.mlflow_url)
        wake(scheduler)
        call = f"prepare({folder!r}, {town.address!r})"
        run([sys.executable, "-c", f"from benchmarks.night import prepare; {call}"])
        found = alternated(sides(scheduler, town), TURNS)
    tell("one night without training")
    for name, seconds in found.items():
        tell(f"  {name:28} {seconds:6.1f} s")
    asked("times one process, through the scheduler", found["scheduler"] / found["one process"], at_most=2.0)
    for rival in list(found)[2:]:
        asked(f"times faster than {rival}", found[rival] / found["scheduler"], at_least=2.0)


if __name__ == "__main__":
    main()
