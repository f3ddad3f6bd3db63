"""`make rollback` and `make release`: one sentence, whatever becomes of it. Airflow is a small server of its kind."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from local import airflow_config
from local.home import Home
from local.rollback import asked
from spark_jobs.declare import BadRequest

ROOT = Path(__file__).parents[2]
TYPED = {"MODEL": "bike_sharing", "REASON": "$(too) high", "VERSION": ""}
FORM = {"action": "roll back", "model": "bike_sharing", "version": "previous", "reason": "$(too) high"}
ENTRY = {"what": "roll back", "from": "2", "to": "1", "by": "admin", "why": "too high", "run": "model_rollback/1"}


@dataclass
class Airflow:
    """Runs what it is asked for at once, and ends as it was told to."""

    home: Home
    state: str = "success"
    xcoms: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        if method == "POST" and path.endswith("/dagRuns"):
            self.asked.append(body["conf"])
            return {"dag_run_id": "manual"}
        if "/xcomEntries/" in path:
            key = path.rpartition("/")[2].partition("?")[0]
            return {"value": self.xcoms[key]} if key in self.xcoms else None
        return {"access_token": "t", "state": self.state, "task_instances": [], "is_paused": False}


@pytest.fixture
def airflow(tmp_path: Path) -> Iterator[Airflow]:
    class Speaks(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
            found = served.answer(self.command, self.path, body)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        do_POST = do_PATCH = do_GET  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Speaks) as server:
        served = Airflow(Home(root=tmp_path, airflow_port=server.server_port))
        airflow_config.write(served.home)
        Thread(target=server.serve_forever).start()
        yield served
        server.shutdown()


def make(airflow: Airflow, target: str = "rollback", **typed: str) -> tuple[int, str]:
    """Exit status and all a person sees, but for make's own last line."""
    home = {"NIGHTSHIFT_HOME": str(airflow.home.root), "AIRFLOW_PORT": str(airflow.home.airflow_port)}
    typed = {"MODEL": "bike_sharing", "REASON": "too high", **typed}
    command = ["make", target, *(f"{name}={text}" for name, text in typed.items())]
    told = subprocess.run(command, cwd=ROOT, env=os.environ | home, capture_output=True, text=True, check=False)
    lines = (told.stdout + told.stderr).splitlines()
    return told.returncode, "\n".join(line for line in lines if not line.startswith("make"))


def test_a_roll_back_ends_with_a_sentence(airflow: Airflow) -> None:
    airflow.xcoms = {"return_value": ENTRY}
    assert make(airflow) == (
        0,
        "Champion of bike_sharing is version 1 again; version 2 is withdrawn, and promotion is held until you type: "
        'make release MODEL=bike_sharing REASON="..."',
    )
    assert airflow.asked == [FORM | {"reason": "too high"}]


def test_a_release_ends_with_a_sentence(airflow: Airflow) -> None:
    airflow.xcoms = {"return_value": ENTRY | {"what": "release the hold", "from": "1"}}
    assert make(airflow, "release") == (0, "Nights may promote bike_sharing again; its champion is version 1.")
    assert airflow.asked[0]["action"] == "release the hold"


def test_an_act_that_refuses_says_its_sentence_and_nothing_else(airflow: Airflow) -> None:
    says = "version: no earlier champion of bike_sharing is left; give the number of one of 1"
    airflow.state, airflow.xcoms = "failed", {"failed": says}
    status, seen = make(airflow)
    assert (status != 0, seen) == (True, says)


def test_an_act_that_fails_without_words_says_where_its_log_is(airflow: Airflow) -> None:
    airflow.state = "failed"
    where = f"{airflow.home.airflow_url}/dags/model_rollback/runs/manual__[^/]*/tasks/roll_back"
    assert re.fullmatch(f"roll back failed, and {where} shows its log", make(airflow)[1])


def test_a_roll_back_asks_for_the_model_a_reason_and_by_itself_for_the_previous_version() -> None:
    assert asked("roll back", TYPED) == FORM
    assert asked("roll back", TYPED | {"VERSION": "3"}) == FORM | {"version": "3"}


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"MODEL": ""}, "MODEL: is missing"),
        ({"REASON": ""}, "REASON: is missing"),
        ({"MODEL": "bikes"}, "MODEL: is one of bike_sharing, .*, got 'bikes'"),
        ({"VERSION": "the last"}, "VERSION: is a number, or previous, got 'the last'"),
        ({"REASON": "no"}, "REASON: has from 3 to 500 characters, got 2"),
    ],
)
def test_what_the_form_would_refuse_is_refused_before_in_a_sentence(typed: dict[str, str], says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        asked("roll back", TYPED | typed)
