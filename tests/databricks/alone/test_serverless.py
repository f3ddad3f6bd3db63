"""What serverless cannot have is refused when Dags are loaded, with the way out."""

from dataclasses import replace

import pytest

from nightshift import form
from nightshift.pipeline import dag_of
from spark_jobs.declare import BadRequest
from spark_jobs.use_cases import learning
from tests.databricks.alone.conftest import Task
from tests.databricks.fake.server import Workspace


@pytest.fixture
def serverless(fake: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("NIGHTSHIFT_COMPUTE", "serverless")
    return fake


def test_a_model_that_serverless_cannot_keep_is_refused_before_anything_runs(serverless: Workspace) -> None:
    with pytest.raises(BadRequest) as refused:
        dag_of(learning("bike_sharing"))
    assert "candidate linear" in str(refused.value)
    assert "name a cluster, or take it out" in str(refused.value)
    assert serverless.asked == []


def test_without_it_the_use_case_runs_serverless(serverless: Workspace) -> None:
    assert dag_of(replace(learning("bike_sharing"), needs_classic=())).task_ids


def test_one_that_is_fitted_on_request_only_is_not_offered(
    serverless: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines = learning("predictive_maintenance")
    assert "also" not in form.of_a_use_case(machines)
    assert dag_of(machines).task_ids
    monkeypatch.delenv("NIGHTSHIFT_COMPUTE")
    monkeypatch.setenv("NIGHTSHIFT_COMPUTE", "0923-164208-meows279")
    assert "also" in form.of_a_use_case(machines)


def test_a_serverless_run_really_runs(serverless: Workspace) -> None:
    task = Task()
    assert task.resume(task.begin()) == {"rows": {"rides": 24}}
