"""`make airflow ARGS="..."`: Airflow's command line on the Airflow of this folder."""

import os
import sys

from local.commands import CannotGoOn
from local.home import from_environment
from local.places import AIRFLOW
from local.services import surroundings


def main(arguments: list[str]) -> None:
    home = from_environment()
    if not (home.airflow / "airflow.cfg").exists():
        raise CannotGoOn(f"There is no Airflow in {home.root} yet: type `make run` first.")
    command = AIRFLOW / "bin" / "airflow"
    os.execve(command, [str(command), *arguments], surroundings() | home.settings())  # noqa: S606 - it takes our place


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CannotGoOn as error:
        sys.exit(str(error))
