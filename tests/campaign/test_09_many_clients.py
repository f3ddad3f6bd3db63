"""A service that many ask for minutes, while its champion is promoted and rolled back."""

import json
import logging
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path

import pytest

from serving.keys import new
from tests.serving.shelf import CENSUS, Shelf, delivered
from tests.serving.standing import standing
from tests.serving.test_interface import person
from tests.spark.conftest import THIRD_PARTY

pytestmark = [pytest.mark.filterwarnings(line) for line in THIRD_PARTY]
LOG = logging.getLogger(__name__)
PREDICT = f"/v1/models/{CENSUS}:predict"
CLIENTS, SECONDS, GROWTH = 64, 300, 60 << 20
Answers = dict[bytes, bytes]  # by what is asked


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Two models that agree on nothing."""
    shelf = Shelf(tmp_path)
    shelf.add(CENSUS, "boosting", threshold=0.4)
    shelf.add(CENSUS, "forest", threshold=0.6)
    shelf.crown(CENSUS, "1")
    return shelf


def questions() -> list[bytes]:
    """Of one row and of many, some of them refused."""
    rows = [{name: value for name, value in row.items() if name != "income"} for row in delivered(CENSUS)]
    return [json.dumps({"rows": [person(), *rows[place * 30 : place * 30 + 2**place]]}).encode() for place in range(6)]


def answers_of(shelf: Shelf, version: str) -> Answers:
    """By a service that knows no other version."""
    kept = str(shelf.folder / f"kept-{version}")
    with standing(shelf, VERSION=version, SERVE_KEPT=kept) as service:
        service.wait()
        return {one: service.client.post(PREDICT, data=one).content for one in questions()}


@dataclass
class Crowd:
    """What clients are answered is what one of the versions says, to the last byte."""

    address: str
    known: dict[str, Answers]
    over: threading.Event = field(default_factory=threading.Event)
    wrong: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)  # in the order of their answers

    def ask(self, key: str) -> None:
        """One client, on one connection, until it is over."""
        head = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        with closing(HTTPConnection(self.address, timeout=60)) as line:
            for question in cycle(questions()):
                if self.over.is_set():
                    return
                try:
                    line.request("POST", PREDICT, question, head)
                    answer = line.getresponse()
                    said, version = answer.read(), answer.headers["Model-Version"]
                except OSError as error:
                    self.wrong.append(repr(error))
                    return
                if said != self.known.get(version, {}).get(question):
                    self.wrong.append(f"{answer.status} of version {version}: {said[:500]!r}")
                self.versions.append(version)

    def begin(self, keys: list[str]) -> list[threading.Thread]:
        threads = [threading.Thread(target=self.ask, args=(key,)) for key in keys]
        for thread in threads:
            thread.start()
        return threads

    def hear(self, version: str, seconds: float) -> float:
        """How long it took until this version answered; it is listened to for so long."""
        began = time.monotonic()
        heard = 0.0
        while time.monotonic() - began < seconds or not heard:
            assert time.monotonic() - began < seconds + 60, f"version {version} never answers"
            heard = heard or (time.monotonic() - began if self.versions[-1:] == [version] else 0.0)
            time.sleep(0.05)
        return heard


@pytest.mark.timeout(900)
def test_many_clients_are_answered_for_minutes_by_one_version_at_a_time_whatever_becomes_champion(shelf: Shelf) -> None:
    known = {version: answers_of(shelf, version) for version in ("1", "2")}
    assert all(known["1"][one] != known["2"][one] for one in questions())
    with standing(shelf, SERVE_WAITING=str(CLIENTS)) as service:
        service.wait()
        crowd = Crowd(service.client.address.removeprefix("http://"), known)
        threads = crowd.begin([new(shelf.folder / "serving" / "keys", f"client-{n}") for n in range(CLIENTS)])
        try:
            crowd.hear("1", SECONDS / 3)
            before = service.memory()
            shelf.crown(CENSUS, "2")
            promoted = crowd.hear("2", SECONDS / 3)
            shelf.crown(CENSUS, "1")
            rolled = crowd.hear("1", SECONDS / 3)
            growth = service.memory() - before
        finally:
            crowd.over.set()
            for thread in threads:
                thread.join()
        LOG.info("%d answers of %d clients, %d wrong", len(crowd.versions), CLIENTS, len(crowd.wrong))
        LOG.info("promoted in %.1f s, rolled back in %.1f s; %.1f MB more", promoted, rolled, growth / 2**20)
        assert crowd.wrong == []
        assert growth < GROWTH
        assert "Traceback" not in service.end()
