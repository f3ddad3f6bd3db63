"""A small server in Airflow's place, which fails as one does that is being started again."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local import airflow_api
from local.airflow_api import Airflow, Answered
from local.commands import CannotGoOn

CUT_OFF, HALF = 0, 1


@contextmanager
def answering(*statuses: int) -> Iterator[tuple[Airflow, list[Any]]]:
    """Each status once, then 200; and the bodies of all requests but the logins."""
    left, bodies = list(statuses), list[Any]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
            if self.path == "/auth/token":
                self.say(200, {"access_token": "good"})
                return
            bodies.append(body)
            status = left.pop(0) if left else 200
            if status == HALF:
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
            elif status != CUT_OFF:
                self.say(status, {"state": "success"})

        def say(self, status: int, answer: Any) -> None:
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_words: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield Airflow(f"http://127.0.0.1:{server.server_port}", "admin", "password"), bodies
        server.shutdown()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_api, "AGAIN_AFTER", 0.01)


def test_a_server_that_answers_500_or_cuts_off_is_asked_again() -> None:
    with answering(500, CUT_OFF, HALF, 503) as (airflow, _):
        assert airflow.state("dag", "run") == "success"


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_no_longer_taken_is_replaced_once(status: int) -> None:
    with answering(status) as (airflow, bodies):
        assert airflow.state("dag", "run") == "success"
    assert len(bodies) == 2
    with answering(status, status) as (airflow, _), pytest.raises(Answered, match=str(status)):
        airflow.state("dag", "run")


def test_a_run_whose_request_had_to_be_repeated_is_started_once_under_one_name() -> None:
    with answering(500, 409) as (airflow, bodies):
        name = airflow.trigger("dag", {})
    assert [body["dag_run_id"] for body in bodies] == [name, name]


def test_a_name_that_is_taken_is_refused_when_nothing_had_to_be_repeated() -> None:
    with answering(409) as (airflow, _), pytest.raises(Answered, match="409"):
        airflow.trigger("dag", {}, run_id="taken")


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_api, "PATIENCE", 0.05)
    with pytest.raises(CannotGoOn, match=r"did not answer for"):
        Airflow("http://127.0.0.1:9", "admin", "password").state("dag", "run")
    with answering(*[500] * 100) as (airflow, _), pytest.raises(Answered, match="500"):
        airflow.state("dag", "run")


def test_who_waits_hears_that_a_part_was_given_up_on() -> None:
    def meanwhile() -> None:
        raise CannotGoOn("scheduler ended by itself")

    with pytest.raises(CannotGoOn, match="scheduler ended by itself"):
        Airflow("http://127.0.0.1:9", "admin", "password", meanwhile).state("dag", "run")
