"""`make deploy`: this code as a wheel into the workspace, under a name that says what is in it."""

from io import BytesIO

from databricks.sdk.errors import NotFound

from local.commands import tell
from nightshift.databricks.wheel import PACKAGE, Wheel
from workspace.connected import Connected, name_of, started

KEPT = 5  # of those no run needs any more, for whoever goes back


def deploy(to: Connected) -> None:
    wheel, folder = Wheel(), to.told.wheels
    tell(f"  Signed in to {to.client.config.host} as {to.client.current_user.me().user_name}.")
    to.client.files.create_directory(folder)
    there = found(to)
    if wheel.name in there:
        tell(f"  {folder}/{wheel.name} is there already: this code was deployed before.")
    else:
        to.client.files.upload(f"{folder}/{wheel.name}", BytesIO(wheel.built()), overwrite=True)
        tell(f"  {folder}/{wheel.name} is uploaded. Tasks that begin from now on run it.")
    for name in superseded(to, wheel.name):
        to.client.files.delete(f"{folder}/{name}")
        tell(f"  {name} went: no run needs it.")


def found(to: Connected) -> list[str]:
    """Wheels of ours, the newest first; none where there is no folder for them yet."""
    try:
        entries = [one for one in to.client.files.list_directory_contents(to.told.wheels) if one.name]
    except NotFound:
        return []
    ours = [one for one in entries if str(one.name).startswith(f"{PACKAGE}-")]
    return [str(one.name) for one in sorted(ours, key=lambda one: -(one.last_modified or 0))]


def superseded(to: Connected, newest: str) -> list[str]:
    """Neither this one, nor one that a run began with or a bundle's job names, nor one of the few before."""
    jobs = [job.settings.name for job in to.client.jobs.list(limit=100) if job.settings]
    needed = {name_of(called).wheel for called in (*jobs, *(run.run_name for run in to.active()))}
    others = [name for name in found(to) if name != newest]
    return [name for name in others[KEPT - 1 :] if not any(code in name for code in needed if code)]


if __name__ == "__main__":
    started(deploy)
