"""The service as a process: how it starts, and how it ends."""

import json
import signal
import time
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection

import pytest
import requests

from tests.serving.conftest import Client
from tests.serving.shelf import CENSUS, Shelf
from tests.serving.standing import standing
from tests.serving.test_interface import person

PREDICT = f"/v1/models/{CENSUS}:predict"
AWAY = "http://127.0.0.1:9"


def test_requests_that_are_being_answered_when_it_is_told_to_end_are_answered(shelf: Shelf) -> None:
    body = json.dumps({"rows": [person()] * 100}).encode()
    with standing(shelf, SERVE_WAITING="100", SERVE_EACH="100") as service:
        service.wait()
        with ExitStack() as open_ones:
            clients = [
                open_ones.enter_context(closing(_begun(service.client, body[:-1], len(body)))) for _ in range(50)
            ]
            _until_inside(service.client, len(clients))
            service.process.send_signal(signal.SIGTERM)
            _until_refused(service.client)
            for client in clients:
                client.send(body[-1:])
            for client in clients:
                answer = client.getresponse()
                assert (answer.status, len(json.loads(answer.read())["rows"])) == (200, 100)
        assert service.process.wait(timeout=20) in (0, -signal.SIGTERM)


def _begun(client: Client, some: bytes, length: int) -> HTTPConnection:
    """A request of which the service has some, and waits for the rest."""
    made = HTTPConnection(client.address.removeprefix("http://"), timeout=60)
    made.putrequest("POST", PREDICT)
    for name, value in (("Authorization", client.headers["Authorization"]), ("Content-Length", str(length))):
        made.putheader(name, value)
    made.endheaders(some)
    return made


def _until_inside(client: Client, many: int) -> None:
    until = time.monotonic() + 30
    while f"\nserving_asking {many:.1f}\n" not in client.get("/metrics").text:
        assert time.monotonic() < until
        time.sleep(0.02)


def _until_refused(client: Client) -> None:
    until = time.monotonic() + 30
    with suppress(requests.ConnectionError):
        while time.monotonic() < until:
            Client(client.address).get("/ping")
            time.sleep(0.02)
        pytest.fail("it was told to end and goes on taking requests")


def test_after_a_kill_it_starts_again_with_what_it_had_without_a_registry(shelf: Shelf) -> None:
    with standing(shelf) as service:
        service.wait()
        before = service.client.post(PREDICT, json={"rows": [person()]}).json()
        service.end(signal.SIGKILL)
    with standing(shelf, SERVE_REGISTRY=AWAY, SERVE_EVERY="1") as service:
        took = service.wait()
        assert service.client.post(PREDICT, json={"rows": [person()]}).json() == before
        assert "as it was kept here" in service.end()
    assert took < 20  # the benchmark holds it to its figure


def test_what_cannot_answer_does_not_begin_and_says_why(shelf: Shelf) -> None:
    with standing(shelf) as service:
        service.wait()
        port = service.client.address.rpartition(":")[2]
        with standing(shelf, SERVE_PORT=port) as other:
            assert "SERVE_PORT: 127.0.0.1:" in other.ended()
    with standing(shelf, SERVE_KEYS=str(shelf.folder / "none")) as service:
        told = service.ended()
        assert "holds no key, so nobody could ask: make serve-key NAME=<a client>, or ANYBODY=yes" in told
        assert service.process.returncode == 1
    with standing(shelf, SERVE_KEPT=str(shelf.folder / "empty"), SERVE_REGISTRY=AWAY) as service:
        assert "MLflow at http://127.0.0.1:9 does not answer" in service.ended()
    with standing(shelf, MODEL="shoes") as service:
        assert "MODEL: is one of bike_sharing" in service.ended()


def test_without_keys_only_where_that_was_said(shelf: Shelf) -> None:
    with standing(shelf, SERVE_KEYS=str(shelf.folder / "none"), ANYBODY="yes") as service:
        service.wait()
        assert Client(service.client.address).post(PREDICT, json={"rows": [person()]}).status_code == 200
