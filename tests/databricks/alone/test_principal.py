"""Nights of a service principal: its id and secret fetch the tokens, over TLS, as the provider and the SDK want it."""

import os
from collections.abc import Iterator

import pytest

from nightshift.databricks import credentials
from nightshift.settings import settings
from spark_jobs.declare import Unreachable
from tests.databricks.address import connection
from tests.databricks.alone.authority import AUTHORITY
from tests.databricks.alone.conftest import Task, as_task
from tests.databricks.alone.test_once import Began, Tell
from tests.databricks.fake.server import Workspace, workspace

HTTPS = 443  # the provider fetches tokens from there, whatever port the connection names
NAME, SECRET = "an-id", "a-secret"


@pytest.fixture
def fake(fake: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The same workspace, behind another door."""
    try:
        with workspace(fake.files.root, port=HTTPS, certificate=AUTHORITY.certificate) as found:
            found.runs.environments = fake.runs.environments
            found.tokens.clear()  # but for those it gives
            found.clients[NAME] = SECRET
            monkeypatch.setenv("AIRFLOW_CONN_DATABRICKS_DEFAULT", connection(found.address, SECRET, NAME))
            yield found
    except PermissionError:
        pytest.skip(f"this machine lets only root listen on port {HTTPS}")


def test_a_stage_runs_with_tokens_that_its_id_and_secret_fetched(fake: Workspace) -> None:
    task = Task()
    assert task.resume(task.begin()) == {"rows": {"rides": 24}}
    used = {one.headers["authorization"] for one in fake.asked if one.path.startswith("/api/")}
    assert len(used) <= 4  # one of each of us who ask, not one for each question
    assert all(one.startswith(f"Bearer of-{NAME}-") for one in used)


def test_a_token_that_runs_out_while_its_run_is_watched_is_fetched_anew(
    fake: Workspace, tell: Tell, began: Began
) -> None:
    fake.lasts = 1
    tell(wait=3)
    task = Task()
    assert task.resume(task.begin()) == {"rows": {"rides": 24}}
    assert len(began()) == 1


def test_the_secret_is_in_no_request_but_the_one_for_a_token(fake: Workspace) -> None:
    task = Task()
    deferred = task.begin()
    assert SECRET not in str(deferred.trigger.serialize()) + str(deferred.kwargs)
    task.resume(deferred)
    assert SECRET not in str([(one.path, one.query, one.body) for one in fake.asked])
    assert SECRET not in str([run.body for run in fake.runs.all.values()]) + str(task.xcoms)


def test_a_secret_that_is_wrong_is_said_to_be(fake: Workspace) -> None:
    fake.clients[NAME] = "another one"
    task = Task()
    with as_task(task.context), pytest.raises(Unreachable, match="credentials of the connection databricks_default"):
        task.operator.run([*settings().place.argv(), "ingest"])
    assert fake.runs.all == {}


def test_acts_are_let_in_by_the_same_connection(fake: Workspace) -> None:
    with credentials.known("databricks_default"):
        from databricks.sdk import WorkspaceClient

        assert WorkspaceClient().current_user.me().user_name == "ann@example.org"
    assert not [name for name in os.environ if name.startswith("DATABRICKS_")]
