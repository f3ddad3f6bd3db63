"""A range and a night through the real scheduler, triggerer and provider, whose jobs the fake workspace really runs."""

from itertools import pairwise

import pytest

from local.first_nights import all_of_them
from tests.databricks.standing import Standing
from tests.end_to_end.conftest import DAYS
from tests.end_to_end.scheduler import DAG

pytestmark = pytest.mark.timeout(1500)
JOBS = ["ingest", "refine", "features", "train", "evaluate", "score"]


@pytest.fixture(scope="module")
def runs(nights: Standing) -> list[str]:
    """The first range and the night after it."""
    return [one.run for one in all_of_them(nights.scheduler.services, DAYS)]


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
    assert f"{nights.workspace.address}/jobs/" in log
    assert nights.workspace.address in nights.scheduler.airflow.xcom(DAG, runs[0], "ingest", "databricks_run")
    assert f"{nights.workspace.address}/ml/experiments/" in log


def test_no_secret_is_in_a_log_an_xcom_or_a_request(nights: Standing, runs: list[str]) -> None:
    told = "".join(path.read_text(errors="replace") for path in nights.scheduler.home.airflow.rglob("logs/**/*.log"))
    asked = "".join(f"{one.path}{one.query}{one.json}" for one in nights.workspace.asked)
    assert "dapi-" not in told + asked
