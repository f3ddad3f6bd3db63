"""Tags of models, written so that Unity Catalog takes them, and read as they were given."""

from types import SimpleNamespace
from typing import Any

from spark_jobs.declare.tags import FEATURES, HISTORY, HOLD, WITHDRAWN
from spark_jobs.declare.unity import UnityClient


class Registry:
    """Of one model with one version; what it was asked to write lies in two dictionaries."""

    def __init__(self) -> None:
        self.model: dict[str, str] = {}
        self.version: dict[str, str] = {}

    def get_registered_model(self, _name: str) -> Any:
        return SimpleNamespace(tags=dict(self.model))

    def get_model_version(self, *_: str) -> Any:
        return SimpleNamespace(tags=dict(self.version))

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
    assert ours.get_model_version("a.b.c", "1")._tags == {FEATURES: columns}
    assert ours.get_registered_model("a.b.c")._tags == {f"{HISTORY}0001": "{}"}


def test_a_shorter_value_leaves_nothing_of_a_longer_one() -> None:
    there = Registry()
    ours = UnityClient(there)
    ours.set_model_version_tag("a.b.c", "1", WITHDRAWN, "x" * 2500)
    ours.set_model_version_tag("a.b.c", "1", WITHDRAWN, "short")
    assert ours.get_model_version("a.b.c", "1")._tags == {WITHDRAWN: "short"}


def test_what_is_deleted_is_gone_in_all_its_parts() -> None:
    there = Registry()
    ours = UnityClient(there)
    ours.set_registered_model_tag("a.b.c", HOLD, "x" * 1500)
    ours.delete_registered_model_tag("a.b.c", HOLD)
    assert there.model == {}


def test_a_history_stays_below_the_fifty_tags_that_a_model_may_have() -> None:
    there = Registry()
    ours = UnityClient(there)
    for number in range(1, 80):
        ours.set_registered_model_tag("a.b.c", f"{HISTORY}{number:04}", "{}")
    kept = sorted(ours.get_registered_model("a.b.c")._tags)
    assert kept == [f"{HISTORY}{number:04}" for number in range(50, 80)]
