"""`make databricks-check`: what a workspace lacks, right by right, before anybody starts a night."""

from collections.abc import Iterator

from local.commands import CannotGoOn, tell
from nightshift.databricks.wheel import Wheel
from workspace.connected import Connected, started
from workspace.deploy import found
from workspace.on_request import wanted_parts
from workspace.plan import missing_rights, models, principal_of, securables


def check(of: Connected) -> None:
    lacking = list(lacks(of))
    for one in lacking:
        tell(f"    lacks  {one}")
    if lacking:
        raise CannotGoOn(f"{of.client.config.host} lacks {len(lacking)} of what a night needs.")
    tell(f"  {of.client.config.host} has all that a night needs.")


def lacks(of: Connected) -> Iterator[str]:
    principal, there = principal_of(of), True
    for part in wanted_parts(of):
        if not part.exists():
            there = False
            yield f"{part.name}: type `make databricks-up`"
    if not there:
        return
    for kind, name in securables(of).items():
        for right in missing_rights(of, kind, name, principal):
            yield f"{right} on {kind} {name}: GRANT {right.replace('_', ' ')} ON {kind.upper()} {name} TO `{principal}`"
    for model in [one for one in models(of) if one.owner != principal]:
        whose = f"ownership of model {model.full_name}, which is {model.owner}'s"
        yield f"{whose}: type `make databricks-up PRINCIPAL={principal}`, for nobody else moves its aliases"
    if Wheel().name not in found(of):
        yield f"{Wheel().name} in {of.told.wheels}: type `make deploy`"


if __name__ == "__main__":
    started(check)
