"""What a workspace must hold for a lake of ours, how each part is seen, made and removed."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from databricks.sdk.errors import NotFound
from databricks.sdk.service.catalog import Privilege, RegisteredModelInfo, VolumeType

from spark_jobs.use_cases import names
from workspace.connected import Connected

# What whoever runs nights needs, and no more.
RIGHTS = {
    "schema": ("USE_SCHEMA", "SELECT", "MODIFY", "CREATE_TABLE", "CREATE_MODEL", "EXECUTE", "APPLY_TAG"),
    "volume": ("READ_VOLUME", "WRITE_VOLUME"),
    "catalog": ("USE_CATALOG",),
}

OF_SCHEMA, OF_VOLUME = "Nightshift: tables and models", "Nightshift: raw files, exports and wheels"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing of a workspace."""

    name: str
    is_there: Callable[[], Any]  # raises NotFound where it is not
    make: Callable[[], Any]
    remove: Callable[[], Any]
    comment: str = ""  # that it is made with, where it has one and somebody else may have made it

    def is_ours(self) -> bool:
        return not self.comment or self.is_there().comment == self.comment

    def exists(self) -> bool:
        try:
            self.is_there()
        except NotFound:
            return False
        return True


def parts(of: Connected) -> Iterator[Part]:
    """In the order in which they are made."""
    client, told = of.client, of.told
    catalog, schema, volume = of.volume.split(".")
    yield Part(
        name=f"schema {told.lake}",
        is_there=lambda: client.schemas.get(told.lake),
        make=lambda: client.schemas.create(told.schema, told.catalog, comment=OF_SCHEMA),
        remove=lambda: client.schemas.delete(told.lake),
        comment=OF_SCHEMA,
    )
    yield Part(
        name=f"volume {of.volume}",
        is_there=lambda: client.volumes.read(of.volume),
        make=lambda: client.volumes.create(catalog, schema, volume, VolumeType.MANAGED, comment=OF_VOLUME),
        remove=lambda: client.volumes.delete(of.volume),
        comment=OF_VOLUME,
    )
    yield Part(
        name=f"folder {of.experiments}",
        is_there=lambda: client.workspace.get_status(of.experiments),
        make=lambda: client.workspace.mkdirs(of.experiments),
        remove=lambda: client.workspace.delete(of.experiments, recursive=True),
    )


def securables(of: Connected) -> dict[str, str]:
    return {"catalog": of.told.catalog, "schema": of.told.lake, "volume": of.volume}


def missing_rights(of: Connected, kind: str, name: str, principal: str) -> list[str]:
    """Granted to this very name, of those that nights need: a schema's owner may not read what others made in it."""
    found = of.client.grants.get_effective(kind, name, principal=principal)
    held = {
        one.privilege.value
        for assignment in found.privilege_assignments or []
        for one in assignment.privileges or []
        if one.privilege
    }
    return [] if "ALL_PRIVILEGES" in held else [right for right in RIGHTS[kind] if right not in held]


def models(of: Connected) -> list[RegisteredModelInfo]:
    """Those of use cases that are there."""
    found = of.client.registered_models.list(catalog_name=of.told.catalog, schema_name=of.told.schema)
    return [one for one in found if str(one.full_name).rpartition(".")[2] in names()]


def privileges(rights: list[str]) -> list[Privilege]:
    return [Privilege(right) for right in rights]


def principal_of(of: Connected) -> str:
    """Who runs nights: named, or who is signed in."""
    return os.environ.get("PRINCIPAL") or str(of.client.current_user.me().user_name)
