"""How a run that takes predictions may end, and what the person who waits for it is told: what runs is tiny."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.commands import CannotGoOn
from local.home import Home
from tests.databricks.address import told
from tests.databricks.fake.server import Workspace, workspace
from tests.databricks.tiny import deployed
from workspace.connected import connected
from workspace.predictions import Predictions


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def fake(tmp_path: Path, environments: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    volume = tmp_path / "workspace" / "volume"
    with workspace(tmp_path / "workspace") as found:
        settings = told(found.address, volume) | {"DATABRICKS_HOST": found.address, "DATABRICKS_TOKEN": "dapi-of-runs"}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        deployed(found, volume / "wheels", environments)
        yield found


@pytest.fixture
def taken(fake: Workspace) -> Callable[..., int]:
    """`taken(wait=60)`: what the run will do."""

    def taken(**what: Any) -> int:
        folder = fake.files.root / "volume"
        (folder / "take.json").write_text(json.dumps(what))
        of = Predictions(to=connected(), home=Home(root=folder), use_case="bike_sharing", numbers={"1": "1"})
        return of.taken(f"{folder}/import")

    return taken


def begun(fake: Workspace) -> Any:
    while not fake.runs.all:
        threading.Event().wait(0.05)
    return next(iter(fake.runs.all.values()))


def test_what_it_says_last_is_how_many_are_new(taken: Callable[..., int]) -> None:
    assert taken(last=['{"nightshift": 1, "rows": 7}', "a line of the workspace's own"]) == 7


@pytest.mark.parametrize("how", ["CANCELED", "TIMEDOUT"])
def test_a_run_that_somebody_or_its_time_ended_is_said_to_be(
    fake: Workspace, taken: Callable[..., int], how: str
) -> None:
    ender = threading.Thread(target=lambda: fake.runs.end(begun(fake), how))
    ender.start()
    with pytest.raises(CannotGoOn, match=f"did not bring the predictions of bike_sharing: {how}"):
        taken(wait=60)
    ender.join()


def test_one_that_fails_and_one_without_a_result_are_too(taken: Callable[..., int]) -> None:
    with pytest.raises(CannotGoOn, match="Task score failed"):
        taken(error="no")
    with pytest.raises(CannotGoOn, match="it said no result"):
        taken(last=[])


def test_whoever_stops_waiting_ends_the_run_before_its_files_go(
    fake: Workspace, taken: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("databricks.sdk.service.jobs.JobsAPI.wait_get_run_job_terminated_or_skipped", stopped)
    with pytest.raises(KeyboardInterrupt):
        taken(wait=60)
    assert begun(fake).result == "CANCELED"
