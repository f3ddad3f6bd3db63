"""A range and a night through the real scheduler, triggerer and provider, whose jobs the fake workspace really runs."""

import json
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test
from pyspark.sql import SparkSession
from pyspark.testing import assertDataFrameEqual

from local.first_nights import all_of_them
from spark_jobs.declare import Job, Place, Stage, Window
from spark_jobs.declare.tags import CHAMPION, HOLD
from spark_jobs.lakehouse import Lake
from spark_jobs.use_cases import learning
from tests.databricks.nights.laptop import place_of, range_of, said_by
from tests.databricks.standing import Standing, spark_of
from tests.end_to_end.conftest import DAYS
from tests.end_to_end.scheduler import DAG

pytestmark = pytest.mark.timeout(1500)
ROLL_BACK = "model_rollback"
MACHINES = "predictive_maintenance"
JOBS = ["ingest", "refine", "features", "train", "evaluate", "score"]
OF_A_RUN = {
    "first_scored",
    "scored_at",
    "loaded_at",
    "model_version",
}  # what another run of the same may have otherwise


@pytest.fixture(scope="module")
def runs(nights: Standing) -> list[str]:
    """The first range and the night after it."""
    return [one.run for one in all_of_them(nights.scheduler.services, DAYS)]


@pytest.fixture(scope="module")
def spark(nights: Standing) -> Iterator[SparkSession]:
    with spark_of(nights) as found:
        yield found


def test_a_range_and_a_night_do_everything_as_on_a_laptop(nights: Standing, runs: list[str]) -> None:
    for run in runs:
        states = nights.scheduler.states(run)
        wrong = [task for task, state in states.items() if state not in ("success", "skipped")]
        assert wrong == [], "\n".join(nights.scheduler.log(run, task) for task in wrong)
        assert all(states[task] == "success" for task in JOBS)
    assert nights.scheduler.result(runs[0], "evaluate")["verdict"] == "PROMOTE"
    assert nights.scheduler.result(runs[0], "promote")["to"] == "1"


def test_each_stage_was_one_run_and_asked_for_once_a_poll(nights: Standing, runs: list[str]) -> None:
    names = [run.body["run_name"] for run in nights.workspace.runs.all.values()]
    assert len(names) == len(set(names)) == len(runs) * len(JOBS)
    for times in nights.workspace.runs.polls.values():
        pauses = [later - earlier for earlier, later in pairwise(times[1:])]
        assert all(pause > 4.5 for pause in pauses), pauses  # the first question is where its page is


def test_the_log_of_a_task_holds_what_its_job_said_and_where_it_ran(nights: Standing, runs: list[str]) -> None:
    log = nights.scheduler.log(runs[0], "ingest")
    assert f"ingest of {DAG} for" in log
    assert str(nights.client.config.host) in nights.scheduler.airflow.xcom(DAG, runs[0], "ingest", "databricks_run")
    assert f"{nights.client.config.host}/ml/experiments/" in log


def test_no_secret_is_in_a_log_an_xcom_or_a_request(nights: Standing, runs: list[str]) -> None:
    logs = [path.read_text(errors="replace") for path in nights.scheduler.home.airflow.rglob("logs/**/*.log")]
    assert f"ingest of {DAG} for" in "".join(logs)
    asked = [f"{one.path}{one.query}{one.json}" for one in nights.workspace.asked]
    assert "dapi-" not in "".join([*logs, *asked, *kept(nights, runs)])


def kept(nights: Standing, runs: list[str]) -> Iterator[str]:
    """What Airflow's database holds of these runs: every XCom, and what a task's page shows of its arguments."""
    for run in runs:
        for task in nights.scheduler.airflow.tasks(DAG, run):
            yield json.dumps(task["rendered_fields"])
            path = f"/dags/{DAG}/dagRuns/{quote(run)}/taskInstances/{task['task_id']}/xcomEntries"
            for one in nights.scheduler.airflow.call("GET", path)["xcom_entries"]:
                yield json.dumps(nights.scheduler.airflow.xcom(DAG, run, task["task_id"], one["key"]))


def test_what_the_target_adds_to_a_run_is_little(nights: Standing, runs: list[str]) -> None:
    """Beyond the run itself, at a poll every five seconds."""
    for run in runs:
        tasks = {one["task_id"]: one for one in nights.scheduler.airflow.tasks(DAG, run)}
        for task in JOBS:
            there, here = seconds_there(nights, run, task), float(tasks[task]["duration"])
            print(f"{run} {task}: {here:.1f} s in Airflow, {there:.1f} s in the workspace")
            assert here - there < 10


