"""Runs, files and models of a workspace, through MLflow's own client and a real MLflow server behind the fake."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test

from local.commands import CannotGoOn
from nightshift import approval, registry
from nightshift.approval import Answer, Outcome, Request
from nightshift.databricks import promotion
from nightshift.databricks.wheel import Wheel
from nightshift.registry import PREVIOUS, Act, Model
from spark_jobs.declare import Place, Refused
from spark_jobs.declare.tags import APPROVAL, CHAMPION, FEATURES, FILES, FITTED, HISTORY, IMPORTED, ROWS, VERDICT
from spark_jobs.declare.unity import UnityClient
from spark_jobs.tracking import Tracking, tracking
from spark_jobs.tracking.digest import digest
from spark_jobs.use_cases import learning
from tests.databricks.address import told
from tests.databricks.fake.server import Workspace, workspace
from tests.elsewhere import mlflow_server
from workspace import bring
from workspace.connected import connected

MODEL = "main.bikes.bike_sharing"
LONG = ",".join(f"column_{number}" for number in range(200))


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with (
        mlflow_server(tmp_path_factory.mktemp("mlflow")) as there,
        workspace(tmp_path_factory.mktemp("workspace"), mlflow=there) as found,
    ):
        yield found


@pytest.fixture
def book(fake: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracking]:
    monkeypatch.setenv("DATABRICKS_HOST", fake.address)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-of-runs")
    place = Place(lake="main.bikes", landing="", tracking="databricks", registry="databricks-uc")
    with tracking(place, learning("bike_sharing")) as found:
        yield found


def model(folder: Path) -> Path:
    import mlflow
    from mlflow.models import infer_signature

    class Twice(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined, misc, unused-ignore] # MLflow's own gap
        def predict(self, context: object, model_input: "pd.DataFrame") -> "pd.DataFrame":  # noqa: ARG002 - MLflow's
            return model_input * 2

    rows = pd.DataFrame({"x": [1.0]})
    needs = ["mlflow"]
    mlflow.pyfunc.save_model(
        folder, python_model=Twice(), signature=infer_signature(rows, rows), pip_requirements=needs
    )
    return folder


@pytest.mark.filterwarnings("ignore")
def test_a_version_is_registered_found_opened_and_known_by_its_run(book: Tracking, tmp_path: Path) -> None:
    run = book.start("train", "", {})
    assert book.versions() == []
    assert book.champion() is None
    labels = {FEATURES: LONG, FITTED: json.dumps({"start": "2024-01-01"}), ROWS: "abc"}
    version = book.register(run, model(tmp_path / "model"), labels, "the first")
    found = book.version_of(run)
    assert found is not None
    assert (str(found.version), found.tags) == (version, labels | {FILES: digest(tmp_path / "model")})
    assert [str(one.version) for one in book.versions()] == [version]
    with book.files_of(version) as folder:
        assert (folder / "MLmodel").exists()
        assert digest(folder) == found.tags[FILES]
    book.challenge(version)
    book.label(version, {ROWS: "def"}, "better words")
    assert book.version(version).tags[ROWS] == "def"
    with pytest.raises(Refused, match="has no version 99"):
        book.version("99")


@pytest.mark.filterwarnings("ignore")
def test_files_of_a_run_come_back_as_they_were(book: Tracking) -> None:
    run = book.start("train", "", {})
    book.client.log_text(run, '{"a": 1}', "looks.json")
    book.client.log_text(run, "below", "plots/a.txt")
    assert book.read_json(run, "looks.json") == {"a": 1}
    assert book.read_json(run, "nothing.json") is None
    assert [file.path for file in book.client.list_artifacts(run, "plots")] == ["plots/a.txt"]


@pytest.mark.filterwarnings("ignore")
def test_promotion_and_roll_back_are_remembered_by_the_model(book: Tracking, tmp_path: Path) -> None:
    for number in range(2):
        run = book.start("train", "", {})
        book.register(run, model(tmp_path / f"model{number}"), {FEATURES: "hour"}, "")
    older, newer = sorted(str(one.version) for one in book.versions())[-2:]
    client = book.client
    act = Act(by="ann", why="better, and much more than " + "very " * 300 + "good", run_key="bike_sharing/1")
    registry.promote(client, MODEL, older, act, judged_against="")
    registry.promote(client, MODEL, newer, Act(by="ann", why="", run_key="bike_sharing/2"), judged_against=older)
    assert Model.read(client, MODEL).champion == newer
    back = Act(by="bo", why="too high", run_key="model_rollback/1")
    entry = registry.roll_back(client, MODEL, PREVIOUS, back, columns=("hour",))
    held = Model.read(client, MODEL)
    assert (entry["to"], held.champion) == (older, older)
    assert "by bo: too high" in held.hold
    assert [one["what"] for one in held.history] == ["promote", "promote", "roll back"]
    assert held.history[0]["why"] == act.why
    registry.release(client, MODEL, Act(by="bo", why="", run_key="model_rollback/2"))
    assert Model.read(client, MODEL).hold == ""
    assert client.get_registered_model(MODEL).aliases[CHAMPION] == older
    assert f"{HISTORY}0004" in client.get_registered_model(MODEL).tags


@pytest.mark.filterwarnings("ignore")
def test_a_person_is_asked_and_what_they_answer_is_remembered(fake: Workspace, book: Tracking, tmp_path: Path) -> None:
    client, name = book.client, "main.asked.bike_sharing"
    asked = replace(book, model=name)
    night = book.start("night", "", {})
    for number in (1, 2):
        run = book.start("train", "", {})
        asked.register(run, model(tmp_path / f"asked{number}"), {FEATURES: "hour"}, "")
        request = Request(
            use_case="bike_sharing",
            version=str(number),
            champion="",
            night=f"bike_sharing/{number}",
            opened={"run": night},
            why="it passed the gate, by much: " + "very " * 300 + "good",
            asked=f"2024-03-0{number}T02:00:00+00:00",
            until="2024-03-09T02:00:00+00:00",
        )
        approval.ask(client, name, request, Act(by="a night", why="", run_key=request.night))
    waits = approval.waiting(Model.read(client, name))
    assert waits == request
    assert json.loads(client.get_model_version(name, "1").tags[APPROVAL])["outcome"] == "superseded"
    answer = Answer.of(Outcome.APPROVED, "ann", "looks right")
    approval.promote(client, name, request, answer, ("hour",))
    approval.close(client, name, request, answer, request.run_key)
    now = Model.read(client, name)
    assert (now.champion, now.waiting) == ("2", "")
    assert [(one["what"], one["by"]) for one in now.history] == [("superseded", "a night"), ("promote", "ann")]
    assert str(approval.closed(client, name, request)).startswith("approved by ann")


@pytest.fixture
def laptop(fake: Workspace, tmp_path: Path) -> Iterator[MlflowClient]:
    """Two versions of which the first was deleted, a champion and how it became one."""
    here = MlflowClient(fake.mlflow.server, fake.mlflow.server)
    number = here.create_experiment(f"wine_quality {tmp_path.name}")
    here.create_registered_model("wine_quality")
    for count in range(3):
        run = here.create_run(number, tags={ROWS: str(count)}, run_name="train").info.run_id
        here.log_metric(run, "rmse", 1.5 + count)
        for number_of in range(110):
            here.log_param(run, f"p{number_of}", number_of)
        verdict = {"verdict": "PROMOTE", "version": str(count + 1), "champion": str(count or "")}
        here.log_dict(run, verdict, "verdict.json")
        here.log_text(run, "passed", "plots/a.txt")
        here.log_artifacts(run, str(model(tmp_path / f"theirs{count}")), "model")
        uri = f"{here.get_run(run).info.artifact_uri}/model"
        here.create_model_version("wine_quality", uri, run, tags={FEATURES: LONG, VERDICT: "PROMOTE"})
        here.set_terminated(run)
    here.delete_model_version("wine_quality", "1")
    act = Act(by="ann", why="the best", run_key="wine_quality/1")
    registry.promote(here, "wine_quality", "2", act, judged_against="")
    registry.promote(here, "wine_quality", "3", Act(by="ann", why="", run_key="wine_quality/2"), judged_against="2")
    yield here
    here.delete_registered_model("wine_quality")


@pytest.mark.filterwarnings("ignore")
def test_a_use_case_moves_again_and_again_without_doubling(
    fake: Workspace, laptop: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", fake.address)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-of-runs")
    place = Place(lake="main.bikes", landing="", tracking="databricks", registry="databricks-uc")
    between = bring.clients(fake.mlflow.server)
    assert bring.carry(between, "wine_quality", place) == (2, {"2": "1", "3": "2"})
    assert bring.carry(between, "wine_quality", place)[0] == 0
    there = Model.read(between[1], "main.bikes.wine_quality")
    assert there.champion == "2"  # one less than here, where the first was deleted
    assert [(one["from"], one["to"]) for one in there.history] == [("", "1"), ("1", "2")]
    run = between[1].get_model_version("main.bikes.wine_quality", "2").run_id
    assert between[1].get_run(run).data.metrics == {"rmse": 3.5}
    assert between[1].get_run(run).data.params == {f"p{number}": str(number) for number in range(110)}
    assert [file.path for file in between[1].list_artifacts(run, "plots")] == ["plots/a.txt"]
    assert promotion.verdict_of(between[1], run) == {"verdict": "PROMOTE", "version": "2", "champion": "1"}
    again = str(laptop.get_model_version("wine_quality", "3").run_id)
    laptop.log_dict(again, {"verdict": "REJECT", "version": "3", "champion": "2"}, "verdict.json")
    laptop.set_model_version_tag("wine_quality", "3", VERDICT, "REJECT")
    bring.carry(between, "wine_quality", place)
    assert between[1].get_model_version("main.bikes.wine_quality", "2").tags[VERDICT] == "REJECT"
    assert promotion.verdict_of(between[1], run) == {"verdict": "REJECT", "version": "2", "champion": "1"}
    own = between[1].get_model_version("main.bikes.wine_quality", "1")
    made = between[1].create_model_version("main.bikes.wine_quality", own.source, own.run_id, tags={FEATURES: "x"})
    between[1].set_registered_model_alias("main.bikes.wine_quality", CHAMPION, str(made.version))
    with pytest.raises(CannotGoOn, match="has a champion of its own, version 3"):
        bring.carry(between, "wine_quality", place)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dies_at", ["log_batch", "log_artifacts", "create_model_version", "set_model_version_tag"])
def test_an_import_that_was_killed_leaves_no_second_run(
    fake: Workspace, laptop: MlflowClient, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", fake.address)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-of-runs")
    place = Place(lake=f"main.killed_at_{dies_at}", landing="", tracking="databricks", registry="databricks-uc")
    here, there = bring.clients(fake.mlflow.server)
    with monkeypatch.context() as killed:
        killed.setattr(UnityClient, dies_at, lambda *_, **__: 1 / 0, raising=False)
        with pytest.raises(ZeroDivisionError):
            bring.carry((here, there), "wine_quality", place)
    bring.carry((here, there), "wine_quality", place)
    experiment = there.get_experiment_by_name(place.experiment("wine_quality"))
    found = there.search_runs([experiment.experiment_id])
    assert sorted(run.data.tags[IMPORTED] for run in found) == sorted(
        str(laptop.get_model_version("wine_quality", number).run_id) for number in ("2", "3")
    )
    newest = there.get_model_version(place.model_name("wine_quality"), "2")
    assert newest.tags[VERDICT] == "PROMOTE"
    assert promotion.verdict_of(there, newest.run_id)["champion"] == "1"


def test_raw_files_are_sent_once(fake: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in told(fake.address, fake.files.root / "volume").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABRICKS_HOST", fake.address)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-of-runs")
    day = tmp_path / "bike_sharing" / "rides" / "2024-01-01"
    day.mkdir(parents=True)
    (day / "rides.csv").write_text("a,b\n1,2\n")
    to = connected()
    assert len(list(bring.send(to, tmp_path))) == 1
    assert len(list(bring.send(to, tmp_path))) == 0
    assert (fake.files.root / "volume/landing/bike_sharing/rides/2024-01-01/rides.csv").read_text() == "a,b\n1,2\n"


@pytest.mark.filterwarnings("ignore")
def test_a_night_of_the_workspace_promotes_what_was_judged_and_nothing_else(
    fake: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", fake.address)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-of-runs")
    place = Place(lake="main.bundled", landing="", tracking="databricks", registry="databricks-uc")
    monkeypatch.setattr("sys.argv", ["nightshift-promote", "main.bundled", "bike_sharing", "17"])
    with tracking(place, learning("bike_sharing")) as book:
        run = book.start("train", "", {})
        version = book.register(run, model(tmp_path / "model"), {FEATURES: "hour"}, "")
        promotion.promote()
        assert capsys.readouterr().out == "Not promoted: nobody has judged it\n"
        verdict = {"verdict": "REJECT", "champion": "", "reasons": ["it is no better"], "version": version}
        book.client.log_dict(run, verdict, "verdict.json")
        promotion.promote()
        assert capsys.readouterr().out == "Not promoted: it is no better\n"
        book.client.log_dict(run, verdict | {"verdict": "PROMOTE"}, "verdict.json")
        promotion.promote()
        promotion.promote()
        found = Model.read(book.client, "main.bundled.bike_sharing")
    assert found.champion == version
    assert [(one["by"], one["run"]) for one in found.history] == [("a night of the workspace", "bundle/17")]
    wheel, wanted = zipfile.ZipFile(BytesIO(Wheel().built())), "nightshift/databricks/promotion.py"
    assert wanted in wheel.namelist()
    assert "nightshift/settings.py" not in wheel.namelist()
