"""A night without training: through the real scheduler, in one cold process, with `spark-submit --packages` a stage."""

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from benchmarks.lakes import DAY, USE_CASE, Town, at_home, days, jobs, with_champion
from benchmarks.measured import alternated, asked, run, tell, timed
from engine.settings import SETTINGS
from local.airflow_api import Airflow
from local.jars import delta
from local.places import CHECKOUT, JARS, JAVA, SPARK
from local.services import started
from tests.end_to_end.scheduler import Scheduler, home_at

TURNS = 2
BEFORE = days(100)  # the champion's
CLASSIC = {"spark.master": "local[*]", "spark.api.mode": "classic"}
OPTIONS = [f"--conf={name}={value}" for name, value in (SETTINGS | CLASSIC).items()]
AROUND = {"JAVA_HOME": str(JAVA), "PYSPARK_PYTHON": sys.executable}


def in_one_process(town: Town, day: date) -> float:
    """Python starts Java, once, with these options."""
    classes = ":".join(map(str, sorted(JARS.glob("*.jar"))))
    options = [*OPTIONS, f"--conf=spark.driver.extraClassPath={classes}", "pyspark-shell"]
    words = [shlex.join(town.argv(job)) for job in jobs(days(1, day))]
    around = AROUND | {"PYSPARK_SUBMIT_ARGS": shlex.join(options)}
    return run([sys.executable, "-m", "benchmarks.classic", *words], around).seconds


def submitted(town: Town, day: date) -> float:
    """The class path is the resolver's."""
    command = [str(SPARK / "bin" / "spark-submit"), *OPTIONS, "--packages", delta()]
    command.append(str(CHECKOUT / "benchmarks" / "classic.py"))
    return sum(run([*command, shlex.join(town.argv(job))], AROUND).seconds for job in jobs(days(1, day)))


def through_airflow(scheduler: Scheduler, day: date) -> None:
    conf = {"first_day": str(day), "last_day": str(day), "retrain": "never", "reason": "benchmark"}
    name = scheduler.trigger(conf)
    if scheduler.finished(name) != "success":
        raise SystemExit(f"{name} failed: see {scheduler.home.logs}")


def wake(airflow: Airflow) -> None:
    """Unpaused, Airflow begins with last night, which would train and keep the runs measured waiting: it is ended."""
    airflow.pause(USE_CASE, paused=False)
    while not (nights := airflow.runs(USE_CASE)):
        time.sleep(0.5)
    for night in nights:
        name = night["dag_run_id"]
        airflow.call("PATCH", f"/dags/{USE_CASE}/dagRuns/{quote(name, safe='')}", {"state": "failed"})
        for _ in airflow.watch(USE_CASE, name):
            pass


def sides(scheduler: Scheduler, town: Town) -> dict[str, Callable[[], float]]:
    """Every night is the one after the last, whoever did that."""
    nights: Iterator[date] = (BEFORE.end + DAY * n for n in count())

    return {
        "scheduler": lambda: timed(lambda: through_airflow(scheduler, next(nights))),
        "one cold process": lambda: in_one_process(town, next(nights)),
        "spark-submit": lambda: submitted(town, next(nights)),
    }


def main() -> None:
    with TemporaryDirectory() as folder, started(home_at(Path(folder))) as up:
        up.wait(lambda: up.airflow.knows(USE_CASE), f"Reading dags/{USE_CASE}.py")
        scheduler, town = Scheduler(up), at_home(up)
        wake(up.airflow)
        with town.session() as spark:
            with_champion(town, BEFORE, spark)
        ways = sides(scheduler, town)
        ways["scheduler"]()  # an engine has done nights before
        found = alternated(ways, TURNS)
    tell("one night without training")
    for name, seconds in found.items():
        tell(f"  {name:28} {seconds:6.1f} s")
    asked("times one cold process, through the scheduler", found["scheduler"] / found["one cold process"], at_most=0.7)
    asked("times faster than spark-submit per stage", found["spark-submit"] / found["scheduler"], at_least=5.0)


if __name__ == "__main__":
    main()
