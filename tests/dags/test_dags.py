"""Every Dag loads, lightly, and keeps the house rules."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from airflow.sdk import DAG, CronDataIntervalTimetable, TriggerRule
from airflow.serialization.serialized_objects import DagSerialization

from nightshift.acts import ActOperator
from nightshift.pipeline import approval_dag, dag_of, roll_back_dag
from nightshift.runners.job import JobOperator
from spark_jobs.declare import BadDeclaration, BadRequest, Stage
from spark_jobs.use_cases import discover, learning, that_learn

ROOT = Path(__file__).parents[2]
USE_CASES, MODELS = discover(), that_learn()
STAGES = ["ingest", "refine", "features", "train", "evaluate"]
NIGHT = ["check", "open_run", *STAGES, "promote", "score", "ask", "close_run"]

IN_A_WORKSPACE = {
    "SPARK_TARGET": "databricks",
    "NIGHTSHIFT_CATALOG": "main",
    "NIGHTSHIFT_SCHEMA": "bikes",
    "NIGHTSHIFT_COMPUTE": "0923-164208-meows279",
}
LOOKED_AT = [name for name, use_case in MODELS.items() if use_case.profile]

every_use_case = pytest.mark.parametrize("name", USE_CASES)
every_model = pytest.mark.parametrize("name", MODELS)


def dag(name: str) -> DAG:
    return dag_of(USE_CASES[name])


def night_of(name: str) -> list[str]:
    if name not in MODELS:
        return ["check", "open_run", "ingest", "refine", "report", "close_run"]
    return [*NIGHT, "profile"] if name in LOOKED_AT else NIGHT


def in_a_fresh_process(code: str, **env: str) -> str:
    """Runs code as Airflow would: plugins and checkout on the path, nothing imported yet."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT}/plugins"} | env
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@every_use_case
def test_each_use_case_has_a_dag_file_of_its_own_that_airflow_looks_at(name: str) -> None:
    file = ROOT / "dags" / f"{name}.py"
    text = file.read_text()
    assert "dag" in text.lower()
    assert "airflow" in text.lower()
    assert len([line for line in text.splitlines() if line]) <= 6


@every_use_case
def test_a_dag_tells_people_what_it_does_and_survives_being_stored(name: str) -> None:
    made = dag(name)
    use_case = USE_CASES[name]
    assert made.dag_id == name
    for said in (use_case.summary, use_case.grain, "simulated", "http://127.0.0.1:5000"):
        assert said in str(made.doc_md)
    stored = DagSerialization.from_dict(DagSerialization.to_dict(made))
    assert sorted(stored.task_ids) == sorted(night_of(name))
    buttons = {task.task_id: list(task.operator_extra_link_dict) for task in stored.tasks}
    special = {"check": [], "ask": ["MLflow run", "Approval"]}  # check: there is no run yet
    special |= {task: ["MLflow run", "Report"] for task in ("report", "score")}
    assert buttons == {task: special.get(task, ["MLflow run"]) for task in night_of(name)}


def test_a_roll_back_leads_to_the_model_it_was_about() -> None:
    stored = DagSerialization.from_dict(DagSerialization.to_dict(roll_back_dag(list(MODELS))))
    assert [list(task.operator_extra_link_dict) for task in stored.tasks] == [["MLflow model"]]


def test_many_may_wait_for_a_person_at_once_and_whoever_asks_is_tried_again() -> None:
    made = approval_dag()
    assert (made.max_active_runs, made.is_paused_upon_creation) == (100, False)
    assert {task.task_id: sorted(task.upstream_task_ids) for task in made.tasks} == {
        "close_former": [],
        "ask": [],
        "promote": ["ask"],
    }
    stored = DagSerialization.from_dict(DagSerialization.to_dict(made))
    assert list(stored.get_task("ask").operator_extra_link_dict) == ["MLflow model"]
    assert {(task.retries, task.execution_timeout is None) for task in made.tasks} == {(2, False)}


def test_one_that_ends_in_tables_has_the_tasks_it_needs_and_the_fields_it_can_use() -> None:
    made = dag("iot_devices")
    tasks = {task.task_id: sorted(task.upstream_task_ids) for task in made.tasks}
    assert tasks == {
        "check": [],
        "open_run": ["check"],
        "ingest": ["open_run"],
        "refine": ["ingest"],
        "report": ["refine"],
        "close_run": ["open_run", "report"],
    }
    assert list(made.params) == ["first_day", "last_day", "reason"]
    assert "makes its reports" in str(made.doc_md)


