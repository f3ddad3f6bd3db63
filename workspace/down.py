"""`make databricks-down`: what `databricks-up` made goes; tables and models only on request, and never under a run."""

import os

from databricks.sdk.errors import NotFound

from local.commands import CannotGoOn, tell
from workspace.connected import Connected, started
from workspace.on_request import all_parts
from workspace.plan import Part


def down(of: Connected) -> None:
    drop = os.environ.get("DROP") == "yes"
    refuse_while_active(of)
    kept = tables_and_models(of)
    going = [part for part in reversed(all_parts(of)) if part.exists() and (drop or not needed(part, kept))]
    for part in going:
        tell(f"    remove  {part.name}")
    for name in kept:
        tell(f"    {'remove' if drop else 'keep'}  {name}")
    if os.environ.get("PLAN") == "yes":
        return
    if drop:
        empty(of)
    for part in going:
        part.remove()
    tell(
        "  Done." if drop or not kept else "  Tables and models stay, and so does their schema; with DROP=yes they go."
    )


def refuse_while_active(of: Connected) -> None:
    if active := of.active():
        names = ", ".join(str(run.run_name) for run in active)
        raise CannotGoOn(f"Runs are at work: {names}. Pause the Dags, wait for their end, then type it again.")


def needed(part: Part, kept: list[str]) -> bool:
    """A schema that holds something, and the folder of runs that models were made by."""
    return bool(kept) and part.name.startswith(("schema ", "folder "))


def tables_and_models(of: Connected) -> list[str]:
    catalog, schema = of.told.catalog, of.told.schema
    try:
        tables = [f"table {one.full_name}" for one in of.client.tables.list(catalog, schema)]
        models = of.client.registered_models.list(catalog_name=catalog, schema_name=schema)
        return tables + [f"model {one.full_name}" for one in models]
    except NotFound:
        return []


def empty(of: Connected) -> None:
    for name in tables_and_models(of):
        kind, _, full_name = name.partition(" ")
        (of.client.tables if kind == "table" else of.client.registered_models).delete(full_name)


if __name__ == "__main__":
    started(down)
