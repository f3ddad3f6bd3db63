"""The service as a process: how it starts, and how it ends."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.serving.conftest import Client
from tests.serving.shelf import CENSUS, Shelf
from tests.serving.standing import standing
from tests.serving.test_interface import person

PREDICT = f"/v1/models/{CENSUS}:predict"
AWAY = "http://127.0.0.1:9"


def test_requests_that_are_being_answered_when_it_is_told_to_end_are_answered(shelf: Shelf) -> None:
    with standing(shelf, SERVE_THREADS="1", SERVE_WAITING="100", SERVE_EACH="100") as service:
        service.wait()
        clients = [
            Client(service.client.address, service.client.headers["Authorization"].split()[1]) for _ in range(50)
        ]
        for client in clients:
            assert client.get("/ping").status_code == 200  # each has its connection
        body: Any = {"rows": [person()] * 1500, "reasons": True}
        inside = threading.Barrier(51)

        def ask(client: Client) -> Any:
            inside.wait()
            return client.post(PREDICT, json=body)

        with ThreadPoolExecutor(50) as pool:
            told = [pool.submit(ask, client) for client in clients]
            inside.wait()
            while _inside(service.client) < 30:
                pass
            service.process.send_signal(signal.SIGTERM)
            found = [one.result() for one in told]
        assert [one.status_code for one in found] == [200] * 50
        assert all(len(one.json()["rows"]) == 1500 for one in found)
        assert service.process.wait(timeout=20) in (0, -signal.SIGTERM)
        for client in clients:
            client.close()


def _inside(client: Client) -> float:
    (line,) = [line for line in client.get("/metrics").text.splitlines() if line.startswith("serving_asking ")]
    return float(line.split()[1])


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
