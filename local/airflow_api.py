"""Talks to Airflow's API as its one user."""

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from local.commands import CannotGoOn

Json = dict[str, Any]
OVER = ("success", "failed")
PATIENCE = 120.0  # seconds; a part that was killed is back within a minute
AGAIN_AFTER = 1.0


class Answered(CannotGoOn):
    """The server answered with an error: its status and its words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"Airflow answered {status}: {text}")
        self.status = status


def fetch(url: str, body: Json | None = None, *, method: str = "", token: str = "") -> Any:
    """JSON there and back; text where the answer is none."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(  # noqa: S310 - always http to 127.0.0.1
        url, data, headers, method=method or ("POST" if data else "GET")
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
        text = answer.read().decode()
    return json.loads(text) if text else None


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - always http to 127.0.0.1
            return True
    except OSError:
        return False


@dataclass
class Airflow:
    url: str
    user: str
    password: str
    meanwhile: Callable[[], object] = lambda: None  # while a part is started again: raises when that is given up
    waited: bool = False  # whether the last call had to be repeated
    _token: str = field(default="", repr=False)

    def call(self, method: str, path: str, body: Json | None = None) -> Any:
        """A server that is being started again, or whose database is, is waited for."""
        deadline, self.waited = time.monotonic() + PATIENCE, False
        while True:
            try:
                return self._known(method, path, body)
            except (OSError, http.client.HTTPException) as error:  # refused, cut off, or no answer
                if time.monotonic() > deadline:
                    raise CannotGoOn(f"Airflow on {self.url} did not answer for {PATIENCE:.0f} s: {error}") from error
            except Answered as error:
                if error.status < HTTPStatus.INTERNAL_SERVER_ERROR or time.monotonic() > deadline:
                    raise
            self.waited = True
            self.meanwhile()
            time.sleep(AGAIN_AFTER)

    def _known(self, method: str, path: str, body: Json | None) -> Any:
        """Logs in once more where the token has expired, or was signed with a key that is no more."""
        try:
            return self._call(method, path, body)
        except urllib.error.HTTPError as error:
            if error.code not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                raise Answered(error.code, error.read().decode(errors="replace")) from error
        self._token = ""
        try:
            return self._call(method, path, body)
        except urllib.error.HTTPError as error:
            raise Answered(error.code, error.read().decode(errors="replace")) from error

    def _call(self, method: str, path: str, body: Json | None) -> Any:
        if not self._token:
            login = {"username": self.user, "password": self.password}
            self._token = fetch(f"{self.url}/auth/token", login)["access_token"]
        return fetch(f"{self.url}/api/v2{path}", body, method=method, token=self._token)

    def healthy(self) -> bool:
        """All four parts say so themselves."""
        try:
            parts = fetch(f"{self.url}/api/v2/monitor/health")
        except OSError:  # what every failed request is a kind of
            return False
        wanted = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        return all(parts[part]["status"] == "healthy" for part in wanted)

    def knows(self, dag: str) -> bool:
        try:
            self.call("GET", f"/dags/{dag}")
        except Answered as answer:
            if answer.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def import_errors(self) -> list[str]:
        return [f"{e['filename']}: {e['stack_trace']}" for e in self.call("GET", "/importErrors")["import_errors"]]

    def set_pool(self, name: str, slots: int, why: str) -> None:
        body = {"slots": slots, "description": why, "include_deferred": False}
        try:
            self.call("POST", "/pools", body | {"name": name})
        except Answered as answer:
            if answer.status != HTTPStatus.CONFLICT:
                raise
            self.call("PATCH", f"/pools/{name}", body | {"pool": name})

    def trigger(self, dag: str, conf: Json, *, run_id: str = "", run_after: datetime | None = None) -> str:
        """Always under a name of ours: a request that has to be repeated must not start a second run."""
        name = run_id or f"manual__{datetime.now(UTC).isoformat()}"
        body: Json = {"logical_date": None, "conf": conf, "dag_run_id": name}
        body |= {"run_after": run_after.isoformat()} if run_after else {}
        try:
            self.call("POST", f"/dags/{dag}/dagRuns", body)
        except Answered as answer:
            if answer.status != HTTPStatus.CONFLICT or not self.waited:
                raise
        return name

    def pause(self, dag: str, *, paused: bool) -> None:
        self.call("PATCH", f"/dags/{dag}", {"is_paused": paused})

    def run(self, dag: str, run: str) -> Json:
        answer: Json = self.call("GET", f"/dags/{dag}/dagRuns/{_quoted(run)}")
        return answer

    def state(self, dag: str, run: str) -> str:
        """Empty where there is no such run."""
        try:
            return str(self.run(dag, run)["state"])
        except Answered as answer:
            if answer.status == HTTPStatus.NOT_FOUND:
                return ""
            raise

    def runs(self, dag: str) -> list[Json]:
        """The newest hundred, newest first."""
        answer: list[Json] = self.call("GET", f"/dags/{dag}/dagRuns?order_by=-run_after&limit=100")["dag_runs"]
        return answer

    def tasks(self, dag: str, run: str) -> list[Json]:
        path = f"/dags/{dag}/dagRuns/{_quoted(run)}/taskInstances"
        answer: list[Json] = self.call("GET", path)["task_instances"]
        return answer

    def states(self, dag: str, run: str) -> dict[str, str]:
        return {task["task_id"]: str(task["state"] or "waiting") for task in self.tasks(dag, run)}

    def xcom(self, dag: str, run: str, task: str, key: str = "return_value") -> Any:
        """What a task handed on, None where it handed on nothing."""
        path = f"/dags/{dag}/dagRuns/{_quoted(run)}/taskInstances/{task}/xcomEntries/{key}?deserialize=true"
        try:
            return self.call("GET", path)["value"]
        except Answered as answer:
            if answer.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def log(self, dag: str, run: str, task: str, attempt: int = 1) -> str:
        path = f"/dags/{dag}/dagRuns/{_quoted(run)}/taskInstances/{task}/logs/{attempt}?full_content=true"
        return "\n".join(said for line in self.call("GET", path)["content"] for said in _said(line))

    def watch(self, dag: str, run: str, every: float = 1.0) -> Iterator[tuple[Json, list[Json]]]:
        """The run and its tasks, again and again until the run is over."""
        while True:
            state, tasks = self.run(dag, run), self.tasks(dag, run)
            yield state, tasks
            if state["state"] in OVER:
                return
            time.sleep(every)


def _said(line: Json) -> Iterator[str]:
    """A line of a log, and the errors it carries beside its text."""
    yield str(line.get("event", line))
    for error in line.get("error_detail") or []:
        yield f"{error['exc_type']}: {error['exc_value']}"


def _quoted(run: str) -> str:
    return urllib.parse.quote(run, safe="")
