"""Clusters, policies and secret scopes of a workspace, and who may use them."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from tests.databricks.fake.answers import Answer, Asked, Refusal, malformed, missing

CLUSTERS, POLICIES, SECRETS = "/api/2.1/clusters/", "/api/2.0/policies/clusters/", "/api/2.0/secrets/"
PERMISSIONS, LIBRARIES = "/api/2.0/permissions/", "/api/2.0/libraries/"
ALL = (CLUSTERS, POLICIES, SECRETS, PERMISSIONS, LIBRARIES)
LEVELS = {"clusters": ("CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE"), "cluster-policies": ("CAN_USE",)}
WHO = ("user_name", "group_name", "service_principal_name")


@dataclass
class Compute:
    clusters: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    libraries: dict[str, list[str]] = field(default_factory=dict)  # wheels that a cluster was given, and keeps
    scopes: dict[str, dict[str, str]] = field(default_factory=dict)  # and who may do what with each
    allowed: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)  # kind and number: by principal

    def answer(self, asked: Asked) -> Answer:
        if asked.path.startswith(PERMISSIONS):
            return Answer(json=self.permissions(asked, *asked.path.removeprefix(PERMISSIONS).split("/")))
        for start, answered in (
            (CLUSTERS, self.cluster),
            (POLICIES, self.policy),
            (SECRETS, self.secret),
            (LIBRARIES, self.status),
        ):
            if asked.path.startswith(start):
                return Answer(json=answered(asked.path.removeprefix(start), asked.given))
        raise missing(f"nothing at {asked.path}")

    def cluster(self, what: str, given: dict[str, Any]) -> dict[str, Any]:
        if what == "list":
            return {"clusters": list(self.clusters.values())}
        if what == "permanent-delete":
            return self.clusters.pop(given["cluster_id"]) and {}
        if ("num_workers" in given) == ("autoscale" in given):
            raise malformed("Exactly 1 of num_workers and autoscale must be given")
        number = f"0923-164208-made{len(self.clusters)}"
        self.clusters[number] = given | {"cluster_id": number}
        return {"cluster_id": number}

    def status(self, what: str, given: dict[str, Any]) -> dict[str, Any]:
        """No field where there is nothing to say."""
        if what != "cluster-status":
            raise missing(f"libraries/{what} is not there")
        listed = [
            {"library": {"whl": one}, "status": "INSTALLED"} for one in self.libraries.get(given["cluster_id"], [])
        ]
        return {"cluster_id": given["cluster_id"]} | ({"library_statuses": listed} if listed else {})

    def policy(self, what: str, given: dict[str, Any]) -> dict[str, Any]:
        if what == "list":
            return {"policies": list(self.policies.values())}
        if what == "delete":
            return self.policies.pop(given["policy_id"]) and {}
        if any(rule.get("type") != "fixed" for rule in json.loads(given["definition"]).values()):
            raise malformed("Invalid policy definition")
        number = f"00{len(self.policies)}ABC"
        self.policies[number] = given | {"policy_id": number}
        return {"policy_id": number}

    def secret(self, what: str, given: dict[str, Any]) -> dict[str, Any]:
        if what == "scopes/list":
            return {"scopes": [{"name": one, "backend_type": "DATABRICKS"} for one in self.scopes]}
        name = given["scope"]
        if what == "scopes/create":
            if name in self.scopes:
                raise Refusal(HTTPStatus.BAD_REQUEST, "RESOURCE_ALREADY_EXISTS", f"Scope {name} already exists!")
            self.scopes[name] = {}
        elif name not in self.scopes:
            raise missing(f"Scope {name} does not exist!")
        elif what == "scopes/delete":
            self.scopes.pop(name)
        else:
            self.scopes[name][given["principal"]] = given["permission"]
        return {}

    def permissions(self, asked: Asked, kind: str, number: str) -> dict[str, Any]:
        if number not in {"clusters": self.clusters, "cluster-policies": self.policies}.get(kind, {}):
            raise missing(f"{kind} {number} does not exist")
        held = self.allowed.setdefault((kind, number), {})
        for one in asked.json.get("access_control_list", []):
            if one["permission_level"] not in LEVELS[kind]:
                raise malformed(f"{one['permission_level']} is no permission on {kind}")
            held[next(one[who] for who in WHO if who in one)] = one["permission_level"]
        return {"object_id": number, "object_type": kind}
