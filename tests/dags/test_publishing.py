"""The champion of a night goes into another registry, a real server; what fails there takes nothing from the night."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nightshift import pipeline
from nightshift.databricks import credentials
from nightshift.pipeline import dag_of
from nightshift.publishing import login_of, signed_in
from spark_jobs.declare import BadDeclaration, BadRequest, Elsewhere
from spark_jobs.declare.tags import CHAMPION, FEATURES, FILES, IMPORTED
from spark_jobs.tracking.digest import digest
from spark_jobs.use_cases import learning
from tests.dags.runs import ALONE, Tell, run_of, states, told
from tests.databricks.address import TOKEN, connection
from tests.databricks.fake.server import workspace
from tests.elsewhere import mlflow_server

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytestmark = ALONE
BIKES = learning("bike_sharing")
COLUMN = json.dumps([{"name": "hour", "type": "double"}])
MODEL = {"flavors": {}, "signature": {"inputs": COLUMN, "outputs": COLUMN}}  # which a catalog asks for
AWAY = "http://127.0.0.1:9"
LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("there")) as found:
        yield found


@pytest.fixture
def trained(mlflow: "MlflowClient", tell: Tell, home: Path) -> "MlflowClient":
    """Version 1, which no night has promoted yet; the next one will, and scores."""
    files = home / "files"
    (files / "data").mkdir(parents=True)
    (files / "data" / "model").write_text("boosted")
    (files / "MLmodel").write_text(json.dumps(MODEL))
    run = mlflow.create_run(mlflow.create_experiment("other", (home / "artifacts").as_uri())).info
    mlflow.log_artifacts(run.run_id, str(files), "model")
    mlflow.create_registered_model("bike_sharing")
    labels = {FEATURES: "hour,temp", FILES: digest(files)}
    mlflow.create_model_version("bike_sharing", f"{run.artifact_uri}/model", run.run_id, tags=labels)
    verdict = {"verdict": "PROMOTE", "version": "1", "champion": "", "reasons": ["rmse 40 beats 50"]}
    tell("evaluate", result=verdict)
    tell("score", result={"version": "1", "rows": {"predictions": 24}})
    return mlflow


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One try."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setitem(pipeline.ACT, "retries", 0)


def night(to: Elsewhere, conf: dict[str, Any] | None = None) -> Any:
    return run_of(replace(BIKES, publish_to=to), conf)


def test_what_a_night_promotes_is_published_once_and_aliases_go_where_they_are_declared(
    trained: "MlflowClient", address: str
) -> None:
    from mlflow import MlflowClient

    run = night(Elsewhere(to=address))
    assert (run.state, states(run)["publish"]) == ("success", "success")
    assert {name: told(run, "publish")[name] for name in ("version", "new", "aliases")} == {
        "version": "1",
        "new": True,
        "aliases": ["champion"],
    }
    there = MlflowClient(address, address)
    assert there.get_model_version("bike_sharing", "1").tags[IMPORTED] == (
        trained.get_model_version("bike_sharing", "1").run_id
    )
    again = night(Elsewhere(to=address, aliases=("production",)), {"retrain": "never"})
    assert (told(again, "publish")["new"], told(again, "publish")["aliases"]) == (False, ["champion", "production"])
    assert len(there.search_model_versions("name = 'bike_sharing'")) == 1


def test_a_night_publishes_into_a_schema_with_what_airflow_s_side_has(
    trained: "MlflowClient", address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with workspace(tmp_path / "workspace", mlflow=address) as fake:
        monkeypatch.setenv("AIRFLOW_CONN_COMPANY", connection(fake.address, TOKEN))
        trained.set_registered_model_alias("bike_sharing", CHAMPION, "1")
        run = night(Elsewhere(to="databricks-uc:main.models", connection="company"), {"retrain": "never"})
        asked = [one for one in fake.asked if one.path.endswith("model-versions/finalize")]
    assert (run.state, told(run, "publish", "failed")) == ("success", None)
    assert told(run, "publish")["model"] == "main.models.bike_sharing"
    assert len(asked) == 1
    assert TOKEN not in json.dumps([told(run, task) for task in states(run)])


@pytest.mark.usefixtures("impatient")
def test_a_registry_that_is_away_leaves_scores_and_a_red_night(trained: "MlflowClient") -> None:
    run = night(Elsewhere(to=AWAY))
    assert [states(run)[task] for task in ("promote", "score", "publish", "close_run")] == [
        *("success", "success", "failed", "failed")
    ]
    assert run.state == "failed"
    assert told(run, "publish", "failed").startswith(f"{AWAY} does not answer: see that it is up")
    assert told(run, "score")["rows"] == {"predictions": 24}
    written = trained.get_run(told(run, "open_run")["run"])
    assert written.data.tags["nightshift.error"] == "failed: publish"
    assert written.data.metrics["score.predictions"] == 24


@pytest.mark.usefixtures("impatient")
def test_nothing_is_published_without_a_champion_and_by_runs_that_may_not_promote(mlflow: "MlflowClient") -> None:
    run = night(Elsewhere(to=AWAY))
    assert (run.state, told(run, "publish", "skipped")) == ("success", "no champion yet")
    run = night(Elsewhere(to=AWAY), {"may_promote": "no"})
    says = "this form run may not promote, so it publishes nothing either"
    assert (run.state, told(run, "publish", "skipped")) == ("success", says)


def test_a_night_that_is_refused_at_its_start_publishes_nothing(trained: "MlflowClient") -> None:
    trained.set_registered_model_alias("bike_sharing", CHAMPION, "1")
    assert states(night(Elsewhere(to=AWAY), {"first_day": "2024-01-01"}))["publish"] == "upstream_failed"


@pytest.mark.usefixtures("impatient")
def test_a_connection_that_is_not_there_is_told_before_anybody_is_asked(trained: "MlflowClient") -> None:
    run = night(Elsewhere(to=AWAY, connection="company"))
    assert (states(run)["publish"], states(run)["score"]) == ("failed", "success")
    assert told(run, "publish", "failed") == (
        "connection company: is not in this Airflow: make it there, or name another one in publish_to"
    )


def made(monkeypatch: pytest.MonkeyPatch, **given: str) -> None:
    """The connection `company`; its password is its `word`."""
    told = {"password" if name == "word" else name: text for name, text in given.items()}
    monkeypatch.setenv("AIRFLOW_CONN_COMPANY", json.dumps({"conn_type": "http", **told}))


def test_a_login_is_that_of_the_connection_for_as_long_as_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    to = Elsewhere(to="https://mlflow.example.org/ours", connection="company")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "of-this-side")
    made(monkeypatch, host="https://mlflow.example.org", login="ann", word="of-ann")
    assert login_of(to) == {"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": "of-ann"}
    with signed_in(to):
        assert [os.environ.get(name) for name in LOGIN] == ["ann", "of-ann", None]
    assert [os.environ.get(name) for name in LOGIN] == [None, None, "of-this-side"]
    with signed_in(Elsewhere(to="https://mlflow.example.org")):
        assert [os.environ.get(name) for name in LOGIN] == [None, None, None]
    made(monkeypatch, word="a-token")
    assert login_of(to) == {"MLFLOW_TRACKING_TOKEN": "a-token"}
    made(monkeypatch, login="ann")
    with pytest.raises(BadRequest, match="connection company: has no login"):
        login_of(to)
    made(monkeypatch, host="other.example.org", login="ann", word="of-ann")
    with pytest.raises(BadRequest, match=r"is of other\.example\.org, and its login is not sent to https://mlflow"):
        login_of(to)


def test_in_a_workspace_it_is_the_workspace_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_HOST", raising=False)
    monkeypatch.setenv("DATABRICKS_TOKEN", "of-this-side")
    made(monkeypatch, host="adb.example.org", schema="https", word="dapi-of-theirs")
    with signed_in(Elsewhere(to="databricks-uc:main.models", connection="company")):
        assert [os.environ.get(name) for name in credentials.SEEN[:2]] == ["https://adb.example.org", "dapi-of-theirs"]
    assert [os.environ.get(name) for name in credentials.SEEN[:2]] == [None, "of-this-side"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"to": "https://ann:secret@mlflow.example.org"}, "publish_to: is an address alone"),
        ({"to": "mlflow.example.org"}, "publish_to: is the address of an MLflow"),
        ({"to": "databricks-uc:main.models"}, "publish_to: databricks-uc:main.models needs connection="),
        ({"to": "https://mlflow.example.org", "aliases": ("Champion",)}, "publish_to: aliases are lower-case words"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(BadDeclaration, match=says):
        Elsewhere(**given)


def test_a_use_case_that_publishes_trains_no_more_often_for_it_and_others_have_no_such_task() -> None:
    to = Elsewhere(to="https://mlflow.example.org")
    assert repr(replace(BIKES, publish_to=to)) == repr(BIKES)
    assert "publish" not in dag_of(BIKES).task_ids
    dag = dag_of(replace(BIKES, publish_to=to))
    assert "published to `https://mlflow.example.org`" in str(dag.doc_md)
    assert "published" not in str(dag_of(BIKES).doc_md)
    assert dag.get_task("publish").upstream_task_ids == {"score"}
    assert "publish" in dag.get_task("close_run").upstream_task_ids
    assert dag.get_task("score").upstream_task_ids == dag_of(BIKES).get_task("score").upstream_task_ids
