"""Which version of a model is live, and who decided it. All who change it run one at a time, in the pool `registry`.

MLflow has no compare-and-swap on aliases: this keeps our Dags out of each other's way, not a person in MLflow's UI.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from spark_jobs.declare import BadRequest, Conflict, Refused
from spark_jobs.declare.tags import CHAMPION, FEATURES, HISTORY, HOLD, WAITING, WITHDRAWN
from spark_jobs.declare.unity import versions_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

POOL = "registry"  # of one slot
PREVIOUS = "previous"
ROLL_BACK, RELEASE = "roll back", "release the hold"  # what the form can ask for
Entry = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Act:
    """Who does something, why, and in which Dag run: doing it again in the same run changes nothing."""

    by: str
    why: str
    run_key: str

    def entry(self, what: str, *, old: str, new: str) -> Entry:
        entry = {"what": what, "from": old, "to": new, "by": self.by, "why": self.why, "run": self.run_key}
        return {"at": datetime.now(UTC).isoformat(timespec="seconds"), **entry}

    def since(self) -> str:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return json.dumps({"since": now, "by": self.by, "why": self.why})


@dataclass(frozen=True, kw_only=True)
class Model:
    """A registered model as it was read."""

    name: str
    champion: str = ""
    hold: str = ""  # in words; empty while nothing is held
    waiting: str = ""  # JSON of the request that a person has not answered yet
    history: list[Entry] = field(default_factory=list)
    entries: int = 0  # that were ever written; the oldest may be gone

    @classmethod
    def read(cls, client: "MlflowClient", name: str) -> "Model":
        from mlflow.exceptions import MlflowException

        try:
            model = client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return cls(name=name)
        history = sorted((key, text) for key, text in model.tags.items() if key.startswith(HISTORY))
        return cls(
            name=name,
            champion=str(model.aliases.get(CHAMPION, "")),
            hold=_held(model.tags),
            waiting=str(model.tags.get(WAITING, "")),
            history=[json.loads(text) for _, text in history],
            entries=int(history[-1][0].removeprefix(HISTORY)) if history else 0,
        )

    @property
    def held(self) -> str:
        """Why nothing is promoted, and who changes that; empty while nothing is held."""
        return f"promotion of {self.name} is {self.hold}; release it with the Dag model_rollback" if self.hold else ""

    def done(self, what: str, act: Act) -> Entry | None:
        """The newest entry, where it is what this Dag run was asked to do."""
        last = self.history[-1] if self.history else {}
        return last if (last.get("what"), last.get("run")) == (what, act.run_key) else None


def promote(client: "MlflowClient", name: str, version: str, act: Act, *, judged_against: str) -> Entry:
    """Make `version` champion, if the champion is still the one it was judged against."""
    model = Model.read(client, name)
    if model.champion == version:
        return model.done("promote", act) or act.entry("promote", old=version, new=version)
    refuse_another_champion(model, version, judged_against)
    if WITHDRAWN in version_tags(client, name, version):
        raise Refused(f"version {version} of {name} was withdrawn: a person may bring it back with model_rollback")
    entry = act.entry("promote", old=model.champion, new=version)
    remember(client, model, entry)
    _move(client, name, version)
    return entry


def refuse_another_champion(
    model: Model, version: str, judged_against: str, then: str = "clear the task evaluate, so that it is judged again"
) -> None:
    if model.champion != judged_against:
        raise Conflict(
            f"version {version} was judged against champion {judged_against or '(none)'}, which is now "
            f"{model.champion or '(none)'}: {then}"
        )


def roll_back(client: "MlflowClient", name: str, wanted: str, act: Act, *, columns: tuple[str, ...]) -> Entry:
    """Restore an earlier version, withdraw the one it replaces, and hold promotion until a person releases it."""
    model = Model.read(client, name)
    done = model.done(ROLL_BACK, act)
    if done and model.champion == done["to"]:
        return done
    target = _target(client, model, wanted)
    check_columns(client, name, target, columns)
    entry = act.entry(ROLL_BACK, old=model.champion, new=target)
    client.set_registered_model_tag(name, HOLD, act.since())
    remember(client, model, entry)
    client.set_model_version_tag(name, model.champion, WITHDRAWN, act.since())
    if WITHDRAWN in version_tags(client, name, target):
        client.delete_model_version_tag(name, target, WITHDRAWN)
    _move(client, name, target)
    return entry


def release(client: "MlflowClient", name: str, act: Act) -> Entry:
    """Let nights promote again."""
    model = Model.read(client, name)
    done = model.done(RELEASE, act)
    if done and not model.hold:
        return done
    if not model.hold:
        raise BadRequest("model", f"promotion of {name} is not held, so there is nothing to release")
    entry = act.entry(RELEASE, old=model.champion, new=model.champion)
    remember(client, model, entry)
    client.delete_registered_model_tag(name, HOLD)
    return entry


def version_of(client: "MlflowClient", name: str, version: str) -> "ModelVersion":
    """One that nobody registered, or somebody deleted, is a bad request."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version(name, version)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise BadRequest("version", f"{name} has no version {version}; it has {_versions(client, name)}") from None


def version_tags(client: "MlflowClient", name: str, version: str) -> Mapping[str, str]:
    tags: Mapping[str, str] = version_of(client, name, version).tags
    return tags


def check_columns(client: "MlflowClient", name: str, version: str, declared: tuple[str, ...]) -> None:
    """A version can score only while every column it reads is still declared."""
    reads = version_tags(client, name, version).get(FEATURES, "")
    gone = [column for column in reads.split(",") if column and column not in declared]
    if gone:
        raise BadRequest(
            "features",
            f"version {version} of {name} reads {', '.join(gone)}, which the use case no longer declares: "
            "declare it until a version without it is champion",
        )


def _target(client: "MlflowClient", model: Model, wanted: str) -> str:
    if not model.champion:
        raise BadRequest("model", f"{model.name} has no champion, so there is nothing to roll back")
    if wanted == model.champion:
        raise BadRequest("version", f"{wanted} is the champion already")
    if wanted != PREVIOUS:
        return wanted
    live = {entry["from"] for entry in model.history}  # of a promotion that ended in the middle, `to` never was
    for entry in reversed(model.history):
        version = entry["to"]
        if version in live - {model.champion, ""} and WITHDRAWN not in version_tags(client, model.name, version):
            return version
    known = _versions(client, model.name)
    raise BadRequest("version", f"no earlier champion of {model.name} is left; give the number of one of {known}")


def _versions(client: "MlflowClient", name: str) -> str:
    return ", ".join(sorted((str(one.version) for one in versions_of(client, name)), key=int)) or "none"


def _held(tags: Mapping[str, str]) -> str:
    if HOLD not in tags:
        return ""
    hold = json.loads(tags[HOLD])
    return f"held since {hold['since']} by {hold['by']}: {hold['why']}"


def remember(client: "MlflowClient", model: Model, entry: Entry) -> None:
    """Append to the history, once: a retry finds its own entry and leaves it."""
    last = model.history[-1] if model.history else {}
    if {**last, "at": ""} != {**entry, "at": ""}:
        number = model.entries + 1
        client.set_registered_model_tag(model.name, f"{HISTORY}{number:04}", json.dumps(entry))


def _move(client: "MlflowClient", name: str, version: str) -> None:
    client.set_registered_model_alias(name, CHAMPION, version)
    now = Model.read(client, name).champion
    if now != version:
        raise Conflict(f"the champion of {name} was set to {version} and reads {now}: somebody else moved it")
