"""The nights as a bundle: the same order and conditions, in a form that Databricks' own reader takes."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from databricks.bundles.jobs import Job

from nightshift.databricks.wheel import Wheel
from nightshift.databricks.workspace import workspace_of
from nightshift.pipeline import dag_of
from nightshift.runners.job import JobOperator
from spark_jobs.declare import Stage, parse
from spark_jobs.use_cases import learning, load, names
from tests.databricks.alone.test_bodies import COMPUTES
from tests.databricks.fake.bodies import contradictions
from workspace.bundle import asked, job, write
from workspace.connected import name_of

every_use_case = pytest.mark.parametrize("name", names())


def told(compute: str) -> dict[str, str]:
    return {"NIGHTSHIFT_CATALOG": "main", "NIGHTSHIFT_SCHEMA": "bikes", "NIGHTSHIFT_COMPUTE": compute}


@every_use_case
@pytest.mark.parametrize("compute", COMPUTES)
def test_each_job_is_one_that_databricks_own_reader_takes(name: str, compute: str) -> None:
    made: Any = job(load(name), workspace_of(told(COMPUTES[compute])))
    Job.from_dict(made)
    assert list(contradictions(made)) == []


def test_that_reader_is_strict() -> None:
    made: Any = job(learning("wine_quality"), workspace_of(told("serverless")))
    with pytest.raises(Exception, match="Unexpected field"):
        Job.from_dict(made | {"nonsense": 1})


@every_use_case
def test_stages_come_in_airflow_s_order(name: str) -> None:
    made = job(load(name), workspace_of(told(COMPUTES["new"])))
    dag, keys = dag_of(load(name)), {task["task_key"] for task in made["tasks"]}

    def before(stage: str) -> set[str]:
        """The nearest that are in the bundle: other acts lie between, and nothing waits for a profile."""
        found: set[str] = set()
        for task in dag.get_task(stage).upstream_list:
            here = isinstance(task, JobOperator) or task.task_id in keys
            found |= {task.task_id} if here else before(task.task_id)
        return found - {Stage.PROFILE}

    for task in made["tasks"]:
        assert {one["task_key"] for one in task.get("depends_on", [])} == before(task["task_key"])


@every_use_case
def test_every_stage_reads_its_words_once_the_days_are_filled_in(name: str) -> None:
    tasks = job(load(name), workspace_of(told(COMPUTES["new"])))["tasks"]
    for task in [one for one in tasks if one["task_key"] in list(Stage)]:
        argv = [_filled(word) for word in task["python_wheel_task"]["parameters"]]
        place, read = parse(argv)
        assert (str(read.stage), read.use_case) == (task["task_key"], name)
        assert (place.lake, place.registry) == ("main.bikes", "databricks-uc")


def test_a_night_promotes_unless_a_person_is_to_be_asked() -> None:
    use_case, workspace = learning("bike_sharing"), workspace_of(told(COMPUTES["new"]))
    (promotion,) = [one for one in job(use_case, workspace)["tasks"] if one["task_key"] == "promote"]
    assert promotion["python_wheel_task"]["parameters"][1:] == ["bike_sharing", "{{job.run_id}}"]
    asked = job(replace(use_case, approval=True), workspace)["tasks"]
    assert "promote" not in [one["task_key"] for one in asked]
    (score,) = [one for one in asked if one["task_key"] == "score"]
    assert score["depends_on"] == [{"task_key": "features"}, {"task_key": "evaluate"}]


def _filled(word: str) -> str:
    days = {"{{job.parameters.start}}": "2024-01-01", "{{job.parameters.end}}": "2024-01-02"}
    names = {"${var.catalog}": "main", "${var.schema}": "bikes", "${var.volume}": "/Volumes/main/bikes/nightshift"}
    for old, new in (days | names).items():
        word = word.replace(old, new)
    return word


def test_a_bundle_has_one_file_for_each_use_case_and_says_how_each_target_gets_its_code(tmp_path: Path) -> None:
    said = "\n".join(asked(told(COMPUTES["new"]) | {"TO": str(tmp_path)}))
    assert {path.stem for path in tmp_path.rglob("*.yml")} == {"databricks", *names()}
    there = "NIGHTSHIFT_SCHEMA=bikes_dev NIGHTSHIFT_VOLUME=/Volumes/main/bikes_dev/nightshift"
    assert f"For -t dev: {there} make databricks-up deploy" in said


def test_what_airflow_runs_often_a_workspace_runs_by_night_over_a_day_that_is_over_and_says_so(tmp_path: Path) -> None:
    said = list(write(tmp_path, workspace_of(told(COMPUTES["new"]))))
    assert [line for line in said if "by night" in line] == [
        "  iot_devices runs by night: every 10 minutes is Airflow's"
    ]
    made = job(load("iot_devices"), workspace_of(told(COMPUTES["new"])))
    assert made["schedule"]["quartz_cron_expression"] == "0 0 2 * * ?"
    assert "--until" not in json.dumps(made["tasks"])


def test_development_shares_nothing_with_production_which_has_one_copy(tmp_path: Path) -> None:
    elsewhere = {"NIGHTSHIFT_VOLUME": "/Volumes/main/raw/files/nights"}
    list(write(tmp_path, workspace_of(told(COMPUTES["new"]) | elsewhere)))
    root: dict[str, Any] = json.loads((tmp_path / "databricks.yml").read_text())
    dev, prod = root["targets"]["dev"], root["targets"]["prod"]
    assert dev["variables"] == {
        "catalog": "main",
        "schema": "bikes_dev",
        "volume": "/Volumes/main/bikes_dev/nightshift",
    }
    assert prod["variables"] == {"catalog": "main", "schema": "bikes", "volume": "/Volumes/main/raw/files/nights"}
    # Databricks' command line refuses a target in production that does not say it.
    assert (prod["mode"], prod["workspace"]) == (
        "production",
        {"root_path": "/Workspace/Shared/.bundle/nightshift/main.bikes"},
    )
    written = "".join(path.read_text() for path in tmp_path.rglob("*.yml"))
    assert set(re.findall(r"\$\{(.*?)\}", written)) == {f"var.{name}" for name in root["variables"]}


def test_what_serverless_cannot_have_is_left_out_and_said(tmp_path: Path) -> None:
    list(write(tmp_path, workspace_of(told(COMPUTES["new"]))))
    (said,) = [line for line in write(tmp_path, workspace_of(told("serverless"))) if "left out" in line]
    assert "bike_sharing" in said
    assert "candidate linear" in said
    assert {path.stem for path in tmp_path.rglob("*.yml")} == {"databricks", *names()} - {"bike_sharing"}


def test_the_usage_policy_is_the_job_s(tmp_path: Path) -> None:
    made = job(learning("wine_quality"), workspace_of(told("serverless") | {"NIGHTSHIFT_USAGE_POLICY": "a-policy"}))
    assert made["budget_policy_id"] == "a-policy"
    Job.from_dict(cast(Any, made))


@pytest.mark.parametrize("before", ["", "[dev ann] "])
def test_whose_runs_are_at_work_can_be_told_by_the_name_of_a_job(before: str) -> None:
    read = name_of(before + _filled(str(job(learning("bike_sharing"), workspace_of(told(COMPUTES["new"])))["name"])))
    assert (read.stage, read.wheel) == ("main.bikes bike_sharing night", Wheel().code)
    assert read.wheel in Wheel().name
    assert name_of("somebody's job").stage == name_of(None).stage == ""


def test_score_runs_once_there_are_features_whatever_became_of_the_training() -> None:
    tasks = {
        one["task_key"]: one for one in job(learning("bike_sharing"), workspace_of(told(COMPUTES["new"])))["tasks"]
    }
    assert {key: task["run_if"] for key, task in tasks.items() if "run_if" in task} == {"score": "AT_LEAST_ONE_SUCCESS"}
