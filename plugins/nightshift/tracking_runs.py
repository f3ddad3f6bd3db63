"""The one MLflow run of a Dag run: found or made, and ended with the true status."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nightshift.plan import Plan
from spark_jobs.declare import Conflict, Place
from spark_jobs.declare.tags import CODE, DELTA, ERROR, REASONS, RUN_KEY, SOURCE, VERDICT, WINDOW

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PARENT = "mlflow.parentRunId"
NOTE = "mlflow.note.content"
USER, COMMIT = "mlflow.user", "mlflow.source.git.commit"
STARTER, STARTER_TYPE = "mlflow.source.name", "mlflow.source.type"
UNKNOWN = "unknown"  # what a checkout without git says of its code
KIND = {"mlflow.experimentKind": "custom_model_development"}  # else MLflow's pages speak of traces and prompts
MANY = 1000


def open_run(client: "MlflowClient", use_case: str, plan: Plan, place: Place, code: str) -> dict[str, str]:
    """Find this Dag run's MLflow run, or make it."""
    number = _experiment(client, place.experiment(use_case))
    tags = {RUN_KEY: plan.run_key, WINDOW: str(plan.window), SOURCE: place.source, CODE: code, NOTE: plan.reason}
    tags |= {USER: plan.by, STARTER: f"Airflow: {plan.run_key}", STARTER_TYPE: "JOB"}  # MLflow shows these by itself
    tags |= {COMMIT: code} if code != UNKNOWN else {}
    found = _search(client, number, f"tags.`{RUN_KEY}` = '{plan.run_key}'")
    # Made with its tags in one call, so that a retry finds it.
    run = found[0] if found else client.create_run(number, tags=tags, run_name=plan.name)
    if found:
        _reopen(client, run, tags)
    return {"run": str(run.info.run_id), "experiment": number, "tracking": place.tracking}


def _reopen(client: "MlflowClient", run: "Run", tags: Mapping[str, str]) -> None:
    client.update_run(run.info.run_id, status="RUNNING")
    for name, value in tags.items():
        client.set_tag(run.info.run_id, name, value)
    if ERROR in run.data.tags:
        client.delete_tag(run.info.run_id, ERROR)


def end_left_open(client: "MlflowClient", experiment: str, is_over: Callable[[str], bool]) -> list[str]:
    """End runs, and their children, whose Dag runs ended without doing so; return their names."""
    left = [
        run
        for run in _search(client, experiment, "attributes.status = 'RUNNING'")
        if RUN_KEY in run.data.tags and is_over(run.data.tags[RUN_KEY])
    ]
    for run in left:
        end(client, experiment, run.info.run_id, error="left open by a Dag run that is over")
    return [str(run.info.run_name) for run in left]


def end(client: "MlflowClient", experiment: str, run_id: str, *, error: str = "") -> None:
    """A child that is still open lost its job, so it failed whatever became of its parent."""
    for child in _search(client, experiment, f"tags.`{PARENT}` = '{run_id}'"):
        if child.info.status == "RUNNING":
            end(client, experiment, child.info.run_id, error="its job ended before it did")
    if error:
        client.set_tag(run_id, ERROR, error)
    client.set_terminated(run_id, "FAILED" if error else "FINISHED")


def write(client: "MlflowClient", run_id: str, results: Mapping[str, Mapping[str, Any]]) -> None:
    """What the stages returned: rows as metrics, Delta versions and the verdict as tags."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = [Metric(name, value, now, 0) for name, value in rows_of(results)]
    client.log_batch(run_id, metrics=metrics[:MANY])
    for name, value in tags_of(results).items():
        client.set_tag(run_id, name, value)


def rows_of(results: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    for stage, result in results.items():
        yield from _numbers(stage, result.get("rows"))


def _numbers(name: str, counted: object) -> Iterator[tuple[str, float]]:
    if isinstance(counted, dict):
        for key, value in counted.items():
            yield from _numbers(f"{name}.{key}", value)
    elif isinstance(counted, int | float):
        yield name, float(counted)


def tags_of(results: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    tags = {
        f"{DELTA}{stage}.{table}": str(version)
        for stage, result in results.items()
        for table, version in result.get("inputs", {}).items()
    }
    if verdict := results.get("evaluate"):
        tags |= {VERDICT: verdict["verdict"], REASONS: "; ".join(verdict.get("reasons", []))[:4000]}
    return tags


def _experiment(client: "MlflowClient", name: str) -> str:
    from mlflow.exceptions import MlflowException

    if known := client.get_experiment_by_name(name):
        return str(known.experiment_id)
    try:
        return str(client.create_experiment(name, tags=KIND))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        raise Conflict(f"experiment {name} was made by somebody else in this moment") from error


def _search(client: "MlflowClient", experiment: str, condition: str) -> list["Run"]:
    return list(client.search_runs([experiment], condition, max_results=MANY))
