"""The fake's own strictness: every wrong request is refused, and each kind of compute of ours is not."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from nightshift.databricks.compute import SINGLE_NODE, Compute
from nightshift.databricks.request import Request
from nightshift.databricks.workspace import workspace_of
from spark_jobs.declare import BadRequest
from tests.databricks.fake.answers import Refusal
from tests.databricks.fake.bodies import check_submit, unknown_or_wrong, unread_as_a_job

NEW: dict[str, Any] = {"spark_version": "17.3.x-cpu-ml-scala2.13", "node_type_id": "m5.large", "num_workers": 1}
NEW |= {"data_security_mode": "SINGLE_USER"}
COMPUTES = {
    "serverless": "serverless",
    "new": json.dumps(NEW),
    "one machine": json.dumps(NEW | {"num_workers": 0} | SINGLE_NODE),
    "one machine, by the newer words": json.dumps(
        {name: value for name, value in NEW.items() if name != "num_workers"}
        | {"kind": "CLASSIC_PREVIEW", "is_single_node": True}
    ),
    "existing": "0923-164208-meows279",
}


def body(compute: str = "serverless", **more: str) -> dict[str, Any]:
    told = {"NIGHTSHIFT_CATALOG": "main", "NIGHTSHIFT_SCHEMA": "bikes", "NIGHTSHIFT_COMPUTE": compute, **more}
    request = Request(
        workspace=workspace_of(told),
        stage="main.bikes bike_sharing train",
        argv=["train", "bike_sharing"],
        owner="0123456789",
        longest=timedelta(hours=2),
    )
    return request.body


@pytest.mark.parametrize("kind", COMPUTES)
def test_what_we_ask_for_is_well_formed_on_every_compute(kind: str) -> None:
    check_submit(body(COMPUTES[kind]))


def test_tags_and_policies_reach_the_bill() -> None:
    tagged = body(COMPUTES["new"], NIGHTSHIFT_TAGS="team=bikes,cost=42")
    assert tagged["tasks"][0]["new_cluster"]["custom_tags"] == {"team": "bikes", "cost": "42"}
    assert body(NIGHTSHIFT_USAGE_POLICY="abc")["budget_policy_id"] == "abc"
    for good in (tagged, body(NIGHTSHIFT_USAGE_POLICY="abc"), body(NIGHTSHIFT_VIEWERS="nights")):
        check_submit(good)


def test_what_was_typed_of_a_cluster_is_sent_as_it_is() -> None:
    typed = NEW | {"spark_conf": {}, "custom_tags": {"ours": "yes"}}
    assert body(json.dumps(typed))["tasks"][0]["new_cluster"] == typed


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    wrong = deepcopy(body())
    change(wrong)
    return wrong


def on_new(body: dict[str, Any]) -> dict[str, Any]:
    body["tasks"][0].pop("environment_key")
    found: dict[str, Any] = body["tasks"][0].setdefault("new_cluster", dict(NEW))
    return found


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda b: b.update(run_nam="x"), "unknown field run_nam"),
        (lambda b: b.update(timeout_seconds="7200"), "timeout_seconds must be int"),
        (lambda b: b.update(tasks=[]), "tasks is empty"),
        (lambda b: b.update(idempotency_token="x" * 65), "longer than 64"),
        (lambda b: b["tasks"].append(b["tasks"][0]), "used twice"),
        (lambda b: b["tasks"][0].pop("task_key"), "lacks task_key"),
        (lambda b: b["tasks"][0].update(task_key="a b"), "holds what it must not"),
        (lambda b: b["tasks"][0].update(spark_python_task={"python_file": "x"}), "must be of one kind"),
        (lambda b: b["tasks"][0].pop("python_wheel_task"), "must be of one kind"),
        (lambda b: b["tasks"][0]["python_wheel_task"].update(params=[]), "unknown field params"),
        (lambda b: b["tasks"][0]["python_wheel_task"].update(parameters="x"), "parameters must be list"),
        (lambda b: b["tasks"][0].update(existing_cluster_id="x"), "must name one compute"),
        (lambda b: b["tasks"][0].pop("environment_key"), "must name one compute"),
        (lambda b: b.pop("environments"), "which is not defined"),
        (lambda b: b["tasks"][0].update(libraries=[{"whl": "x"}]), "not for serverless"),
        (lambda b: b["tasks"][0].update(run_if="SOMETIMES"), "is not one of"),
        (lambda b: b["environments"][0]["spec"].update(version="4"), "unknown field version"),
        (lambda b: b["tasks"][0].update(depends_on=[{"task_key": "refine"}]), "depends on refine, which there is not"),
        (lambda b: b["tasks"][0].update(depends_on=[{"task_key": "train"}]), "wait for each other: ['train', 'train']"),
        (lambda b: on_new(b).update(num_workers=0), "a cluster of 0 workers runs nothing"),
    ],
)
def test_every_wrong_request_is_refused(change: Callable[[dict[str, Any]], object], says: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_submit(changed(change))
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'serverless', 'serverless:4'"),
        ("serverless:four", "got 'serverless:four'"),
        ("{", "is no JSON"),
        ('{"num_workers": 1}', "a new cluster needs spark_version"),
        ('{"spark_version": "x", "num_workers": 1}', "a new cluster needs node_type_id or instance_pool_id"),
        ('{"spark_version": "x", "num_workers": 1, "node_type_id": "m"}', "data_security_mode"),
        (json.dumps(NEW | {"num_workers": 0}), 'a cluster of 0 workers needs "spark_conf": '),
        (
            json.dumps(NEW | {"spark_version": "16.4.x-scala2.12"}),
            "needs a runtime of 17 or later, like 17.3, got 16.4",
        ),
    ],
)
def test_compute_is_never_guessed(text: str, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        Compute.of(text)


def test_both_oracles_are_asked() -> None:
    wrong = changed(lambda b: b["tasks"][0].update(nonsense=1))
    assert list(unknown_or_wrong(wrong))
    assert list(unread_as_a_job(wrong))