def seconds_there(nights: Standing, run: str, task: str) -> float:
    number = nights.scheduler.airflow.xcom(DAG, run, task, "databricks_run").rpartition("/")[2]
    found = nights.workspace.runs.all[int(number)]
    return found.ended - found.began


@pytest.fixture(scope="module")
def laptop(nights: Standing, runs: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, dict[str, Any]]:
    """The same range there, and what each stage said."""
    place = place_of(nights, tmp_path_factory.mktemp("laptop"))
    return place, range_of(nights, place, nights.scheduler.window(runs[0]))


def test_rows_and_verdict_are_those_of_a_laptop(
    nights: Standing, runs: list[str], laptop: tuple[Place, dict[str, Any]]
) -> None:
    here = laptop[1]
    there: dict[str, Any] = {stage: nights.scheduler.result(runs[0], stage) for stage in JOBS}
    for stage in ("ingest", "refine", "features"):
        assert there[stage]["rows"] == here[stage]["rows"]
    for one in (there, here):
        for name in ("nightshift", "inputs", "stage", "run_id", "version"):
            one["evaluate"].pop(name, None)
    assert there["evaluate"] == here["evaluate"]


def test_tables_are_those_of_a_laptop(
    nights: Standing, runs: list[str], spark: SparkSession, laptop: tuple[Place, dict[str, Any]]
) -> None:
    lakes = [Lake(spark, place.lake, DAG) for place in (nights.place, laptop[0])]
    within = f"day < DATE'{nights.scheduler.window(runs[0]).end}'"
    for layer, name in (("silver", "rides"), ("gold", "features"), ("gold", "labels")):
        two = [lake.table(layer, name).read().where(within) for lake in lakes]
        assertDataFrameEqual(two[0], two[1])


def test_a_roll_back_and_its_release_reach_the_workspace_s_registry(nights: Standing, runs: list[str]) -> None:
    client = MlflowClient(nights.workspace.mlflow.server, nights.workspace.mlflow.server)
    name = f"{nights.place.lake}.{DAG}"
    champion = str(client.get_registered_model(name).aliases[CHAMPION])
    other = "1" if champion == "2" else "2"
    form = {"action": "roll back", "model": DAG, "version": other, "reason": "a test wants the other one"}
    run = nights.scheduler.trigger(form, dag=ROLL_BACK)
    assert nights.scheduler.finished(run, ROLL_BACK) == "success", nights.scheduler.log(run, "roll_back", dag=ROLL_BACK)
    entry = nights.scheduler.result(run, "roll_back", ROLL_BACK)
    assert (entry["from"], entry["to"]) == (champion, other)
    assert str(client.get_registered_model(name).aliases[CHAMPION]) == other
    run = nights.scheduler.trigger(form | {"action": "release the hold"}, dag=ROLL_BACK)
    assert nights.scheduler.finished(run, ROLL_BACK) == "success"
    assert HOLD.replace(".", "__") not in client.get_registered_model(name).tags


def test_a_range_of_five_tables_leaves_there_what_it_leaves_on_a_laptop(
    nights: Standing, spark: SparkSession, tmp_path: Path
) -> None:
    window = Window(start=date(2024, 3, 1), end=date(2024, 3, 4))
    days = {"first_day": "2024-03-01", "last_day": "2024-03-03", "retrain": "never"}
    run = nights.scheduler.trigger(days, dag=MACHINES)
    assert nights.scheduler.finished(run, MACHINES) == "success", nights.scheduler.states(run, MACHINES)
    place = place_of(nights, tmp_path)
    stages = (Stage.INGEST, Stage.REFINE, Stage.FEATURES)
    here = {stage: said_by(nights, place, Job(stage=stage, use_case=MACHINES, window=window)) for stage in stages}
    assert nights.scheduler.result(run, Stage.INGEST, MACHINES)["rows"] == here[Stage.INGEST]["rows"]
    assert len(nights.scheduler.result(run, Stage.REFINE, MACHINES)["rows"]) == 5
    there, laptop = (Lake(spark, lake, MACHINES) for lake in (nights.place.lake, place.lake))
    # A last night, which Airflow adds there, tells of machines anew, and makes more labels mature.
    tables = [("silver", table.name) for table in learning(MACHINES).tables if table.name != "machines"]
    for layer, name in (*tables, ("gold", "features")):
        two = [lake.table(layer, name).read().where(f"day < DATE'{window.end}'") for lake in (there, laptop)]
        assert two[0].count() > 0
        assert two[0].exceptAll(two[1]).isEmpty(), f"{layer}/{name}"
        assert two[1].exceptAll(two[0]).isEmpty(), f"{layer}/{name}"
