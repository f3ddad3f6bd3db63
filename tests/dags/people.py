"""The hands of a person: they answer through Airflow's own API, and time passes when they say so."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG

from nightshift.pipeline import approval_dag

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance


def requests() -> list[str]:
    """The runs of the Dag that asks, oldest first."""
    from airflow.models.dagrun import DagRun

    return [run.run_id for run in sorted(DagRun.find(dag_id="model_approval"), key=lambda run: run.id)]


def gone_on(run_id: str, dag: DAG | None = None) -> "DagRun":
    """A run that stands somewhere, brought as far as it comes without a person, by Airflow's own rules."""
    from airflow.models.dagrun import DagRun
    from airflow.sdk.definitions.dag import _run_task
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.utils.session import create_session

    dag = dag or approval_dag()
    with create_session() as session:
        (run,) = DagRun.find(dag_id=dag.dag_id, run_id=run_id, session=session)
        run.dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
        run.state = "running"
        session.commit()
        while run.state == "running":
            session.expire_all()
            for ti in run.update_state(session=session)[0]:
                ti.try_number += 1
                ti.state = "scheduled"
            session.commit()
            tasks = run.get_task_instances(session=session)
            for ti in tasks:  # Airflow's test runner parks what would wait; its API lets go on what has its answer
                if ti.state == "awaiting_input" and "event" in str(ti.next_kwargs):
                    ti.state = "scheduled"
            session.commit()
            ready = [ti for ti in tasks if ti.state == "scheduled"]
            if not ready and any(ti.state in ("awaiting_input", "up_for_retry") for ti in tasks):
                break
            for ti in ready:
                _run_task(ti=ti, task=dag.task_dict[ti.task_id])
    return run


def task(run_id: str, name: str = "ask") -> "TaskInstance":
    from airflow.models.dagrun import DagRun

    (run,) = DagRun.find(dag_id="model_approval", run_id=run_id)
    (found,) = (ti for ti in run.get_task_instances() if ti.task_id == name)
    return found


def said(run_id: str, name: str, key: str = "return_value") -> Any:
    return task(run_id, name).xcom_pull(task_ids=name, key=key)


def page(run_id: str) -> Any:
    """What is shown to whoever shall answer."""
    from airflow.models.hitl import HITLDetail
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return session.scalars(select(HITLDetail).where(HITLDetail.ti_id == task(run_id).id)).one()


def answer(run_id: str, choice: str, by: str = "ann", reason: str = "", **more: Any) -> None:
    """What the button does; the API takes more than the page does."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.utils.session import create_session

    with create_session() as session:
        update_hitl_detail(
            dag_id="model_approval",
            dag_run_id=run_id,
            task_id="ask",
            update_hitl_detail_payload=UpdateHITLDetailPayload(
                chosen_options=[choice], params_input={"reason": reason} | more
            ),
            user=SimpleAuthManagerUser(username=by, role="admin"),
            session=session,
        )


def answered(run_id: str, choice: str, by: str = "ann", reason: str = "") -> "DagRun":
    answer(run_id, choice, by, reason)
    return gone_on(run_id)


def clear(run_id: str, dag: DAG, *names: str) -> None:
    """What the button of that name does."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import clear_task_instances
    from airflow.utils.session import create_session

    with create_session() as session:
        (run,) = DagRun.find(dag_id=dag.dag_id, run_id=run_id, session=session)
        clear_task_instances([ti for ti in run.get_task_instances(session=session) if ti.task_id in names], session)


def take_for_lost(run_id: str) -> None:
    """What the scheduler does with a task that was answered before it knew that the task waits."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        ti = session.merge(task(run_id))
        assert isinstance(ti, TaskInstance)
        ti.task = approval_dag().get_task("ask")  # type: ignore[assignment]  # it reads retries only
        ti.handle_failure("reported as finished, but it is queued", session=session)
        assert ti.state == "up_for_retry"
        ti.end_date = datetime.now(UTC) - timedelta(minutes=1)  # its delay is over


def mark_done(run_id: str, dag: DAG, name: str) -> None:
    """What *Mark as success* does."""
    from airflow.api.common.mark_tasks import set_state
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState

    known = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    with create_session() as session:
        set_state(
            tasks=[known.get_task(name)],
            run_id=run_id,
            state=TaskInstanceState.SUCCESS,
            commit=True,
            session=session,
        )


def let_time_pass(run_id: str) -> None:
    """Until the answer is due; then the scheduler looks, as it does all the time."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        ti = session.merge(task(run_id))
        assert isinstance(ti, TaskInstance)
        ti.trigger_timeout = datetime.now(UTC) - timedelta(seconds=1)
    scheduler = SchedulerJobRunner(job=Job())  # type: ignore[no-untyped-call]  # Airflow's own gap
    scheduler.check_awaiting_input_timeouts()
