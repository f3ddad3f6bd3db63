"""MLflow away for a while is waited for; MLflow away for good is one clear error, with nothing half done."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.declare import Unreachable, tags
from spark_jobs.tracking import Tracking
from tests.spark import tiny


class Server:
    """A real MLflow server on the database of the test, which can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
        self.folder = folder
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db"]
        command += ["--artifacts-destination", f"{self.folder}/artifacts"]
        with (self.folder / "server.log").open("ab") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)

    def stop(self, *_: Any, **__: Any) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@contextmanager
def stopped(server: Server) -> Iterator[Server]:
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(world: tiny.World) -> Iterator[Server]:
    """The world speaks to it as jobs do; it has yet to be started."""
    with stopped(Server(world.folder)) as found:
        world.place = replace(world.place, tracking=found.address, registry=found.address)
        yield found


@pytest.mark.long
def test_a_server_that_is_still_starting_is_waited_for(world: tiny.World, server: Server) -> None:
    world.fill(tiny.facts(62))
    server.start()
    assert world.train(60)["version"] == "1"
    assert world.evaluate(60, "1")["verdict"] == "PROMOTE"
    world.crown("1")
    assert world.score(1, first=61)["rows"] == {"gold/predictions": {"scored": 24}}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_away_for_good_is_named(world: tiny.World, server: Server) -> None:
    world.fill(tiny.facts(60))
    says = f"MLflow at {server.address} does not answer: start it"
    with pytest.raises(Unreachable, match=says):
        world.train(60)
    with pytest.raises(Unreachable, match=says):
        world.evaluate(60, "1")
    with pytest.raises(Unreachable, match=says):
        world.score(60)


@pytest.mark.long  # servers that start and go away, and the waits for them
@pytest.mark.parametrize("where", ["register", "challenge"])
def test_a_server_that_goes_away_in_the_middle_leaves_nothing_half_done(
    world: tiny.World, server: Server, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    world.fill(tiny.facts(60))
    server.start()
    real = getattr(Tracking, where)

    def without_server(self: Tracking, *given: Any) -> Any:
        server.stop()
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        return real(self, *given)

    parent = world.parent()
    with monkeypatch.context() as patch, pytest.raises(Unreachable):
        patch.setattr(Tracking, where, without_server)
        world.train(60, run=parent)
    registered = world.client.search_model_versions("name = 'tiny'")
    assert len(registered) == (1 if where == "challenge" else 0)
    assert all(tags.DUE in version.tags and tags.FITTED in version.tags for version in registered)
    assert all(model.aliases == {} for model in world.client.search_registered_models())
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")
    server.start()
    assert world.train(60, run=parent)["version"] == "1"
    assert len(world.client.search_model_versions("name = 'tiny'")) == 1
