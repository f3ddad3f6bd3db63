"""Whole Dag runs by Airflow's own rules, in this process, and what can be read of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from nightshift.pipeline import dag_of
from spark_jobs.declare import UseCase

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

Tell = Callable[..., None]
Calls = Callable[[], list[dict[str, Any]]]

ALONE = [
    pytest.mark.usefixtures("airflow", "home"),
    pytest.mark.filterwarnings("ignore"),  # Airflow runs tasks in this process, with all its own warnings
]
WITH_PEOPLE = [*ALONE, pytest.mark.usefixtures("nobody_was_asked")]


def run_of(use_case: UseCase, conf: dict[str, Any] | None = None) -> "DagRun":
    run: DagRun = dag_of(use_case).test(run_conf=conf or {})
    return run


def states(run: "DagRun") -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}


def told(run: "DagRun", task: str, key: str = "return_value") -> Any:
    (ti,) = (ti for ti in run.get_task_instances() if ti.task_id == task)
    return ti.xcom_pull(task_ids=task, key=key)
