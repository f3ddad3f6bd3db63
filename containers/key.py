"""`make stack-key`: a key for a client of the stack's models, shown once; the file keeps its hash."""

import os
import sys

from containers.compose import Stack, from_environment
from local.commands import tell
from serving.keys import new
from spark_jobs.declare import NightshiftError


def key_of(stack: Stack, name: str) -> str:
    key = new(stack.serving / "keys", name)
    stack.give(stack.serving)
    return key


def main(stack: Stack, name: str) -> None:
    tell(f"{key_of(stack, name)}\n\nA request names it in its header: Authorization: Bearer <key>")
    tell(f"It is not kept. To revoke it, take the line of {name} out of {stack.serving / 'keys'}; it counts at once.")


if __name__ == "__main__":
    try:
        main(from_environment(), os.environ.get("NAME", ""))
    except (NightshiftError, OSError) as error:
        sys.exit(str(error))
