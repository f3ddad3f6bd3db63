"""`make publish`: a version into another registry, with all that is known of it. In the Spark environment."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from local.at_hand import registry_of
from local.commands import step, tell
from local.home import Home, from_environment
from local.typed import model_of, version_of
from spark_jobs import use_cases
from spark_jobs.declare import NightshiftError, Place
from spark_jobs.declare.elsewhere import place_of, refuse_aliases
from spark_jobs.declare.job import UNITY
from spark_jobs.publishing import elsewhere
from spark_jobs.publishing.giving import Result, give, in_words
from spark_jobs.publishing.taking import Taken, take
from spark_jobs.tracking import registry

LIKE_THIS = "make publish MODEL=census_income TO=https://mlflow.example.org"
# A person waits: a server that is away is tried for some seconds, not for a minute and a half.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1"}


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What was typed after `make publish`."""

    model: str
    to: Place
    version: str
    aliases: tuple[str, ...]

    @classmethod
    def of(cls, typed: Mapping[str, str]) -> "Typed":
        model, version = model_of(typed, "TO", like=LIKE_THIS), version_of(typed)
        aliases = tuple(typed.get("ALIASES", "").replace(",", " ").split())
        refuse_aliases(aliases)
        return cls(model=model, to=place_of(typed["TO"]), version=version, aliases=aliases)


def main(home: Home, typed: Mapping[str, str]) -> None:
    wanted = Typed.of(typed)
    with TemporaryDirectory(prefix="nightshift-") as folder:
        with elsewhere.known_as({}), registry_of(home) as address:  # the login is not this registry's
            taken = _taken(address, wanted, Path(folder))
        with step(f"Publishing version {taken.version.version}"):
            told = _given(wanted, taken)
    tell(f"  {in_words(told)}")


def _taken(address: str, wanted: Typed, folder: Path) -> Taken:
    here = Place(lake="", landing="", tracking=address, registry=address)
    with registry(here, use_cases.load(wanted.model)) as book:
        return take(book.client, here, wanted.model, wanted.version, folder)


def _given(wanted: Typed, taken: Taken) -> Result:
    of = "DATABRICKS_HOST and DATABRICKS_TOKEN" if wanted.to.registry == UNITY else " and ".join(elsewhere.LOGIN[:2])
    with elsewhere.registry_of(wanted.to, f"{of}, in the environment") as client:
        return give(client, wanted.to, taken, wanted.aliases)


if __name__ == "__main__":
    os.environ.update(PATIENCE)
    try:
        main(from_environment(), os.environ)
    except NightshiftError as error:
        sys.exit(str(error))
