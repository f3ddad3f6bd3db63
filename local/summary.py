"""The short table `make run` ends with."""

from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError

from local.airflow_api import Airflow, answers, fetch
from local.first_nights import DAG, Finished
from local.home import USER
from local.supervision import Services

COUNTS = ("in", "kept", "quarantined", "superseded")
LINE = "  {:<12} {:<12} {:>9} {:>9} {:>12} {:>11}"


def summary(services: Services, done: list[Finished]) -> str:
    airflow = services.airflow
    services.wait(lambda: answers(f"{services.home.mlflow_url}/health"), "MLflow's answer")
    parts = [_records(airflow, done), *(_model(airflow, run) for run in done), _live(services), _where(services)]
    return "\n" + "\n\n".join(parts)


def _records(airflow: Airflow, done: list[Finished]) -> str:
    lines = [LINE.format("", "records", *COUNTS)]
    for run in done:
        refined = airflow.xcom(DAG, run.run, "refine") or {}
        for table, counts in refined.get("rows", {}).items():
            lines.append(LINE.format(run.name, table, *(f"{counts[name]:,}" for name in COUNTS)))
    return "\n".join(lines)


def _model(airflow: Airflow, run: Finished) -> str:
    """What the run trained, and what became of it."""
    trained, verdict = (airflow.xcom(DAG, run.run, task) for task in ("train", "evaluate"))
    if not trained:
        why = airflow.xcom(DAG, run.run, "train", "skipped")
        return f"  {run.name:<12} {run.state}; no training: {why or 'see the log of the task train'}"
    if not verdict:
        return f"  {run.name:<12} {run.state}; version {trained['version']} was trained and not judged"
    lines = [f"  {run.name:<12} {run.state}; version {verdict['version']} was trained, verdict {verdict['verdict']}"]
    lines += [f"{'':<15}{reason}" for reason in verdict["reasons"]]
    lines += [f"{'':<15}{name}: {_plain(number)}" for name, number in verdict["numbers"].items() if number]
    return "\n".join(lines)


def _live(services: Services) -> str:
    try:
        found = fetch(f"{services.home.mlflow_url}/api/2.0/mlflow/registered-models/get?name={DAG}")
    except HTTPError as error:
        if error.code != HTTPStatus.NOT_FOUND:
            raise
        return f"  Model {DAG}: no version yet"
    model = found["registered_model"]
    aliases = sorted(f"{alias['alias']} is version {alias['version']}" for alias in model.get("aliases", []))
    return f"  Model {DAG}: {', '.join(aliases) or 'no champion yet'}"


def _where(services: Services) -> str:
    home, password = services.home, services.airflow.password
    return "\n".join(
        (
            f"  Airflow  {home.airflow_url}/dags/{DAG}   user {USER}, password {password} (kept in {home.passwords})",
            f"  MLflow   {home.mlflow_url}",
            f"  Tables   make sql   ({home.root}/lake)",
        )
    )


def _plain(number: Any) -> str:
    if isinstance(number, dict):
        return ", ".join(f"{name} {_plain(value)}" for name, value in number.items())
    if isinstance(number, list):
        return "; ".join(map(_plain, number))
    return f"{number:.4g}" if isinstance(number, float) else str(number)
