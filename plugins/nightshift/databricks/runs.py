"""The runs of a workspace, through the provider's hook: it knows the connection, its credentials and what to retry."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from nightshift.databricks.credentials import address
from nightshift.databricks.wheel import PACKAGE
from nightshift.databricks.workspace import Workspace
from spark_jobs.declare import Conflict, Refused, Unreachable

if TYPE_CHECKING:
    from airflow.providers.databricks.hooks.databricks import DatabricksHook

Run = Mapping[str, Any]

OVER = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
ENDING = ("TERMINATING", *OVER)
ENDED_WITHIN = 120.0  # seconds until a run that was cancelled must have ended
LOOKS_EVERY = 1.0
ANSWERS_WITHIN = 30  # seconds
TRIES = 7  # of one question: their pauses add up to a minute, whatever Retry-After a workspace sends
LIST, FOLDERS, LIBRARIES = "2.2/jobs/runs/list", "2.0/fs/directories", "2.0/libraries/cluster-status"
DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()


def is_over(run: Run) -> bool:
    return run["state"]["life_cycle_state"] in OVER


@dataclass(frozen=True, kw_only=True)
class Name:
    """What a run is called: whose it is can be told by whoever sees a list of them, so nothing has to remember."""

    stage: str  # lake, use case and stage: at most one of these may run
    owner: str = ""  # the Dag run
    wheel: str = ""  # the content of the code it began with
    job: str = ""  # its argv

    @classmethod
    def of(cls, run: Run) -> "Name":
        first, *words = str(run.get("run_name", "")).split(" ")
        if first != "nightshift" or len(words) < 4:
            return cls(stage="")
        return cls(stage=" ".join(words[:-3]), owner=words[-3], wheel=words[-2], job=words[-1])

    def __str__(self) -> str:
        return f"nightshift {self.stage} {self.owner} {self.wheel} {self.job}"


@dataclass(frozen=True)
class Runs:
    """Of one workspace."""

    workspace: Workspace

    @cached_property  # with the token it has fetched
    def hook(self) -> "DatabricksHook":
        from airflow.providers.databricks.hooks.databricks import DatabricksHook

        address(self.workspace.connection)  # where there is none, the hook would ask again and again
        return DatabricksHook(
            self.workspace.connection, timeout_seconds=ANSWERS_WITHIN, retry_limit=TRIES, caller="Nightshift"
        )

    def require(self, wheel: str) -> None:
        """A run would only say minutes later that its code is not there."""
        with self._asking():
            found = self._entries(self.workspace.wheels)
        if wheel not in found:
            raise Refused(
                f"{wheel} is not in {self.workspace.wheels}: type `make deploy`, which brings this code there"
            )
        if cluster := self.workspace.compute.existing:
            self._require_alone(wheel, cluster)

    def _require_alone(self, wheel: str, cluster: str) -> None:
        """A cluster keeps the wheels it was given, and a second one of a package changes nothing until it restarts."""
        with self._asking():
            listed = self._ask(LIBRARIES, {"cluster_id": cluster}).get("library_statuses", [])
        wheels = [str(one["library"].get("whl", "")).rpartition("/")[2] for one in listed]
        if others := [one for one in wheels if one.startswith(f"{PACKAGE}-") and one != wheel]:
            raise Refused(
                f"cluster {cluster} holds other code of ours, {', '.join(others)}, and would run that instead of "
                f"{wheel}. When no run is at work there, uninstall it from the cluster's libraries, restart the "
                "cluster, then clear this task"
            )

    def active(self, stage: str = "") -> list[Run]:
        """Runs of a lake, use case and stage, or all, that are not over; what began first comes first."""
        with self._asking():
            found = [run for run in self._active() if stage in ("", Name.of(run).stage)]
        return sorted(found, key=lambda run: (run.get("start_time", 0), run["run_id"]))

    def first(self, stage: str, number: int) -> Run | None:
        """Of those that are active, once this one is among them or over: a list may be late."""
        deadline = time.monotonic() + ENDED_WITHIN
        while True:
            found = self.active(stage)
            if number in [run["run_id"] for run in found]:
                return found[0]
            if is_over(self.get(number)):
                return None
            if time.monotonic() > deadline:
                self.cancel(number)  # nobody would find it again
                raise Conflict(f"run {number} was begun, is in no list of runs, and was cancelled")
            time.sleep(LOOKS_EVERY)

    def submit(self, request: Mapping[str, Any]) -> int:
        with self._asking():
            return int(self.hook.submit_run(dict(request)))

    def get(self, run: int) -> Run:
        with self._asking():
            return cast(Run, self.hook.get_run(run))

    def output(self, task: int) -> Mapping[str, Any]:
        with self._asking():
            return cast(Mapping[str, Any], self.hook.get_run_output(task))

    def cancel(self, run: int) -> None:
        with self._asking():
            self.hook.cancel_run(run)

    def end(self, run: int) -> None:
        """Until it is over for certain: it may still write while it is ending."""
        self.cancel(run)
        deadline = time.monotonic() + ENDED_WITHIN
        while not is_over(self.get(run)):
            if time.monotonic() > deadline:
                raise Conflict(f"run {run} of a former try was cancelled and does not end: look at it in the workspace")
            time.sleep(LOOKS_EVERY)

    def _active(self) -> Iterator[Run]:
        question: dict[str, Any] = {"active_only": "true", "run_type": "SUBMIT_RUN", "limit": 25}
        while True:
            page = self._ask(LIST, question)
            yield from page.get("runs", [])
            if not (token := page.get("next_page_token")):
                return
            question |= {"page_token": token}

    def _entries(self, folder: str) -> list[str]:
        """Empty where there is no such folder."""
        from airflow.providers.databricks.exceptions import DatabricksApiError

        found, question = list[str](), dict[str, str]()
        while True:
            try:
                page = self._ask(f"{FOLDERS}{folder}", question)
            except DatabricksApiError as error:
                if error.http_status_code != HTTPStatus.NOT_FOUND:
                    raise
                return []
            found += [entry["name"] for entry in page.get("contents", [])]
            if not (token := page.get("next_page_token")):
                return found
            question = {"page_token": token}

    def _ask(self, path: str, question: Mapping[str, str | int]) -> dict[str, Any]:
        """What the hook has no word of its own for."""
        return cast(dict[str, Any], self.hook._do_api_call(("GET", path), dict(question)))

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """What a workspace answers when it does not do it, in words that say what to do."""
        from airflow.providers.databricks.exceptions import DatabricksApiError
        from airflow.sdk.exceptions import AirflowException

        try:
            yield
        except DatabricksApiError as error:
            raise _explained(error, error.http_status_code, self.workspace.connection) from error
        except AirflowException as error:  # the hook has given up, or was not given a token for its id and secret
            if denied := next((status for status in DENIED if f"Status Code: {int(status)}" in str(error)), None):
                raise _explained(error, denied, self.workspace.connection) from error
            raise Unreachable(f"the workspace does not answer: {error}") from error


def _explained(error: Exception, status: int | None, connection: str) -> Exception:
    if status in DENIED:
        return Unreachable(
            f"the workspace does not let us in: the credentials of the connection {connection} are wrong, expired or "
            f"lack a right. It said: {error}"
        )
    return Refused(f"the workspace refuses the request: {error}")
