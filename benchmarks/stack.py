"""A new stack that is up (`make stack`): its nights beside a laptop's, and what a second worker gives."""

import subprocess
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from pyarrow.fs import FileSelector, LocalFileSystem, copy_files

from benchmarks import fleet
from benchmarks.lakes import DAY, USE_CASE, Town, workshop
from benchmarks.maintenance_features import YEAR, Fleet, agree
from benchmarks.measured import alternated, asked, tell
from benchmarks.night import BEFORE, wake
from containers import up
from containers.compose import Stack, from_environment
from local.airflow_api import Airflow
from local.services import started
from tests.end_to_end.scheduler import home_at
from tests.stack.standing import Standing, until

NIGHTS, TIMES = 4, 2
INSIDE = "s3a://lake/fleet"


def through_airflow(airflow: Airflow, first: date, last: date, retrain: str = "never") -> float:
    """As Airflow times it."""
    conf = {"first_day": str(first), "last_day": str(last), "retrain": retrain, "reason": "benchmark"}
    name = airflow.trigger(USE_CASE, conf)
    *_, (run, _) = airflow.watch(USE_CASE, name)
    if run["state"] != "success":
        raise SystemExit(f"{name} failed: see its log on {airflow.url}")
    return (datetime.fromisoformat(run["end_date"]) - datetime.fromisoformat(run["start_date"])).total_seconds()


def begun(airflow: Airflow) -> Callable[[], float]:
    """A first range with its champion, and a night to be warm; then every night is the one after the last."""
    until(lambda: airflow.knows(USE_CASE), f"Reading dags/{USE_CASE}.py")
    wake(airflow)
    through_airflow(airflow, BEFORE.start, BEFORE.end - DAY, "always")
    following = (BEFORE.end + DAY * number for number in count())

    def night() -> float:
        day = next(following)
        return through_airflow(airflow, day, day)

    night()
    return night


def nights(stack: Stack) -> None:
    there = Standing(stack).airflow
    with TemporaryDirectory() as folder, started(home_at(Path(folder))) as here:
        found = alternated({"stack": begun(there), "laptop": begun(here.airflow)}, NIGHTS)
    tell(f"a night without training: on the stack {found['stack']:.1f} s, on a laptop {found['laptop']:.1f} s")
    asked("times a laptop's night", found["stack"] / found["laptop"], at_most=1.6)


def with_workers(stack: Stack, workers: int) -> float:
    """The first time warms what came anew; the quickest of the others counts.

    A worker runs one task at a time; its Java and its Python would still take a core each, if they could.
    """
    stack.compose("up", "-d", "--no-recreate", "--scale", f"spark-worker={workers}")
    until(lambda: not up.unwell(stack), "all parts to be well")
    stack.docker("update", "--cpus", "1", *(name for name in stack.containers() if "spark-worker" in name))
    command = ["docker", "exec", "-i", Standing(stack).container("scheduler"), ".venv/spark/bin/python", "-"]
    given = [INSIDE, str(YEAR), "sc://engine:15003", "/run/secrets/engine-token", str(TIMES)]
    said = subprocess.run(
        [*command, *given],
        input=Path(fleet.__file__).read_text(encoding="utf-8"),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return min(map(float, said.stdout.split()[1:]))


def scale(stack: Stack) -> None:
    with TemporaryDirectory() as name:
        made, store = (
            Fleet(folder=Path(name) / "fleet", machines=1000, days=YEAR).make(),
            Standing(stack).opened("engine"),
        )
        copy_files(str(made.folder), "lake/fleet", LocalFileSystem(), store)
        found = alternated({str(workers): partial(with_workers, stack, workers) for workers in (1, 2)}, 2)
        tell(f"features of 1,000 machines and a year: {made.readings:,} readings")
        tell(f"  one worker {found['1']:.1f} s, {found['1'] / made.readings * 1e6:.2f} s a million readings")
        tell(f"  two workers {found['2']:.1f} s")
        asked("times faster with two workers", found["1"] / found["2"], at_least=1.7)
        (made.folder / "theirs").mkdir()
        copy_files("lake/fleet/ours", f"{made.folder}/theirs", store, LocalFileSystem())
        with workshop() as (own, engine), Town(own, engine).session() as spark:
            made.ours(spark)
        agree(made, "ours/*.parquet", "theirs/*.parquet")
        tell("  its rows are a laptop's, bit for bit")
        for file in store.get_file_info(FileSelector("lake/fleet", recursive=True)):
            if file.is_file:
                store.delete_file(file.path)


def main() -> None:
    stack = from_environment()
    if not stack.is_up():
        raise SystemExit("no stack is up: type `make stack` before, and give this one WORKERS=2")
    nights(stack)
    scale(stack)  # its workers stay held to one core each


if __name__ == "__main__":
    main()
