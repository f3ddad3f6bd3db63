"""What Airflow knows of a Dag run when it starts."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from airflow.sdk import Context

from nightshift.plan import Kind, Plan, Started
from spark_jobs.declare import Tables, Window

if TYPE_CHECKING:
    from airflow.sdk.types import DagRunProtocol, RuntimeTaskInstanceProtocol


def started(use_case: Tables, context: Context) -> Started:
    dag_run = context["dag_run"]
    interval, kind = interval_of(dag_run), run_type(dag_run)
    earliest = interval.start - 2 * use_case.most_missed if interval and kind == "scheduled" else None
    return Started(
        run_key=run_key(dag_run),
        run_type=kind,
        by=who(dag_run),
        run_after=dag_run.run_after.date(),
        interval=interval,
        until=dag_run.data_interval_end,
        undone_since=first_day_undone(context, earliest) if earliest else None,
    )


def first_day_undone(context: Context, earliest: date) -> date | None:
    """Where the last good night ended; before any good one, where the oldest failed one began.

    Airflow's own `prev_data_interval_end_success` counts runs of the form and back-fills as nights, and would lose
    the nights missed before them.
    """
    ti, oldest = context["ti"], None
    for run_id, day in _runs_before(ti, earliest):
        if not _is_scheduled(run_id):
            continue
        planned = ti.xcom_pull(task_ids="check", run_id=run_id)
        # A back-fill may have taken over the run of a night, and then covers its own day only.
        was_night = bool(planned) and planned["kind"] in (Kind.NIGHTLY, Kind.FREQUENT)
        if was_night and ti.get_dagrun_state(ti.dag_id, run_id) == "success":
            return Plan.from_dict(planned).done_until
        oldest = day
    return oldest


def _runs_before(ti: "RuntimeTaskInstanceProtocol", earliest: date) -> Iterator[tuple[str, date]]:
    """Newest first, down to one before `earliest`: what lies further back can change nothing."""
    before = None
    while (former := ti.get_previous_ti(logical_date=before)) and (before := former.logical_date):
        yield former.run_id, before.date()
        if before.date() < earliest:
            return
        # It failed, and so may have hundreds before it: the last of each day is enough.
        if _is_scheduled(former.run_id):
            before = datetime.combine(before.date(), time(), UTC)


def _is_scheduled(run_id: str) -> bool:
    return run_id.startswith("scheduled__")


def interval_of(dag_run: "DagRunProtocol") -> Window | None:
    """Its data interval in whole days; a run without logical date has none."""
    start, end = dag_run.data_interval_start, dag_run.data_interval_end
    if start is None or end is None:
        return None
    return Window(start=start.date(), end=end.date()) if start.date() < end.date() else Window.of(start.date())


def run_key(dag_run: "DagRunProtocol") -> str:
    return f"{dag_run.dag_id}/{dag_run.run_id}"


def run_type(dag_run: "DagRunProtocol") -> str:
    return dag_run.run_type.value


def who(dag_run: "DagRunProtocol") -> str:
    """The person who pressed the button, or what did."""
    return dag_run.triggering_user_name or run_type(dag_run)