def test_the_page_leads_to_the_pictures_where_there_are_any(home: Path) -> None:
    page = str(dag("iot_devices").doc_md)
    assert "press **Report** on the newest run of the task\n[report](/dags/iot_devices/tasks/report)." in page
    assert f"`{home}/lake/iot_devices/export/report.html`" in page
    assert "pictures" not in str(dag("bike_sharing").doc_md)


@every_model
def test_a_night_has_one_order(name: str) -> None:
    reviewed = {
        "check": [],
        "open_run": ["check"],
        "ingest": ["open_run"],
        "refine": ["ingest"],
        "features": ["refine"],
        "train": ["features"],
        "evaluate": ["train"],
        "promote": ["evaluate"],
        "score": ["features", "promote"],
        "ask": ["score"],
        "close_run": ["ask", "open_run"],
    }
    if name in LOOKED_AT:  # beside the training, and nothing but the end of the night waits for it
        reviewed |= {"profile": ["features"], "close_run": ["ask", "open_run", "profile"]}
    assert {task.task_id: sorted(task.upstream_task_ids) for task in dag(name).tasks} == reviewed


@every_use_case
def test_a_dag_makes_up_for_missed_nights_by_itself_and_runs_one_at_a_time(name: str) -> None:
    made = dag(name)
    assert (made.catchup, made.max_active_runs) == (False, 1)
    reviewed = {"iot_devices": "*/10 * * * *"}.get(name, "0 2 * * *")
    assert made.timetable == CronDataIntervalTimetable(reviewed, timezone="UTC")


@every_use_case
def test_each_stage_has_one_writer_and_keeps_to_the_pool(name: str) -> None:
    jobs = [task for task in dag(name).tasks if isinstance(task, JobOperator)]
    assert sorted(job.task_id for job in jobs) == sorted({*night_of(name)} & set(Stage))
    assert {(job.pool, job.pool_slots, job.max_active_tis_per_dag) for job in jobs} == {("spark", 1, 1)}


@every_model
def test_whatever_changes_the_registry_runs_alone(name: str) -> None:
    of_a_night = [dag(name).get_task(task) for task in ("promote", "ask")]
    changing = [*of_a_night, roll_back_dag([name]).get_task("roll_back"), approval_dag().get_task("promote")]
    assert {task.pool for task in changing} == {"registry"}


@every_use_case
def test_each_task_is_tried_again_soon_and_not_for_ever(name: str) -> None:
    for task in dag(name).tasks:
        waits = task.task_id == "ingest" and USE_CASES[name].reads is not None  # 20 minutes, for the one it reads
        assert task.retries == (40 if waits else 2)
        assert task.retry_delay.total_seconds() <= 30
        assert task.execution_timeout is not None
        assert isinstance(task, ActOperator | JobOperator)


@every_use_case
def test_a_run_is_closed_whatever_happened_and_is_red_if_anything_failed(name: str) -> None:
    opened, close = dag(name).get_task("open_run"), dag(name).get_task("close_run")
    assert (opened.is_setup, close.is_teardown, close.on_failure_fail_dagrun) == (True, True, True)


@every_model
def test_score_waits_for_the_training_and_not_for_its_success(name: str) -> None:
    (score,) = (task for task in dag(name).tasks if isinstance(task, JobOperator) and task.stage is Stage.SCORE)
    assert (score.trigger_rule, score.needs) == (TriggerRule.ALL_DONE, "features")


def test_of_these_use_cases_people_look_at_the_data() -> None:
    assert LOOKED_AT == ["census_income", "wine_quality"]


@every_use_case
def test_an_untouched_form_is_valid(name: str) -> None:
    dag(name).params.validate()


