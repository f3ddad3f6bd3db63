"""`make serve-key`: a key for a client of `make serve`, shown once; the file keeps its hash."""

import os
import sys
from collections.abc import Mapping

from local.commands import tell
from local.home import Home, from_environment
from serving.keys import new
from spark_jobs.declare import NightshiftError


def main(home: Home, typed: Mapping[str, str]) -> None:
    path, name = home.root / "serving" / "keys", typed.get("NAME", "")
    key = new(path, name)
    tell(f"{key}\n\nA request names it in its header: Authorization: Bearer <key>")
    tell(f"It is not kept. To revoke it, take the line of {name} out of {path}; the service sees that at once.")


if __name__ == "__main__":
    try:
        main(from_environment(), os.environ)
    except NightshiftError as error:
        sys.exit(str(error))
