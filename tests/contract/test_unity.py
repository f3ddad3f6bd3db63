"""Tags of models, written so that Unity Catalog takes them, and read as they were given."""

import json
from typing import Any

from mlflow.entities.model_registry import (  # noqa: TID253 - tests load what they test
    ModelVersion,
    ModelVersionTag,
    RegisteredModel,
    RegisteredModelTag,
)

from spark_jobs.declare.tags import FEATURES, HISTORY, HOLD, WITHDRAWN
from spark_jobs.declare.unity import UnityClient


class Page(list[Any]):
    token = None


class Registry:
    """Of one model with one version; what it was asked to write lies in two dictionaries."""

    def __init__(self) -> None:
        self.model: dict[str, str] = {}
        self.version: dict[str, str] = {}

    def search_model_versions(self, _filter: str, **_: object) -> Any:
        return Page([ModelVersion("a.b.c", "1", 0)])

    def get_registered_model(self, _name: str) -> Any:
        tags = [RegisteredModelTag(*tag) for tag in self.model.items()]  # type: ignore[no-untyped-call] # MLflow's gap
        return RegisteredModel("a.b.c", tags=tags)

    def get_model_version(self, *_: str) -> Any:
        tags = [ModelVersionTag(*tag) for tag in self.version.items()]  # type: ignore[no-untyped-call] # as above
        return ModelVersion("a.b.c", "1", 0, tags=tags)

    def set_registered_model_tag(self, _name: str, key: str, value: str) -> None:
        self.model[key] = value

    def set_model_version_tag(self, _name: str, _version: str, key: str, value: str) -> None:
        self.version[key] = value

    def delete_registered_model_tag(self, _name: str, key: str) -> None:
        del self.model[key]

    def delete_model_version_tag(self, _name: str, _version: str, key: str) -> None:
        del self.version[key]


def test_no_name_holds_a_dot_and_no_value_is_long() -> None:
    there = Registry()
    ours = UnityClient(there)
    columns = ",".join(f"column_{number}" for number in range(300))
    ours.set_model_version_tag("a.b.c", "1", FEATURES, columns)
    ours.set_registered_model_tag("a.b.c", f"{HISTORY}0001", "{}")
    assert not [key for key in (*there.version, *there.model) if "." in key]
    assert max(map(len, there.version.values())) <= 1000
    assert ours.get_model_version("a.b.c", "1").tags == {FEATURES: columns}
    assert ours.get_registered_model("a.b.c").tags == {f"{HISTORY}0001": "{}"}


def test_a_shorter_value_leaves_nothing_of_a_longer_one() -> None:
    there = Registry()
    ours = UnityClient(there)
    ours.set_model_version_tag("a.b.c", "1", WITHDRAWN, "x" * 2500)
    ours.set_model_version_tag("a.b.c", "1", WITHDRAWN, "short")
    assert ours.get_model_version("a.b.c", "1").tags == {WITHDRAWN: "short"}


def test_what_is_deleted_is_gone_in_all_its_parts() -> None:
    there = Registry()
    ours = UnityClient(there)
    ours.set_registered_model_tag("a.b.c", HOLD, "x" * 1500)
    ours.delete_registered_model_tag("a.b.c", HOLD)
    assert there.model == {}


def test_a_history_stays_below_the_fifty_tags_that_a_model_may_have_and_nothing_of_it_is_lost() -> None:
    there = Registry()
    ours = UnityClient(there)
    for number in range(1, 51):
        ours.set_registered_model_tag("a.b.c", f"{HISTORY}{number:04}", json.dumps({"to": "1", "run": str(number)}))
    kept = sorted(ours.get_registered_model("a.b.c").tags)
    assert kept == [f"{HISTORY}{number:04}" for number in range(21, 51)]
    older = ours.get_model_version("a.b.c", "1").tags
    assert [json.loads(older[key])["run"] for key in sorted(older)] == [str(number) for number in range(1, 21)]


def test_long_entries_leave_room_for_fewer() -> None:
    there = Registry()
    ours = UnityClient(there)
    for number in range(1, 31):
        entry = json.dumps({"to": "1", "why": "very " * 300 + "good"})
        ours.set_registered_model_tag("a.b.c", f"{HISTORY}{number:04}", entry)
    assert len(there.model) == 30
    assert len(there.version) == 30
    assert set(ours.get_registered_model("a.b.c").tags.values()) == {entry}


def test_an_old_entry_that_comes_again_pushes_no_newer_one_out() -> None:
    there = Registry()
    ours = UnityClient(there)
    for number in [*range(1, 41), *range(1, 41)]:
        ours.set_registered_model_tag("a.b.c", f"{HISTORY}{number:04}", json.dumps({"to": "1"}))
    assert sorted(ours.get_registered_model("a.b.c").tags)[0] == f"{HISTORY}0011"
    assert sorted(ours.get_model_version("a.b.c", "1").tags)[-1] == f"{HISTORY}0010"


def test_what_a_version_that_is_gone_or_full_cannot_take_stops_nobody() -> None:
    there = Registry()
    there.version = {f"tag{number}": "" for number in range(50)}
    ours = UnityClient(there)
    for number in range(1, 41):
        ours.set_registered_model_tag("a.b.c", f"{HISTORY}{number:04}", json.dumps({"to": str(number % 2 + 1)}))
    assert len(there.version) == 50
    assert len(there.model) == 30
