"""`make airflow ARGS="..."`: Airflow's command line on the Airflow of this folder."""

import os
import shlex
import sys
from collections.abc import Mapping

from local.commands import CannotGoOn
from local.home import from_environment
from local.parts import surroundings
from local.places import AIRFLOW


def main(typed: Mapping[str, str]) -> None:
    home = from_environment(typed)
    if not (home.airflow / "airflow.cfg").exists():
        raise CannotGoOn(f"There is no Airflow in {home.root} yet: type `make run` first.")
    command = AIRFLOW / "bin" / "airflow"
    os.execve(command, [str(command), *words(typed.get("ARGS", ""))], surroundings() | home.settings())  # noqa: S606 - it takes our place


def words(text: str) -> list[str]:
    """As a shell would split it; nothing in it is run."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise CannotGoOn(f"ARGS: {text!r} cannot be read: {error}") from None


if __name__ == "__main__":
    try:
        main(os.environ)
    except CannotGoOn as error:
        sys.exit(str(error))
