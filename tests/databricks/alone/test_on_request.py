"""A cluster, a policy and a scope for secrets: made for who asks for them, once, and removed with the rest."""

import json

import pytest

from local.commands import CannotGoOn
from nightshift.databricks.workspace import workspace_of
from spark_jobs.declare import BadRequest
from tests.databricks.address import CLUSTER
from tests.databricks.alone.test_workspace import LAKE
from tests.databricks.fake.server import Workspace
from workspace.check import lacks
from workspace.connected import Connected, connected
from workspace.down import down
from workspace.up import up

PRINCIPAL = "5f0a1c3e-0000-4000-8000-000000000001"


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WITH", "cluster policy scope")
    monkeypatch.setenv("PRINCIPAL", PRINCIPAL)


def test_nothing_of_it_is_made_unless_it_is_asked_for(fake: Workspace, signed_in: Connected) -> None:
    up(signed_in)
    assert (fake.compute.clusters, fake.compute.policies, fake.compute.scopes) == ({}, {}, {})


def test_what_is_asked_for_is_shown_made_once_and_may_be_used(
    fake: Workspace,
    signed_in: Connected,
    everything: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PLAN", "yes")
    up(signed_in)
    assert f"make  cluster nightshift {LAKE}" in capsys.readouterr().out
    assert fake.compute.clusters == {}
    monkeypatch.delenv("PLAN")
    up(signed_in)
    up(signed_in)
    ((number, cluster),) = fake.compute.clusters.items()
    assert cluster.items() >= CLUSTER.items()
    assert cluster["autotermination_minutes"] > 0
    assert cluster["single_user_name"] == PRINCIPAL  # else only whoever made it could use it
    ((policy, rules),) = fake.compute.policies.items()
    assert json.loads(rules["definition"])["node_type_id"] == {"type": "fixed", "value": CLUSTER["node_type_id"]}
    assert fake.compute.scopes == {f"nightshift-{LAKE}": {PRINCIPAL: "READ"}}
    assert fake.compute.allowed["clusters", number] == {PRINCIPAL: "CAN_RESTART"}
    assert fake.compute.allowed["cluster-policies", policy] == {PRINCIPAL: "CAN_USE"}
    assert f"NIGHTSHIFT_COMPUTE={number}" in capsys.readouterr().out
    monkeypatch.setenv("NIGHTSHIFT_COMPUTE", number)
    up(connected())
    assert list(fake.compute.clusters) == [number]


@pytest.mark.parametrize(
    "case",
    [
        ("SINGLE_USER", "", None),
        ("USER_ISOLATION", PRINCIPAL, None),
        ("DATA_SECURITY_MODE_DEDICATED", "night workers", "night workers"),
    ],
)
def test_a_cluster_is_of_one_principal_where_its_mode_and_the_person_say_so(
    fake: Workspace, signed_in: Connected, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, str | None]
) -> None:
    mode, principal, whose = case
    monkeypatch.setenv("WITH", "cluster")
    monkeypatch.setenv("PRINCIPAL", principal)
    monkeypatch.setenv("NIGHTSHIFT_COMPUTE", json.dumps(CLUSTER | {"data_security_mode": mode}))
    up(connected())
    (cluster,) = fake.compute.clusters.values()
    assert cluster.get("single_user_name") == whose


def test_a_cluster_has_its_own_tags_and_those_for_the_bill(
    fake: Workspace, signed_in: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WITH", "cluster")
    monkeypatch.setenv("NIGHTSHIFT_TAGS", "team=bikes")
    up(connected())
    (cluster,) = fake.compute.clusters.values()
    assert cluster["custom_tags"] == {"ResourceClass": "SingleNode", "team": "bikes"}


@pytest.mark.parametrize(
    ("principal", "kind"),
    [("ann@example.org", "user_name"), (PRINCIPAL, "service_principal_name"), ("nights", "group_name")],
)
def test_a_principal_is_a_person_an_application_or_a_group(
    fake: Workspace, signed_in: Connected, monkeypatch: pytest.MonkeyPatch, principal: str, kind: str
) -> None:
    monkeypatch.setenv("WITH", "policy")
    monkeypatch.setenv("PRINCIPAL", principal)
    up(signed_in)
    (asked,) = [one for one in fake.asked if "/permissions/cluster-policies" in one.path]
    assert asked.json["access_control_list"] == [{kind: principal, "permission_level": "CAN_USE"}]


def test_check_says_that_it_lacks(signed_in: Connected, everything: None) -> None:
    found = [one.partition(":")[0] for one in lacks(signed_in)]
    assert found[3:] == [f"cluster nightshift {LAKE}", f"policy nightshift {LAKE}", f"scope nightshift-{LAKE}"]


def test_down_removes_it_whoever_asks_and_nothing_of_others(
    fake: Workspace, signed_in: Connected, everything: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.compute.clusters["of-others"] = {"cluster_name": "nightshift main.other", "cluster_id": "of-others"}
    up(signed_in)
    monkeypatch.delenv("WITH")
    monkeypatch.setenv("REMOVE", "yes")
    fake.catalog.tables.add(f"{LAKE}.bike_sharing_silver_rides")  # which stays, and needs none of it
    down(signed_in)
    assert (list(fake.compute.clusters), fake.compute.policies, fake.compute.scopes) == (["of-others"], {}, {})


def test_a_word_that_is_none_and_a_cluster_of_no_kind_are_refused(
    fake: Workspace, signed_in: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WITH", "clusters")
    with pytest.raises(BadRequest, match="names cluster, policy, scope, or some of them; got clusters"):
        up(signed_in)
    assert fake.catalog.schemas == set()
    monkeypatch.setenv("WITH", "cluster")
    monkeypatch.setenv("NIGHTSHIFT_COMPUTE", "serverless")
    serverless = Connected(signed_in.client, workspace_of({"NIGHTSHIFT_COMPUTE": "serverless"} | _names()))
    with pytest.raises(CannotGoOn, match="names no new cluster as JSON"):
        up(serverless)


def _names() -> dict[str, str]:
    return dict(zip(("NIGHTSHIFT_CATALOG", "NIGHTSHIFT_SCHEMA"), LAKE.split("."), strict=True))
