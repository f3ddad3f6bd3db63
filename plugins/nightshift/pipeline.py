"""UseCase -> Dag: the only place that knows the order of a night."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from airflow.sdk import DAG, Context, CronDataIntervalTimetable, TriggerRule, chain

from nightshift import acts, approval, asking, form, often, page, publishing, registry, serverless
from nightshift.acts import ActOperator, ModelOperator, Result, RunOperator
from nightshift.asking import AskOperator, RequestOperator
from nightshift.runners import RUNNERS
from nightshift.runners.job import JobOperator
from nightshift.settings import settings
from spark_jobs.declare import Stage, Tables, UseCase

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # no back-fill reaches further
MANY = 100  # far more than there are models
OWNER = {"owner": "nightshift"}

ACT: dict[str, Any] = {"retries": 2, "retry_delay": timedelta(seconds=15), "execution_timeout": timedelta(minutes=10)}
JOB: dict[str, Any] = {"retries": 2, "retry_delay": timedelta(seconds=30), "execution_timeout": timedelta(hours=2)}
# A job that needs what the Dag of another use case makes is tried again until it is there, and holds no slot meanwhile.
WAITING_JOB = JOB | {"retries": 40}
LONG_JOB = JOB | {"execution_timeout": timedelta(hours=6)}


def dag_of(use_case: Tables) -> DAG:
    """Every use case that learns gets the same tasks on every target, and so does every one that ends in tables."""
    if isinstance(use_case, UseCase):
        serverless.refuse(use_case, settings().workspace)
    with DAG(
        dag_id=use_case.name,
        schedule=CronDataIntervalTimetable(often.cron(use_case.every), timezone="UTC"),
        start_date=EPOCH,
        catchup=False,  # a night makes up for the nights before it
        # Runs of one use case would only wait for each other's stages; of those a slow one held up the newest is made.
        max_active_runs=1,
        default_args=OWNER,
        params=form.of_a_use_case(use_case),
        doc_md=page.of(use_case),
        tags=["use case"],
    ) as dag:
        _night(use_case) if isinstance(use_case, UseCase) else _tables(use_case)
    return dag


def roll_back_dag(models: list[str]) -> DAG:
    """Where a person restores an earlier champion, and later lets nights promote again."""
    with DAG(
        dag_id="model_rollback",
        schedule=None,
        max_active_runs=1,
        default_args=OWNER,
        params=form.of_a_roll_back(models),
        doc_md=page.OF_A_ROLL_BACK,
        tags=["registry"],
    ) as dag:
        _act(ModelOperator, "roll_back", acts.roll_back, pool=registry.POOL)
    return dag


def approval_dag() -> DAG:
    """Where a version that passed the gate waits for a person, for days if need be, and holds nobody up."""
    with DAG(
        dag_id=approval.DAG,
        schedule=None,
        max_active_runs=MANY,  # each waits by itself, and one that is superseded has to begin anew to end
        is_paused_upon_creation=False,  # nights start it; while it is paused nobody is asked
        default_args=OWNER,
        doc_md=page.OF_APPROVALS,
        tags=["registry"],
    ) as dag:
        _act(ActOperator, "close_former", asking.close_former)
        answer = AskOperator(task_id=asking.ASK, **ACT)
        chain(answer, _act(ModelOperator, "promote", asking.promote, pool=registry.POOL))
    return dag


def _tables(use_case: Tables) -> None:
    check, opened, close = _around(use_case)
    chain(check, opened, *(_job(use_case, stage) for stage in use_case.stages), close)


def _around(use_case: Tables) -> tuple[ActOperator, ActOperator, ActOperator]:
    """What every night begins and ends with."""
    check = _act(ActOperator, "check", partial(acts.check, use_case))
    opened = _act(RunOperator, "open_run", partial(acts.open_run, use_case))
    close = _act(RunOperator, "close_run", partial(acts.close_run, RUNNERS[settings().target].end_left))
    opened.as_setup()  # type: ignore[no-untyped-call]  # Airflow's own gap
    close.as_teardown(setups=opened, on_failure_fail_dagrun=True)
    return check, opened, close


def _night(use_case: UseCase) -> None:
    check, opened, close = _around(use_case)
    features = _job(use_case, Stage.FEATURES)
    promote = _act(RunOperator, "promote", partial(acts.promote, use_case), pool=registry.POOL)
    # Once there are features, the champion of that moment scores, whatever became of the training. No rule of
    # Airflow's says this (all_done_min_one_success counts a skipped training as not done), so the task checks it.
    score = _job(use_case, Stage.SCORE, needs=Stage.FEATURES, trigger_rule=TriggerRule.ALL_DONE)
    # Only then is a person asked, in a Dag of its own: neither this night nor the next one waits for the answer.
    asked = partial(asking.ask, use_case)
    ask = _act(RequestOperator, asking.ASK, asked, pool=registry.POOL, trigger_rule=TriggerRule.ALL_DONE)

    chain(check, opened, _job(use_case, Stage.INGEST), _job(use_case, Stage.REFINE), features)
    chain(features, _job(use_case, Stage.TRAIN), _job(use_case, Stage.EVALUATE), promote, score)
    chain(features, score, ask, close)
    if use_case.profile:  # beside the training; nothing waits for it but the end of the night
        chain(features, _job(use_case, Stage.PROFILE), close)
    if use_case.publish_to:  # once the night is scored, which does not wait for another registry
        published = partial(publishing.publish, use_case, use_case.publish_to)
        chain(score, _act(RunOperator, "publish", published, trigger_rule=TriggerRule.ALL_DONE), close)


def _act(kind: type[ActOperator], name: str, act: Callable[[Context], Result], **more: Any) -> ActOperator:
    return kind(task_id=name, act=act, **ACT | more)


def _job(use_case: Tables, stage: Stage, **more: Any) -> JobOperator:
    told = settings()
    arguments = LONG_JOB if stage is Stage.TRAIN else JOB
    if stage is Stage.INGEST and use_case.reads:
        arguments = WAITING_JOB
    return RUNNERS[told.target](
        stage=stage,
        use_case=use_case.name,
        pool=told.pool,
        max_active_tis_per_dag=1,  # one writer: nights, ranges and back-fills together
        **arguments | more,
    )
