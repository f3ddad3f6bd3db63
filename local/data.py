"""`make data USE_CASE=bike_sharing [FROM=folder or URL]`: fetches the published data of a use case once."""

import os
import sys
from collections.abc import Mapping

from local.commands import tell
from local.home import from_environment
from spark_jobs import use_cases
from spark_jobs.declare import NightshiftError
from spark_jobs.raw.publication import fetch


def main(typed: Mapping[str, str]) -> None:
    use_case, home = use_cases.load(typed.get("USE_CASE", "")), from_environment(typed)
    folder = fetch(use_case, home.root / "landing", typed.get("FROM", ""))
    tell(f"{folder} holds {', '.join(sorted(file.name for file in folder.iterdir()))}")


if __name__ == "__main__":
    try:
        main(os.environ)
    except NightshiftError as problem:
        sys.exit(str(problem))
