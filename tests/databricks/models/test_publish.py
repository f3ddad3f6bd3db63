"""A version goes into a schema of Unity Catalog: the workspace is the fake one, with a real MLflow behind it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test

from spark_jobs.declare import Refused, Unreachable, tags
from spark_jobs.declare.elsewhere import place_of
from spark_jobs.declare.unity import UnityClient, versions_of
from spark_jobs.publishing.elsewhere import registry_of
from spark_jobs.publishing.giving import Result, give
from spark_jobs.publishing.taking import Taken, take
from spark_jobs.tracking.digest import digest
from tests.databricks.fake.answers import Answer, Asked, missing
from tests.databricks.fake.server import Workspace, workspace
from tests.elsewhere import killed_at, mlflow_server
from tests.serving.shelf import CENSUS, Shelf

LONG = "what people said of it, at length: " + "word " * 400
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("mlflow")
    with mlflow_server(folder) as address, workspace(tmp_path_factory.mktemp("workspace"), mlflow=address) as found:
        yield found


@pytest.fixture(autouse=True)
def signed_in(fake: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", fake.address)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-of-runs")


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    shelf.add(CENSUS)
    for name, text in {tags.REASONS: LONG, tags.VERDICT: "PROMOTE", "of-somebody: a note": "and no more"}.items():
        shelf.client.set_model_version_tag(CENSUS, "1", name, text)
    shelf.crown(CENSUS, "1")
    return shelf


@pytest.fixture
def taken(laptop: Shelf, tmp_path: Path) -> Taken:
    return take(laptop.client, laptop.place, CENSUS, "", tmp_path)


def published(schema: str, taken: Taken, *aliases: str) -> Result:
    place = place_of(f"databricks-uc:main.{schema}")
    with registry_of(place, "DATABRICKS_TOKEN") as client:
        return give(client, place, taken, aliases)


def seen(schema: str) -> tuple[UnityClient, list[Any]]:
    client = UnityClient(MlflowClient("databricks", "databricks-uc"))
    return client, versions_of(client, f"main.{schema}.{CENSUS}")


def test_a_version_is_in_the_schema_once_with_all_that_is_known_of_it(taken: Taken, tmp_path: Path) -> None:
    told = published("models", taken)
    assert told == {
        "model": f"main.models.{CENSUS}",
        "registry": "databricks-uc:main.models",
        "version": "1",
        "from": "1",
        "new": True,
        "aliases": ["champion"],
        "left": {},
    }
    assert published("models", taken) == told | {"new": False}
    client, (found,) = seen("models")
    ours = {name: text for name, text in taken.version.tags.items() if name.startswith("nightshift.")}
    assert {name: found.tags[name] for name in ours} == ours
    assert json.loads(found.tags[tags.PUBLISHED])["run"] == taken.version.run_id
    from mlflow.artifacts import download_artifacts

    source = client.get_model_version_download_uri(found.name, found.version)
    files = download_artifacts(source, dst_path=str(tmp_path / "files"), registry_uri="databricks-uc")
    assert digest(Path(files)) == taken.files
    run = client.get_run(found.run_id)
    experiment = client.get_experiment(run.info.experiment_id)
    assert experiment.name == f"/Shared/main.models.{CENSUS}.published"


def test_one_that_went_through_a_schema_is_the_same_one_behind_it(
    fake: Workspace, taken: Taken, tmp_path: Path
) -> None:
    import mlflow

    published("between", taken)
    between, beyond = place_of("databricks-uc:main.between"), place_of(fake.mlflow.server)
    mlflow.set_tracking_uri("file:///nowhere")  # as where nothing was set
    client: Any = UnityClient(MlflowClient(between.tracking, between.registry))
    again = take(client, between, CENSUS, "", tmp_path / "again")
    assert (again.origin, again.files, again.aliases) == (taken.origin, taken.files, ("champion",))
    with registry_of(beyond, "") as client:
        assert give(client, beyond, again)["new"]
        told = give(client, beyond, taken)
    assert (told["new"], told["version"], told["from"]) == (False, "1", "1")


STEPS = (
    *("create_registered_model", "create_experiment", "create_run", "log_artifacts", "create_model_version"),
    "set_registered_model_alias",
)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_one_that_was_killed_is_finished_by_the_next(step: str, when: str, taken: Taken) -> None:
    schema = f"{step}_{when}"
    with killed_at(MlflowClient, step, when):
        published(schema, taken)
    assert published(schema, taken)["aliases"] == ["champion"]
    client, versions = seen(schema)
    assert [str(one.version) for one in versions] == ["1"]
    assert len(client.search_runs([client.get_run(versions[0].run_id).info.experiment_id])) == 1


def test_a_version_whose_files_never_came_is_cleared_and_nobody_else_s_is(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.store._unity_catalog.registry.rest_store import UcModelRegistryStore

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(UcModelRegistryStore, "_finalize_model_version", killed)
        for one in (taken, replace(taken, version=_of_another(taken))):
            with pytest.raises(KeyboardInterrupt):
                published("halves", one)
    client, versions = seen("halves")
    assert versions == []
    assert {str(one.version) for one in client.unfinished_versions(f"main.halves.{CENSUS}")} == {"1", "2"}
    assert published("halves", taken)["version"] == "3"
    assert [str(one.version) for one in client.unfinished_versions(f"main.halves.{CENSUS}")] == ["2"]


def _of_another(taken: Taken) -> Any:
    from copy import deepcopy

    other = deepcopy(taken.version)
    other.tags[tags.IMPORTED] = "another"
    return other


def test_a_schema_that_is_not_there_is_named(fake: Workspace, taken: Taken) -> None:
    def nowhere(asked: Asked, _: Workspace) -> Answer | None:
        if "registered-models" in asked.path:
            raise missing("Schema 'main.nowhere' does not exist.")
        return None

    fake.trouble.append(nowhere)
    try:
        with pytest.raises(Refused, match=r"^databricks-uc:main\.nowhere has no schema main\.nowhere: make it"):
            published("nowhere", taken)
    finally:
        fake.trouble.remove(nowhere)


def test_a_right_that_is_lacking_is_named_and_a_wrong_token_is_told(
    fake: Workspace, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.databricks.fake.answers import Refusal

    def lacks(asked: Asked, _: Workspace) -> Answer | None:
        if "registered-models/create" in asked.path:
            raise Refusal(403, "PERMISSION_DENIED", "User does not have CREATE MODEL on Schema 'main.closed'.")
        return None

    fake.trouble.append(lacks)
    try:
        with pytest.raises(
            Refused, match=r"^databricks-uc:main\.closed refuses .* GRANT CREATE MODEL ON SCHEMA main\.closed"
        ):
            published("closed", taken)
    finally:
        fake.trouble.remove(lacks)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-wrong")
    with pytest.raises(Refused, match="does not let us in, or not do this: look at DATABRICKS_TOKEN") as raised:
        published("closed", taken)
    assert "dapi-wrong" not in str(raised.value)


def test_a_workspace_that_is_away_is_one_sentence_at_once(taken: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", "127.0.0.1:9")
    with pytest.raises(Unreachable, match=r"^databricks-uc:main\.models does not answer: see that it is up"):
        published("models", taken)


def test_no_way_into_a_workspace_is_one_sentence(taken: Taken, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABRICKS_HOST")
    monkeypatch.delenv("DATABRICKS_TOKEN")
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(Refused, match="does not let us in, or not do this: look at DATABRICKS_TOKEN"):
        published("models", taken)
