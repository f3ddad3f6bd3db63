"""What a run computes on: the words of one setting, and what a request makes of them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spark_jobs.declare import BadRequest

FIELD = "NIGHTSHIFT_COMPUTE"
ENVIRONMENT = "4"  # Python 3.12
SERVERLESS = re.compile(r"serverless(?::(?P<version>[1-9]\d*))?")
RUNTIME = re.compile(r"(\d+)\.")  # of a spark_version that names one
EXISTING = re.compile(r"\d{4}-\d{6}-[a-z0-9]+")
SIZES = ("num_workers", "autoscale", "is_single_node")
MACHINES = ("node_type_id", "instance_pool_id", "policy_id")
# A cluster without workers runs nothing, unless it is told that its driver is all there is.
SINGLE_NODE = {
    "spark_conf": {"spark.databricks.cluster.profile": "singleNode", "spark.master": "local[*]"},
    "custom_tags": {"ResourceClass": "SingleNode"},
}
OLDEST = 17  # runtime: the first with Spark 4
KEY = "nightshift"

ALLOWED = "'serverless', 'serverless:4' (an environment version), the id of a cluster, or a new cluster as JSON"


@dataclass(frozen=True, kw_only=True)
class Compute:
    """One of three: serverless in this environment version, a new cluster for each run, or one that is there."""

    serverless: str = ""
    cluster: Mapping[str, Any] = field(default_factory=dict)
    existing: str = ""

    @classmethod
    def of(cls, text: str) -> "Compute":
        if found := SERVERLESS.fullmatch(text):
            return cls(serverless=found["version"] or ENVIRONMENT)
        if EXISTING.fullmatch(text):
            return cls(existing=text)
        if text.startswith("{"):
            return cls(cluster=_cluster(text))
        raise BadRequest(FIELD, f"is {ALLOWED}; got {text!r}")

    def of_a_task(self, wheel: str, tags: Mapping[str, str]) -> dict[str, Any]:
        if self.serverless:  # which tries a failed task again by itself, unless it is told not to
            return {"environment_key": KEY, "disable_auto_optimization": True}
        libraries = {"libraries": [{"whl": wheel}]}
        if self.existing:
            return {"existing_cluster_id": self.existing, **libraries}
        return {"new_cluster": self.tagged(tags), **libraries}

    def tagged(self, tags: Mapping[str, str]) -> dict[str, Any]:
        """The new cluster as it was given, with these tags besides its own."""
        more = {"custom_tags": {**self.cluster.get("custom_tags", {}), **tags}} if tags else {}
        return {**self.cluster, **more}

    def of_a_run(self, wheel: str) -> dict[str, Any]:
        if not self.serverless:
            return {}
        spec = {"environment_version": self.serverless, "dependencies": [wheel]}
        return {"environments": [{"environment_key": KEY, "spec": spec}]}


def _cluster(text: str) -> dict[str, Any]:
    try:
        cluster = json.loads(text)
    except ValueError as error:
        raise BadRequest(FIELD, f"is no JSON: {error}") from None
    for wanted in (("spark_version",), SIZES, MACHINES):
        if not any(name in cluster for name in wanted):
            raise BadRequest(FIELD, f"a new cluster needs {' or '.join(wanted)}; got {', '.join(cluster) or 'nothing'}")
    if "data_security_mode" not in cluster:
        raise BadRequest(FIELD, 'a new cluster needs "data_security_mode", like "SINGLE_USER", to see a catalog')
    if cluster.get("num_workers") == 0 and not _is_single_node(cluster):
        raise BadRequest(FIELD, f"a cluster of 0 workers needs {json.dumps(SINGLE_NODE)[1:-1]}")
    runtime = RUNTIME.match(str(cluster["spark_version"]))
    if runtime and int(runtime[1]) < OLDEST:
        raise BadRequest(FIELD, f"needs a runtime of {OLDEST} or later, like 17.3, got {cluster['spark_version']}")
    return dict(cluster)


def _is_single_node(cluster: Mapping[str, Any]) -> bool:
    return bool(cluster.get("is_single_node")) or all(
        wanted.items() <= cluster.get(name, {}).items() for name, wanted in SINGLE_NODE.items()
    )
