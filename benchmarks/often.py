"""Ten minutes of readings through the real scheduler, and a run that finds nothing; one a minute, to wait less."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measured import asked, tell
from benchmarks.streams import CASE, FLEET, SLOT
from spark_jobs.declare import Window
from spark_jobs.use_cases.iot_devices import source
from spark_jobs.use_cases.iot_devices.use_case import EVERY, READINGS
from tests.end_to_end.checkout import copied, running_from
from tests.end_to_end.scheduler import Scheduler, scheduler_at

DECLARED = "EVERY = timedelta(minutes=10)"
OFTENER = "EVERY = timedelta(minutes=1)"
WARM, MEASURED = 2, 3


def slot(now: datetime, number: int) -> str:
    """Readings of ten minutes, the newest complete ones and those before."""
    begins = datetime.combine(now.date(), datetime.min.time(), UTC)
    wanted = f"readings-{begins + ((now - begins) // EVERY - 1 - number) * EVERY:%H%M}.json"
    return next(d.content for d in source.simulated(Window.of(now.date()), FLEET) if d.name == wanted)


def drop(scheduler: Scheduler, number: int) -> None:
    now = datetime.now(UTC)
    place = scheduler.landing / CASE / READINGS.name / str(now.date())
    place.mkdir(parents=True, exist_ok=True)
    draft = place / f"{number}.json.tmp"
    draft.write_text(slot(now, number))
    draft.rename(place / f"{number}.json")


def seconds(run: dict[str, Any]) -> float:
    began, ended = (datetime.fromisoformat(run[name]) for name in ("start_date", "end_date"))
    return (ended - began) / timedelta(seconds=1)


def next_run(scheduler: Scheduler, seen: set[str]) -> dict[str, Any]:
    """The next one that comes to its end."""

    def ended() -> list[dict[str, Any]]:
        return [run for run in scheduler.airflow.runs(CASE) if run["end_date"] and run["dag_run_id"] not in seen]

    scheduler.until(lambda: bool(ended()), "the next scheduled run")
    run = ended()[0]
    seen.add(run["dag_run_id"])
    if run["state"] != "success":
        raise SystemExit(f"{run['dag_run_id']} failed: see {scheduler.home.logs}")
    return run


def measured(scheduler: Scheduler) -> tuple[list[float], list[float]]:
    full, empty, seen = [], [], set[str]()
    scheduler.airflow.pause(CASE, paused=False)
    next_run(scheduler, seen)
    for number in range(WARM + MEASURED):
        drop(scheduler, number)
        full.append(seconds(next_run(scheduler, seen)))
        empty.append(seconds(next_run(scheduler, seen)))
    return full[WARM:], empty[WARM:]


def main() -> None:
    with TemporaryDirectory() as folder, running_from(code := copied(Path(folder) / "checkout")):
        declared = code / "spark_jobs" / "use_cases" / CASE / "use_case.py"
        declared.write_text(declared.read_text().replace(DECLARED, OFTENER))
        with scheduler_at(Path(folder) / "home", {"NIGHTSHIFT_SOURCE": "own"}) as scheduler:
            scheduler.until(lambda: scheduler.airflow.knows(CASE), f"Reading dags/{CASE}.py")
            full, empty = measured(scheduler)
    tell(f"runs of {SLOT:,} readings through the scheduler: {', '.join(f'{one:.1f} s' for one in full)}")
    tell(f"runs that find nothing: {', '.join(f'{one:.1f} s' for one in empty)}")
    asked("s, the median run, ingest to gold", sorted(full)[len(full) // 2], at_most=25)
    asked("s, the median run that finds nothing", sorted(empty)[len(empty) // 2], at_most=6)


if __name__ == "__main__":
    main()
