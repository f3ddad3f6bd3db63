"""Runs, files and models of a workspace, through MLflow's own client and a real MLflow server behind the fake."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pandas as pd
import pytest

from engine.running import answers, free_port
from local.places import SPARK
from nightshift import registry
from nightshift.registry import PREVIOUS, Act, Model
from spark_jobs.declare import Place, Refused
from spark_jobs.declare.tags import CHAMPION, FEATURES, FITTED, HISTORY, ROWS
from spark_jobs.tracking import Tracking, tracking
from spark_jobs.use_cases import load
from tests.databricks.fake.server import Workspace, workspace

MODEL = "main.bikes.bike_sharing"
LONG = ",".join(f"column_{number}" for number in range(200))


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--artifacts-destination", str(folder)]
    command = [
        str(SPARK / "bin" / "mlflow"),
        "server",
        *options,
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as server:
        deadline = time.monotonic() + 90
        while not answers(port):
            assert time.monotonic() < deadline, "MLflow did not start"
            time.sleep(0.2)
        with workspace(tmp_path_factory.mktemp("workspace"), mlflow=f"http://127.0.0.1:{port}") as found:
            yield found
        subprocess.run(["kill", "--", f"-{server.pid}"], check=False)  # noqa: S607 - with its workers


@pytest.fixture
def book(fake: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracking]:
    monkeypatch.setenv("DATABRICKS_HOST", fake.address)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-of-runs")
    place = Place(lake="main.bikes", landing="", tracking="databricks", registry="databricks-uc")
    with tracking(place, load("bike_sharing")) as found:
        yield found


def model(folder: Path) -> Path:
    import mlflow
    from mlflow.models import infer_signature

    class Twice(mlflow.pyfunc.PythonModel):  # type: ignore[misc] # MLflow's own gap
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
    assert (str(found.version), found.tags) == (version, labels)
    assert [str(one.version) for one in book.versions()] == [version]
    with book.files_of(version) as folder:
        assert (folder / "MLmodel").exists()
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
    assert cast(str, held.history[0]["why"]) == act.why
    registry.release(client, MODEL, Act(by="bo", why="", run_key="model_rollback/2"))
    assert Model.read(client, MODEL).hold == ""
    assert client.get_registered_model(MODEL).aliases[CHAMPION] == older
    assert f"{HISTORY}0004" in client.get_registered_model(MODEL).tags
