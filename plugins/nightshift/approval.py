"""A version that waits for a person, and what became of it. It stands in the registry: Airflow only asks.

Whoever changes it runs in the pool `registry`, as all who change what is live.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from nightshift import registry
from nightshift.registry import Act, Entry, Model
from spark_jobs.declare import BadRequest, Refused
from spark_jobs.declare.tags import APPROVAL, WAITING

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)
DAG = "model_approval"
NOBODY = "nobody"


class Outcome(StrEnum):
    """What became of a request."""

    APPROVED = "approved"
    REJECTED = "rejected"
    NOT_ANSWERED = "not answered"
    TOO_LATE = "answered too late"
    SUPERSEDED = "superseded"
    IN_VAIN = "approved in vain"  # for it may not be promoted any more


@dataclass(frozen=True, kw_only=True)
class Request:
    """A version that passed the gate, and what it was compared with."""

    use_case: str
    version: str
    champion: str  # of the verdict; empty: there was none
    night: str  # the run key of the Dag run that judged it
    opened: Mapping[str, str]  # the MLflow run of that
    why: str
    asked: str  # ISO, UTC
    until: str
    former: str = ""  # the Dag run that waits for an answer nobody needs any more

    @property
    def dag_run(self) -> str:
        return f"{self.use_case}__{self.version}__{self.asked}"

    @property
    def run_key(self) -> str:
        return f"{DAG}/{self.dag_run}"

    @property
    def about(self) -> dict[str, str]:
        """What stands on the version, to which its answer comes."""
        return {"asked": self.asked, "until": self.until, "run": self.run_key}

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "Request":
        if set(given) != {field.name for field in fields(cls)}:
            raise BadRequest("conf", "the task ask of a use case's Dag starts this one: there is nothing to type here")
        return cls(**given)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of a request, by whom and when."""

    outcome: Outcome
    by: str
    at: str
    why: str

    @classmethod
    def of(cls, outcome: Outcome, by: str, why: str, at: str = "") -> "Answer":
        return cls(outcome=outcome, by=by, at=at or now().isoformat(), why=why)

    @classmethod
    def from_dict(cls, given: Mapping[str, str]) -> "Answer":
        return cls(**{**given, "outcome": Outcome(given["outcome"])})  # type: ignore[arg-type]  # words, but for the outcome

    def to_dict(self) -> dict[str, str]:
        return {**vars(self), "outcome": str(self.outcome)}

    def __str__(self) -> str:
        by = "" if self.by == NOBODY else f" by {self.by}"
        return f"{self.outcome}{by} at {self.at}{f': {self.why}' if self.why else ''}"


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def waiting(model: Model) -> Request | None:
    """The one request of a model that nobody has answered yet."""
    return Request.from_dict(json.loads(model.waiting)) if model.waiting else None


def ask(client: "MlflowClient", name: str, request: Request, act: Act) -> None:
    """Let it wait. An older version that waits makes room; the same one is asked about anew."""
    former = waiting(Model.read(client, name))
    if former and former.version != request.version:
        supersede(client, name, former, request.version, act)
    client.set_registered_model_tag(name, WAITING, json.dumps(request.to_dict()))
    client.set_model_version_tag(name, request.version, APPROVAL, json.dumps(request.about))
    _note(client, request, f"version {request.version} waits for an answer until {request.until}")


def supersede(client: "MlflowClient", name: str, former: Request, version: str, act: Act) -> None:
    why = f"version {version} of {act.run_key} takes its place"
    close(client, name, former, Answer.of(Outcome.SUPERSEDED, act.by, why), act.run_key)


def promote(client: "MlflowClient", name: str, request: Request, answer: Answer, columns: tuple[str, ...]) -> Entry:
    """What was approved becomes champion, unless the registry has changed since the verdict."""
    act = Act(by=answer.by, why=_why(request, answer), run_key=request.run_key)
    again = f"clear evaluate in {request.night} with all after it, so that it is judged and somebody asked again"
    model = Model.read(client, name)
    if model.held:
        raise Refused(f"{model.held}, then {again}")
    if model.champion != request.version:
        registry.refuse_another_champion(model, request.version, request.champion, again)
    registry.check_columns(client, name, request.version, columns)
    return registry.promote(client, name, request.version, act, judged_against=request.champion)


def close(client: "MlflowClient", name: str, request: Request, answer: Answer, run_key: str) -> None:
    """Write down who answered what and when: in the history, on the version, on the night's run."""
    model = Model.read(client, name)
    if answer.outcome is not Outcome.APPROVED:  # then the promotion says it
        act = Act(by=answer.by, why=f"version {request.version}: {answer.why}", run_key=run_key)
        registry.remember(client, model, act.entry(answer.outcome, old=model.champion, new=model.champion))
    with _unless_somebody_deleted_it():
        client.set_model_version_tag(name, request.version, APPROVAL, json.dumps(request.about | answer.to_dict()))
    if waiting(model) == request:
        client.delete_registered_model_tag(name, WAITING)
    _note(client, request, f"version {request.version} was {answer}")


def closed(client: "MlflowClient", name: str, request: Request) -> Answer:
    """What became of a request that does not wait any more."""
    about = json.loads(registry.version_tags(client, name, request.version).get(APPROVAL, "{}"))
    if about.get("run") != request.run_key or "outcome" not in about:
        return Answer.of(Outcome.SUPERSEDED, NOBODY, "somebody was asked about it once more")
    return Answer.from_dict({name: about[name] for name in ("outcome", "by", "at", "why")})


def _note(client: "MlflowClient", request: Request, says: str) -> None:
    """On the night's run, for whoever looks there."""
    with _unless_somebody_deleted_it():
        client.set_tag(request.opened["run"], APPROVAL, says)


@contextmanager
def _unless_somebody_deleted_it() -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        log.warning("Not written down: %s", error.message)


def _why(request: Request, answer: Answer) -> str:
    return f"approved{f': {answer.why}' if answer.why else ''}; {request.why}"
