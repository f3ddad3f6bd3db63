"""What a workspace may hold besides, for who asks: a cluster, a policy for new ones, a scope for secrets (WITH=...)."""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from databricks.sdk.errors import NotFound
from databricks.sdk.service.compute import ClusterSpec
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.workspace import AclPermission

from local.commands import CannotGoOn, tell
from nightshift.databricks.compute import FIELD
from spark_jobs.declare import BadRequest
from workspace.connected import Connected
from workspace.plan import Part, parts

WITH = "WITH"
IDLE = 20  # minutes until a cluster that nobody uses ends itself
OF_ONE = ("SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED")  # nobody else may use such a cluster
APPLICATION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FIXED = ("spark_version", "node_type_id", "data_security_mode", "instance_pool_id")  # by a policy


def asked() -> set[str]:
    words = set(os.environ.get(WITH, "").replace(",", " ").split())
    if unknown := words - set(KINDS):
        raise BadRequest(WITH, f"names {', '.join(KINDS)}, or some of them; got {', '.join(sorted(unknown))}")
    return words


def wanted_parts(of: Connected) -> list[Part]:
    """What every night needs, and what was asked for."""
    return [*parts(of), *(kind(of).part for word, kind in KINDS.items() if word in asked())]


def all_parts(of: Connected) -> list[Part]:
    return [*parts(of), *(kind(of).part for kind in KINDS.values())]


def grant(of: Connected, principal: str) -> None:
    """Again and again the same: it adds, and takes nothing away."""
    for kind in [kind(of) for word, kind in KINDS.items() if word in asked()]:
        kind.allow(principal)
        tell(f"  {principal} may now use {kind.part.name}.")


@dataclass(frozen=True)
class OnRequest:
    """Known again by its name, which says what it is for."""

    of: Connected

    @property
    def name(self) -> str:
        return f"nightshift {self.of.told.lake}"

    def given(self) -> Mapping[str, Any]:
        """The new cluster that the settings speak of."""
        if not self.of.told.compute.cluster:
            raise CannotGoOn(f"{FIELD} names no new cluster as JSON, so there is nothing to make one by: set it.")
        return self.of.told.compute.tagged(self.of.told.tags)

    def permit(self, kind: str, number: str, principal: str, level: PermissionLevel) -> None:
        wanted = AccessControlRequest(permission_level=level, **{_kind_of(principal): principal})
        self.of.client.permissions.update(kind, number, access_control_list=[wanted])


class Cluster(OnRequest):
    @property
    def part(self) -> Part:
        clusters = self.of.client.clusters
        return Part(
            name=f"cluster {self.name}",
            is_there=self.number,
            make=self.make,
            remove=lambda: clusters.permanent_delete(self.number()),
        )

    def number(self) -> str:
        found = ((one.cluster_name, one.cluster_id) for one in self.of.client.clusters.list())
        return _named(self.name, found)

    def make(self) -> None:
        given = {"autotermination_minutes": IDLE, **self.given(), "cluster_name": self.name}
        if given["data_security_mode"] in OF_ONE:
            given.setdefault("single_user_name", os.environ.get("PRINCIPAL"))  # nothing: of whoever makes it
        typed = {name: value for name, value in vars(ClusterSpec.from_dict(given)).items() if value}
        if not typed.keys() & {"autoscale", "is_single_node"}:
            typed.setdefault("num_workers", 0)  # nought is a size, too
        self.of.client.clusters.create(**typed)
        tell(f"  For jobs to run on it: {FIELD}={self.number()}")

    def allow(self, principal: str) -> None:
        self.permit("clusters", self.number(), principal, PermissionLevel.CAN_RESTART)


class Policy(OnRequest):
    @property
    def part(self) -> Part:
        policies = self.of.client.cluster_policies
        return Part(
            name=f"policy {self.name}",
            is_there=self.number,
            make=self.make,
            remove=lambda: policies.delete(self.number()),
        )

    def number(self) -> str:
        return _named(self.name, ((one.name, one.policy_id) for one in self.of.client.cluster_policies.list()))

    def make(self) -> None:
        """Clusters of the settings' kind and no other."""
        given = self.given()
        rules = {name: {"type": "fixed", "value": given[name]} for name in FIXED if name in given}
        self.of.client.cluster_policies.create(name=self.name, definition=json.dumps(rules))
        tell(f'  For new clusters to be made by it, in {FIELD}: "policy_id": "{self.number()}"')

    def allow(self, principal: str) -> None:
        self.permit("cluster-policies", self.number(), principal, PermissionLevel.CAN_USE)


class Scope(OnRequest):
    """Clusters read it: {{secrets/<scope>/<key>}} among their `spark_env_vars`."""

    @property
    def name(self) -> str:
        return f"nightshift-{self.of.told.lake}"

    @property
    def part(self) -> Part:
        secrets = self.of.client.secrets
        return Part(
            name=f"scope {self.name}",
            is_there=lambda: _named(self.name, ((one.name, one.name) for one in secrets.list_scopes())),
            make=lambda: secrets.create_scope(self.name),
            remove=lambda: secrets.delete_scope(self.name),
        )

    def allow(self, principal: str) -> None:
        self.of.client.secrets.put_acl(self.name, principal, AclPermission.READ)


KINDS: dict[str, Callable[[Connected], Cluster | Policy | Scope]] = {
    "cluster": Cluster,
    "policy": Policy,
    "scope": Scope,
}


def _kind_of(principal: str) -> str:
    if "@" in principal:
        return "user_name"
    return "service_principal_name" if APPLICATION.fullmatch(principal) else "group_name"


def _named(name: str, found: Iterable[tuple[str | None, str | None]]) -> str:
    for one, number in found:
        if one == name and number:
            return number
    raise NotFound(f"there is no {name}")
