"""Tags of models, written so that Unity Catalog takes them, and read as they were given."""

import json
from types import SimpleNamespace
from typing import Any

from mlflow.entities.model_registry import (  # noqa: TID253 - tests load what they test
    ModelVersion,
    ModelVersionTag,
    RegisteredModel,
    RegisteredModelTag,
)

from spark_jobs.declare.tags import FEATURES, HISTORY, HOLD, WITHDRAWN
from spark_jobs.declare.unity import UnityClient, versions_of


class Page(list[Any]):
    token: str | None = None


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


def test_no_part_begins_or_ends_with_a_space_and_all_come_back() -> None:
    there = Registry()
    ours = UnityClient(there)
    for value in (" by hand ", " ", "", "\n", "a", "no ", "word " * 700, "\tfirst\n" * 400, " " * 2500):
        ours.set_model_version_tag("a.b.c", "1", WITHDRAWN, value)
        assert [part for part in there.version.values() if part != part.strip()] == []
        assert ours.get_model_version("a.b.c", "1").tags == {WITHDRAWN: value}


class Pages:
    """Two and a half of them."""

    def search_model_versions(self, _filter: str, max_results: int = 0, page_token: str | None = None) -> Any:
        first = int(page_token or 0)
        numbers = range(first + 1, min(first + max_results, 250) + 1)
        page = Page(
            SimpleNamespace(name="a.b.c", version=str(one), run_id=f"run{one}", status="READY") for one in numbers
        )
        page.token = str(first + max_results) if first + max_results < 250 else None
        return page

    def get_model_version(self, _name: str, version: str = "1") -> Any:
        return SimpleNamespace(tags={}, version=version, run_id=f"run{version}")


def test_versions_behind_the_first_page_are_found_too() -> None:
    ours = UnityClient(Pages())
    assert [one.version for one in versions_of(ours, "a.b.c")] == [str(number) for number in range(1, 251)]
    assert [one.version for one in versions_of(ours, "a.b.c", "run222")] == ["222"]


def test_what_mlflow_gives_is_what_is_told_but_for_the_tags() -> None:
    tags = [SimpleNamespace(key="nightshift__hold", value="a"), SimpleNamespace(key="nightshift__hold___1", value="b")]
    aliases = [SimpleNamespace(alias="champion", version="7")]
    there = Registry()
    found = RegisteredModel("a.b.c", tags=tags, aliases=aliases)
    there.get_registered_model = lambda _name: found  # type: ignore[method-assign]
    told = UnityClient(there).get_registered_model("a.b.c")
    assert (told.name, told.tags, told.aliases) == ("a.b.c", {HOLD: "ab"}, {"champion": "7"})
