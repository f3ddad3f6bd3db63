"""The switch to a workspace that is really there. What it does to one is tried on a fake that it takes for real."""

import json

import pytest

from nightshift.databricks.workspace import workspace_of
from spark_jobs.declare import BadRequest
from tests.databricks.alone.conftest import Task
from tests.databricks.alone.test_once import Began, Tell, states, until
from tests.databricks.fake.server import Workspace
from tests.databricks.real import real, settings_of
from workspace.connected import Connected

THERE = {"DATABRICKS_HOST": "https://x.cloud", "NIGHTSHIFT_CATALOG": "main", "NIGHTSHIFT_COMPUTE": "serverless"}


def test_what_it_needs_is_asked_for_by_name() -> None:
    with pytest.raises(BadRequest, match="set DATABRICKS_HOST, NIGHTSHIFT_CATALOG, NIGHTSHIFT_COMPUTE, "):
        settings_of({})
    with pytest.raises(BadRequest, match=r"set DATABRICKS_CLIENT_SECRET$"):
        settings_of(THERE | {"DATABRICKS_CLIENT_ID": "an-id"})


def test_a_token_and_a_principal_are_told_as_airflow_wants_them() -> None:
    token = json.loads(settings_of(THERE | {"DATABRICKS_TOKEN": "t"})["AIRFLOW_CONN_DATABRICKS_DEFAULT"])
    assert (token["host"], token["schema"], token["password"]) == ("x.cloud", "https", "t")
    ours = {"DATABRICKS_CLIENT_ID": "an-id", "DATABRICKS_CLIENT_SECRET": "a-secret"}
    principal = json.loads(settings_of(THERE | ours)["AIRFLOW_CONN_DATABRICKS_DEFAULT"])
    assert (principal["login"], principal["password"]) == ("an-id", "a-secret")
    assert principal["extra"] == {"service_principal_oauth": True}


def test_its_schema_goes_with_all_it_holds_and_nothing_goes_of_others(fake: Workspace, signed_in: Connected) -> None:
    fake.catalog.schemas.add("spark_catalog.of_others")
    fake.catalog.tables.add("spark_catalog.of_others.a")
    with pytest.raises(RuntimeError, match="in the middle"), real() as told:
        lake = workspace_of(told).lake
        assert lake in fake.catalog.schemas
        assert lake != signed_in.told.lake
        fake.catalog.tables.add(f"{lake}.bike_sharing_silver_rides")
        fake.catalog.models.add(f"{lake}.bike_sharing")
        raise RuntimeError("in the middle")
    assert fake.catalog.schemas == {"spark_catalog.of_others"}
    assert (fake.catalog.tables, fake.catalog.models) == ({"spark_catalog.of_others.a"}, set())
    assert fake.catalog.volumes == set()


def test_runs_that_a_test_left_are_ended_first(
    fake: Workspace, signed_in: Connected, tell: Tell, began: Began, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = str(fake.files.root / "volume")
    with real() as told:
        monkeypatch.setenv("NIGHTSHIFT_SCHEMA", told["NIGHTSHIFT_SCHEMA"])
        monkeypatch.setenv("NIGHTSHIFT_VOLUME", volume)
        tell(wait=60)
        Task().begin()
        until(began)
    assert states(fake) == ["CANCELED"]
    assert fake.catalog.schemas == set()
