"""What needs no Spark and runs inside the Airflow task."""

import logging
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError

from nightshift import links, registry, tracking_runs
from nightshift.beginnings import run_key, started, who
from nightshift.endings import failing_in_words, skip
from nightshift.mlflow_server import mlflow_client
from nightshift.plan import Form, Plan, fields_of, nights_left_out, plan_of, why_not_now
from nightshift.settings import CHECKOUT, settings
from spark_jobs.declare import Stage, Tables, UseCase
from spark_jobs.use_cases import learning

log = logging.getLogger(__name__)
Result = dict[str, Any]
STAGES = tuple(map(str, Stage))


class ActOperator(BaseOperator):
    """A function of the task's context."""

    def __init__(self, *, act: Callable[[Context], Result], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.act = act

    def execute(self, context: Context) -> Result:
        with failing_in_words(context):
            return self.act(context)


class RunOperator(ActOperator):
    """An act that belongs to a run in MLflow."""

    operator_extra_links = (links.MlflowRun(),)


class ModelOperator(ActOperator):
    """An act on a registered model."""

    operator_extra_links = (links.MlflowModel(),)


def check(use_case: Tables, context: Context) -> Result:
    """Refuse what cannot work before anything exists; return the plan."""
    begun = started(use_case, context)
    form = Form.of(context["dag_run"].conf or {}, fields_of(use_case))
    plan = plan_of(use_case, begun, form, today=datetime.now(UTC).date())
    log.info("A run of kind %s", plan.name)
    if not_now := why_not_now(use_case, plan, begun):
        skip(context, not_now)
    if left_out := nights_left_out(use_case, begun):
        most = use_case.most_missed.days
        log.warning("One night makes up for %s missed ones; use the form for %s more before them", most, left_out)
    if isinstance(use_case, UseCase):
        _check_model(use_case, plan)
    return plan.to_dict()


def _check_model(use_case: UseCase, plan: Plan) -> None:
    log.info("Trains: %s; may promote: %s", plan.retrain, plan.may_promote)
    with mlflow_client() as client:
        name = model_name(use_case)
        if version := plan.version or registry.Model.read(client, name).champion:
            registry.check_columns(client, name, version, use_case.features.columns)


def open_run(use_case: Tables, context: Context) -> Result:
    """One MLflow run per Dag run; those left open by Dag runs that are over end here."""
    plan = planned(context)
    with mlflow_client() as client:
        opened = tracking_runs.open_run(client, use_case.name, plan, settings().place, code_version())
        links.show(context, opened)

        def is_over(key: str) -> bool:
            return key != plan.run_key and dag_run_is_over(context, key)

        for name in tracking_runs.end_left_open(client, opened["experiment"], is_over):
            log.warning("Ended the MLflow run %r, left open by a Dag run that is over", name)
    return {**opened, "owner": uuid4().hex}  # what this Dag run begins elsewhere is known by it, whatever its name


def promote(use_case: UseCase, context: Context) -> Result:
    """Move the alias champion to the version this Dag run trained, if the gate and the plan allow it."""
    links.show(context, said(context, "open_run"))
    plan, verdict, name = planned(context), said(context, "evaluate"), model_name(use_case)
    act = registry.Act(by=plan.by, why=plan.said_why, run_key=plan.run_key)
    with mlflow_client() as client:
        refused = why_not(plan, verdict, registry.Model.read(client, name))
        if refused or plan.approval:
            skip(context, refused or f"version {verdict['version']} passed the gate; the task ask asks a person for it")
        entry = registry.promote(client, name, verdict["version"], act, judged_against=verdict["champion"])
    log.info("Champion of %s is version %s (before: %s)", name, entry["to"], entry["from"] or "none")
    return entry


def close_run(end_left: Callable[[Context], None], context: Context) -> Result:
    """End the MLflow run with the true status; a Dag run with a failed task fails here."""
    end_left(context)
    links.show(context, opened := said(context, "open_run"))
    results = {stage: result for stage in STAGES if (result := said(context, stage))}
    failed = _failed_tasks(context)
    error = f"failed: {', '.join(failed)}" if failed else ""
    with mlflow_client() as client:
        tracking_runs.write(client, opened["run"], results)
        tracking_runs.end(client, opened["experiment"], opened["run"], error=error)
    if error:
        raise AirflowFailException(error)
    return {"stages": sorted(results)}


def roll_back(context: Context) -> Result:
    """The form of the Dag model_rollback."""
    form, dag_run = context["params"], context["dag_run"]
    use_case = learning(form["model"])
    name, columns = model_name(use_case), use_case.features.columns
    act = registry.Act(by=who(dag_run), why=form["reason"], run_key=run_key(dag_run))
    with mlflow_client() as client:
        if form["action"] == registry.RELEASE:
            entry = registry.release(client, name, act)
        else:
            entry = registry.roll_back(client, name, str(form["version"]), act, columns=columns)
    links.show_model(context, name)
    log.info("%s of %s: the champion is version %s, before it was %s", entry["what"], name, entry["to"], entry["from"])
    return entry


def model_name(use_case: Tables) -> str:
    return settings().place.model_name(use_case.name)


def code_version() -> str:
    """The commit this checkout stands on, where it is one."""
    git = shutil.which("git")
    command = [git or "git", "-C", str(CHECKOUT), "describe", "--always", "--dirty"]
    said = subprocess.run(command, capture_output=True, text=True, check=False) if git else None
    return said.stdout.strip() if said and said.returncode == 0 else tracking_runs.UNKNOWN


def dag_run_is_over(context: Context, key: str) -> bool:
    dag_id, _, run_id = key.partition("/")
    try:
        return context["ti"].get_dagrun_state(dag_id, run_id) in ("success", "failed")
    except AirflowRuntimeError as error:
        if (error.error.detail or {}).get("status_code") != HTTPStatus.NOT_FOUND:
            raise
        return True  # somebody deleted it


def why_not(plan: Plan, verdict: Result, model: registry.Model) -> str:
    if verdict["verdict"] != "PROMOTE":
        return f"version {verdict['version']} is not promoted: {'; '.join(verdict.get('reasons', []))}"
    if not plan.may_promote:
        return f"version {verdict['version']} may be promoted, but this {plan.kind} run may not do it"
    return model.held


def _failed_tasks(context: Context) -> list[str]:
    """Those that failed themselves, not those that only waited for them."""
    ti = context["ti"]
    states = ti.get_task_states(ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
    failed, waited = ([task for task in sorted(states) if states[task] == how] for how in ("failed", "upstream_failed"))
    return failed or waited


def planned(context: Context) -> Plan:
    return Plan.from_dict(said(context, "check"))


def said(context: Context, task: str) -> Result:
    result: Result | None = context["ti"].xcom_pull(task_ids=task)
    return result or {}
