"""`make stack-status`: what is up, which version, since when, how full."""

import sys

from containers.compose import check_docker, from_environment
from containers.settings import BUILD
from containers.stop import volumes
from local.commands import tell
from spark_jobs.declare import NightshiftError

LINE = "  {:<32} {:<24} {:<28} {:>20}"


def main() -> None:
    stack = from_environment()
    check_docker()
    containers = stack.listed("Names", "Status", "Image")
    if not containers:
        tell(f"No stack of the name {stack.name} is here: type `make stack`.")
        return
    used = dict(
        line.split("\t")
        for line in stack.docker("stats", "--no-stream", "--format", "{{.Name}}\t{{.MemUsage}}").splitlines()
    )
    tell(LINE.format("part", "state", "image", "memory"))
    for name, status, image in sorted(containers):
        tell(LINE.format(name, status, image, used.get(name, "")))
    for volume, size in sorted(volumes(stack).items()):
        tell(f"  {volume:<32} {size}")
    for name in sorted(set(stack.said) - set(BUILD)):
        tell(f"  {name}={stack.said[name]}")


if __name__ == "__main__":
    try:
        main()
    except (NightshiftError, OSError) as error:
        sys.exit(f"\n{error}")
