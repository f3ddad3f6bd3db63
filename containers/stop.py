"""`make stack-stop` and `make stack-remove DATA=yes`: ends the stack; its volumes stay, or go too."""

import os
import sys

from containers.compose import Stack, check_docker, from_environment
from local.commands import step, tell
from spark_jobs.declare import NightshiftError


def main() -> None:
    stack = from_environment()
    check_docker()
    if "--remove" not in sys.argv:
        with step("Stopping; all data stay"):
            stack.compose("stop")
        return
    tell(f"This goes: containers, networks and images of {stack.name}" + ("" if _data() else "; data stay"))
    for volume, size in sorted(volumes(stack).items()):
        tell(f"  {'goes' if _data() else 'stays'}: volume {volume}, {size}")
    if _data():
        tell(f"  stays: secrets in {stack.secrets}")
    else:
        tell("Type DATA=yes behind it, and volumes go too.")
    with step("Removing"):
        stack.compose("rm", "--stop", "--force", "-v")  # with what has no name and nobody asks for again
        stack.compose("down", "--remove-orphans", "--rmi", "all", *(["--volumes"] if _data() else []))


def _data() -> bool:
    return os.environ.get("DATA") == "yes"


def volumes(stack: Stack) -> dict[str, str]:
    """Each with its size, as Docker knows it."""
    shown = "{{range .Volumes}}{{.Name}}\t{{.Size}}\n{{end}}"
    listed = (line.split("\t") for line in stack.docker("system", "df", "-v", "--format", shown).splitlines() if line)
    return {name: size for name, size in listed if name.startswith(f"{stack.name}_")}


if __name__ == "__main__":
    try:
        main()
    except (NightshiftError, OSError) as error:
        sys.exit(f"\n{error}")
