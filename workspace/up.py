"""`make databricks-up`: what a workspace needs for our lake, shown first and then made; again and again the same."""

import os

from databricks.sdk.service.catalog import PermissionsChange

from local.commands import tell
from workspace import on_request
from workspace.connected import Connected, started
from workspace.on_request import wanted_parts
from workspace.plan import missing_rights, models, principal_of, privileges, securables


def up(to: Connected) -> None:
    known = wanted_parts(to)
    wanted = [part for part in known if not part.exists()]
    tell(f"  {to.client.config.host}:")
    for part in known:
        tell(f"    {'make' if part in wanted else 'there'}  {part.name}")
    if os.environ.get("PLAN") == "yes":
        return
    for part in wanted:
        part.make()
        tell(f"  {part.name} is made.")
    if os.environ.get("PRINCIPAL"):
        grant(to, principal_of(to))


def grant(to: Connected, principal: str) -> None:
    for kind, name in securables(to).items():
        if lacking := missing_rights(to, kind, name, principal):
            change = PermissionsChange(add=privileges(lacking), principal=principal)
            to.client.grants.update(kind, name, changes=[change])
            tell(f"  {principal} may now {', '.join(lacking)} on {kind} {name}.")
    hand_over(to, principal)
    on_request.grant(to, principal)


def hand_over(to: Connected, principal: str) -> None:
    for model in [one for one in models(to) if one.owner != principal]:
        to.client.registered_models.update(str(model.full_name), owner=principal)
        tell(f"  {principal} owns the model {model.full_name} now: nobody else could move its aliases.")


if __name__ == "__main__":
    started(up)
