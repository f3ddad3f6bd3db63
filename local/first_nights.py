"""What `make run` does once everything is up: a first range, then last night, as the scheduler would at 02:00."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

from local.airflow_api import OVER, Airflow, Json
from local.commands import CannotGoOn, tell
from local.supervision import Services

DAG = "bike_sharing"
FIRST_RANGE = "first_range"
DAYS = 180  # enough for 28 days that judge, 28 that validate and four months to learn from
DAY = timedelta(days=1)
NIGHT = time(2, tzinfo=UTC)
OPEN_STATES = ("queued", "running")

WORDS = {
    "running": "has begun",
    "success": "is done{took}",
    "skipped": "had nothing to do",
    "failed": "FAILED{took}",
    "upstream_failed": "could not be tried, for what it needs failed",
    "up_for_retry": "failed and will be tried again",
    "deferred": "waits",
    "awaiting_input": "waits for a person",
}


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A Dag run that is over."""

    name: str
    run: str
    state: str


def last_night(now: datetime) -> date:
    """The day that the newest scheduled run is about."""
    tick = datetime.combine(now.date(), NIGHT)
    return (tick if tick <= now else tick - DAY).date() - DAY


def all_of_them(services: Services, days: int = DAYS) -> list[Finished]:
    """The range first: it waits in the queue, older than the night that Airflow makes when the Dag is unpaused."""
    airflow = services.airflow
    services.wait(lambda: airflow.knows(DAG) or _refused(airflow), f"Reading dags/{DAG}.py")
    night = last_night(datetime.now(UTC))
    ranges = _range(airflow, night - DAY * days, night - DAY)
    airflow.pause(DAG, paused=False)
    done = [follow(services, "first range", f"{days} days up to {night - DAY}", ranges)]
    services.wait(lambda: _scheduled(airflow, night) is not None, "The nightly run")
    done.append(follow(services, "last night", f"about {night}", _scheduled(airflow, night) or ""))
    return done


def follow(services: Services, name: str, about: str, run: str) -> Finished:
    """Tells what happens to each task until the run is over."""
    tell(f"\n  {DAG}, {name}: {about}")
    state, told = "", dict[str, str]()
    for seen, tasks in services.airflow.watch(DAG, run):
        state = seen["state"]
        for task in sorted(tasks, key=_when):
            _tell_change(task, told)
    return Finished(name=name, run=run, state=state)


def _tell_change(task: Json, told: dict[str, str]) -> None:
    name, state = task["task_id"], task["state"] or ""
    if told.get(name) == state or state not in WORDS:
        return
    told[name] = state
    took = f" after {task['duration']:.0f} s" if task.get("duration") else ""
    tell(f"  {datetime.now():%H:%M:%S}  {name:<10} {WORDS[state].format(took=took)}")


def _range(airflow: Airflow, first: date, last: date) -> str:
    """The one already there, unless it failed; then another try."""
    names = (f"{FIRST_RANGE}_{number}" for number in count(1))
    name, state = next((name, state) for name in names if (state := airflow.state(DAG, name)) != "failed")
    if state:
        return name
    conf = {"first_day": first.isoformat(), "last_day": last.isoformat(), "reason": "first range of make run"}
    # Of the runs that wait, the one whose time came first begins: the range, before the nights.
    due = datetime.combine(last, NIGHT)
    return airflow.trigger(DAG, conf, run_id=name, run_after=due)


def _scheduled(airflow: Airflow, night: date) -> str | None:
    """The run about this night or a later one; those of earlier nights may lie there from another day."""
    tick = datetime.combine(night + DAY, NIGHT)
    for run in airflow.runs(DAG):
        if run["run_type"] == "scheduled" and datetime.fromisoformat(run["run_after"]) >= tick:
            return str(run["dag_run_id"])
    return None


def _refused(airflow: Airflow) -> bool:
    """A Dag file that cannot be loaded will not come up by waiting."""
    if errors := [error for error in airflow.import_errors() if DAG in error]:
        raise CannotGoOn("\n".join(errors))
    return False


def _when(task: Json) -> str:
    return task["end_date"] or task["start_date"] or "~"


def succeeded(done: list[Finished]) -> bool:
    return all(run.state == OVER[0] for run in done)
