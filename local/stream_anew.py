"""`make stream-anew USE_CASE=iot_devices`: forgets how far its streams are. The next run looks at every file again."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from local.commands import tell
from local.home import from_environment
from spark_jobs import use_cases
from spark_jobs.declare import BadRequest, NightshiftError, Place


def main(typed: Mapping[str, str]) -> None:
    use_case, home = use_cases.load(typed.get("USE_CASE", "")), from_environment(typed)
    streams = [table.name for table in use_case.tables if table.stream]
    if not streams:
        raise BadRequest(
            "USE_CASE", f"{use_case.name} takes none of its tables as a stream: there is nothing to forget"
        )
    place = Place(lake=str(home.lake), landing="", tracking="", registry="")
    for table in streams:
        folder = Path(place.checkpoint(use_case.name, table))
        if folder.exists():
            shutil.rmtree(folder)
    tell(
        f"{', '.join(streams)} of {use_case.name} begins anew with the next run. What is loaded already stays as it is."
    )


if __name__ == "__main__":
    try:
        main(os.environ)
    except NightshiftError as problem:
        sys.exit(str(problem))
