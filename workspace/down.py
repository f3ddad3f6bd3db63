"""`make databricks-down`: what would go; with REMOVE=yes it goes, with DROP=yes tables and models too; under no run.

What somebody else made stays: a schema or a volume that `databricks-up` found there, tables and models of no use case.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from databricks.sdk.errors import NotFound

from local.commands import CannotGoOn, tell
from spark_jobs.use_cases import names
from workspace.connected import Connected, started
from workspace.on_request import all_parts
from workspace.plan import Part


def down(of: Connected) -> None:
    refuse_while_active(of)
    drop = os.environ.get("DROP") == "yes"
    removal = Removal.planned(of, drop=drop)
    removal.show()
    if not drop and any(is_ours(one) for one in removal.kept):
        tell("  Type DROP=yes behind it, and tables and models of use cases go too.")
    if os.environ.get("REMOVE") != "yes":
        tell("  Nothing is removed yet: type it again with REMOVE=yes behind it.")
        return
    removal.carry_out()
    tell("  Done.")


@dataclass(frozen=True, kw_only=True)
class Removal:
    of: Connected
    dropped: list[str]  # tables and models
    removed: list[Part]
    kept: list[str]

    @classmethod
    def planned(cls, of: Connected, *, drop: bool) -> "Removal":
        parts = [part for part in reversed(all_parts(of)) if part.exists()]
        ours = [part for part in parts if part.is_ours()]
        held = list(held_by_schema(of, but=[part.name for part in ours]))
        dropped = [one for one in held if drop and is_ours(one)]
        staying = [one for one in held if one not in dropped]
        removed = [part for part in ours if not needed(part, staying)]
        kept = list(dict.fromkeys([*(part.name for part in parts if part not in removed), *staying]))
        return cls(of=of, dropped=dropped, removed=removed, kept=kept)

    def show(self) -> None:
        for name in (*self.dropped, *(part.name for part in self.removed)):
            tell(f"    remove  {name}")
        for name in self.kept:
            tell(f"    keep  {name}")

    def carry_out(self) -> None:
        for name in self.dropped:
            kind, _, full_name = name.partition(" ")
            (self.of.client.tables if kind == "table" else self.of.client.registered_models).delete(full_name)
        for part in self.removed:
            part.remove()


def refuse_while_active(of: Connected) -> None:
    if active := of.active():
        names = ", ".join(str(run.run_name) for run in active)
        raise CannotGoOn(f"Runs are at work: {names}. Pause the Dags, wait for their end, then type it again.")


def needed(part: Part, staying: list[str]) -> bool:
    """A schema by all that it holds; by tables and models of ours also their raw files, and the runs they came of."""
    if part.name.startswith("schema "):
        return bool(staying)
    return part.name.startswith(("volume ", "folder ")) and any(is_ours(one) for one in staying)


def held_by_schema(of: Connected, but: list[str]) -> Iterator[str]:
    client, catalog, schema = of.client, of.told.catalog, of.told.schema
    try:
        yield from (f"table {one.full_name}" for one in client.tables.list(catalog, schema))
        models = client.registered_models.list(catalog_name=catalog, schema_name=schema)
        yield from (f"model {one.full_name}" for one in models)
        volumes = (f"volume {one.full_name}" for one in client.volumes.list(catalog, schema))
        yield from (name for name in volumes if name not in but)
    except NotFound:
        return


def is_ours(thing: str) -> bool:
    """A table or a model of a use case, by its name."""
    kind, _, full_name = thing.partition(" ")
    name = full_name.rpartition(".")[2]
    if kind == "table":
        return name.startswith(tuple(f"{use_case}_" for use_case in names()))
    return kind == "model" and name in names()


if __name__ == "__main__":
    started(down)
