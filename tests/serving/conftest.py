"""Services that tests ask over HTTP, each in a thread, with a registry of their own."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn

from serving.app import Service
from serving.champion import Champion
from serving.connection import heard
from serving.doors import Doors
from serving.keeping import Kept
from serving.keys import Keys, new
from serving.settings import Limits
from serving.watching import Watch
from tests.serving.shelf import Shelf
from tests.spark.conftest import THIRD_PARTY


def pytest_configure(config: pytest.Config) -> None:
    for line in (*THIRD_PARTY,):
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture(scope="session")
def full_shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Two versions of a model, the first of them champion."""
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    for threshold in (0.4, 0.6):
        shelf.add("census_income", threshold=threshold)
    shelf.crown("census_income", "1")
    return shelf


@pytest.fixture
def shelf(full_shelf: Shelf, tmp_path: Path) -> Shelf:
    """The same, with aliases of its own."""
    shutil.copy(full_shelf.folder / "mlflow.db", tmp_path / "mlflow.db")
    return Shelf(tmp_path)


def until(happens: Callable[[], object], what: str = "what this test is about") -> None:
    """However slow the machine is; but not for ever."""
    end = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < end, f"it was waited for in vain: {what}"
        time.sleep(0.01)


class Client(requests.Session):
    """Of one address, with a key."""

    def __init__(self, address: str, key: str = "") -> None:
        super().__init__()
        self.address = address
        if key:
            self.headers["Authorization"] = f"Bearer {key}"

    def request(self, method: Any, url: Any, *rest: Any, **more: Any) -> requests.Response:
        return super().request(method, f"{self.address}{url}", *rest, **{"timeout": 60, **more})


class Asked:
    """A service and a client of it that has a key."""

    def __init__(
        self,
        shelf: Shelf,
        *names: str,
        limits: Limits | None = None,
        version: str = "",
        watch: Watch | None = None,
    ) -> None:
        self.keys = shelf.folder / "keys"
        self.key = new(self.keys, "tester")
        self.champions = {name: champion(shelf, name, version) for name in names or ("census_income",)}
        for one in self.champions.values():
            one.start()
        doors = Doors(keys=Keys(self.keys), limits=limits or Limits())
        self.service = Service(champions=self.champions, doors=doors, watch=watch)
        self.server = uvicorn.Server(heard(self.service, port=0, log_level="error"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        until(lambda: self.server.started, "the service listens")
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.client = Client(f"http://127.0.0.1:{port}", self.key)

    def end(self) -> None:
        self.server.should_exit = True
        self.thread.join()

    def predict(self, rows: Any, name: str = "census_income", **more: Any) -> Any:
        return self.client.post(f"/v1/models/{name}:predict", json={"rows": rows, **more})


def champion(shelf: Shelf, name: str, version: str = "") -> Champion:
    return Champion(model=name, place=shelf.place, kept=Kept(shelf.folder / "kept" / name), version=version)


@dataclass
class Acting:
    """A model that does as it is told before it answers."""

    model: Any
    act: Callable[[Any], Any]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def score_batch(self, *given: Any) -> Any:
        return self.act(self.model.score_batch(*given))


def acts(asked: Asked, act: Callable[[Any], Any]) -> None:
    one = asked.champions["census_income"]
    assert one.live is not None
    one.live = replace(one.live, model=Acting(one.live.model, act))  # type: ignore[arg-type] # acts as one


class Held:
    """A model that answers once it is let go."""

    def __init__(self, asked: Asked) -> None:
        self.go, self.calls = threading.Event(), list[int]()
        acts(asked, self)

    def __call__(self, answer: Any) -> Any:
        self.calls.append(len(answer))
        assert self.go.wait(60)
        return answer


@pytest.fixture
def asked(shelf: Shelf) -> Iterator[Asked]:
    found = Asked(shelf)
    yield found
    found.end()