BLOCKED = """
import json, socket, sqlite3, sys
BANNED = {"pyspark", "pandas", "mlflow", "numpy", "delta", "xgboost", "sklearn", "optuna", "matplotlib"}
BANNED |= {"aiohttp", "databricks"}
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BANNED:
            raise ImportError(f"{name} must not be imported while Dags load")
sys.meta_path.insert(0, Blocked())
from airflow.dag_processing.dagbag import DagBag
import airflow.sdk, airflow.settings
def never(*args, **kwargs):
    raise AssertionError("loading Dags must not connect")
socket.socket.connect = sqlite3.connect = never
airflow.settings.engine.dialect.connect = never
found = {}
import importlib.util
from pathlib import Path
for file in sorted(Path("ROOT/dags").glob("*.py")):
    spec = importlib.util.spec_from_file_location(f"dag_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found[module.dag.dag_id] = len(module.dag.tasks)
print(json.dumps(found))
print(sorted(BANNED & {name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize("told", [{}, IN_A_WORKSPACE], ids=["local", "databricks"])
def test_loading_every_dag_needs_no_spark_no_pandas_no_mlflow_no_network_and_no_database(told: dict[str, str]) -> None:
    found, banned = in_a_fresh_process(BLOCKED.replace("ROOT", str(ROOT)), **told).splitlines()[-2:]
    assert json.loads(found) == {
        **{name: len(night_of(name)) for name in USE_CASES},
        "model_rollback": 1,
        "model_approval": 3,
    }
    assert banned == "[]"


AS_AIRFLOW = """
from airflow.dag_processing.dagbag import DagBag
bag = DagBag("ROOT/dags")
from airflow import plugins_manager
errors = plugins_manager.get_import_errors()
print("\\nFound", sorted(bag.dags), bag.import_errors, errors)
"""


def test_airflow_itself_finds_the_dags_and_takes_no_module_of_ours_for_a_plugin(airflow: None) -> None:
    said = in_a_fresh_process(AS_AIRFLOW.replace("ROOT", str(ROOT)))
    assert said.splitlines()[-1] == f"Found {sorted([*USE_CASES, 'model_rollback', 'model_approval'])} {{}} {{}}"


def test_a_target_that_is_told_too_little_is_an_error_on_the_dags_page_and_no_other_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPARK_TARGET", "databricks")
    with pytest.raises(BadRequest, match="NIGHTSHIFT_COMPUTE: says what jobs run on, and is not guessed: set it"):
        dag(next(iter(USE_CASES)))


@every_use_case
def test_in_a_workspace_there_are_the_same_tasks_in_the_same_order(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = dag(name)
    for setting, value in IN_A_WORKSPACE.items():
        monkeypatch.setenv(setting, value)
    there = dag(name)
    assert {task.task_id: sorted(task.downstream_task_ids) for task in there.tasks} == {
        task.task_id: sorted(task.downstream_task_ids) for task in here.tasks
    }
    assert {task.task_id: task.retries for task in there.tasks} == {task.task_id: task.retries for task in here.tasks}
    stored = DagSerialization.from_dict(DagSerialization.to_dict(there))
    assert list(stored.get_task("ingest").operator_extra_link_dict) == ["MLflow run", "Databricks run"]


def test_the_page_of_a_reader_says_whose_tables_it_reads() -> None:
    assert "- `samples`: 13 columns of [wine_quality](/dags/wine_quality), which brings it in" in str(
        dag("wine_score").doc_md
    )
    assert "which brings it in" not in str(dag("wine_quality").doc_md)


def test_a_table_that_its_owner_withdrew_is_an_error_on_the_dags_page_of_the_reader_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = MODELS["wine_quality"]
    others = (replace(owner.table("samples"), name="wines"),)
    withdrawn = replace(owner, tables=others, labels=replace(owner.labels, clock="wines"))
    monkeypatch.setattr("spark_jobs.use_cases.wine_quality.use_case.USE_CASE", withdrawn)
    with pytest.raises(BadDeclaration, match="wine_score reads samples of wine_quality, which declares wines: put it"):
        learning("wine_score")
    assert dag_of(learning("wine_quality")).dag_id == "wine_quality"


def test_the_page_says_what_to_know_of_models_made_from_public_data(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "perfect forecast" not in str(dag("bike_sharing").doc_md)
    monkeypatch.setenv("NIGHTSHIFT_SOURCE", "public")
    assert "Source: **public** (perfect forecast:" in str(dag("bike_sharing").doc_md)
    assert "Source: **public**." in str(dag("predictive_maintenance").doc_md)
