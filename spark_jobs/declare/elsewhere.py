"""Another registry that versions are published to: an MLflow's address, or a schema of Unity Catalog."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from spark_jobs.declare.errors import BadDeclaration, BadRequest
from spark_jobs.declare.job import TRACKING, UNITY, Place

SCHEMA = re.compile(rf"{UNITY}:(?P<schema>\w+\.\w+)", re.ASCII)
ALIAS = re.compile(r"(?!v\d+$|latest$)[a-z][a-z0-9_-]*")  # MLflow keeps v3 and latest for itself


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Where the champion of each night is published to."""

    to: str
    aliases: tuple[str, ...] = ()  # moved there to what is published; those that stand elsewhere stay
    connection: str = ""  # Airflow's, which holds the login; without one the registry asks nobody who they are

    def __post_init__(self) -> None:
        try:
            place_of(self.to, "publish_to")
            refuse_aliases(self.aliases, "publish_to")
        except BadRequest as error:
            raise BadDeclaration(str(error)) from None
        if self.place.registry == UNITY and not self.connection:
            raise BadDeclaration(f"publish_to: {self.to} needs connection=, Airflow's one to that workspace")

    @property
    def place(self) -> Place:
        return place_of(self.to)


def place_of(text: str, field: str = "TO") -> Place:
    """A registry by what a person types. What may hold a password is not repeated."""
    if found := SCHEMA.fullmatch(text):
        return Place(lake=found["schema"], landing="", tracking=TRACKING, registry=UNITY)
    if "@" in text or "?" in text or "#" in text:
        raise BadRequest(field, "is an address alone: a login stands in the environment, or in a connection of Airflow")
    if not _is_address(text):
        like = f"https://mlflow.example.org, or {UNITY}:catalog.schema"
        raise BadRequest(field, f"is the address of an MLflow, like {like}, got {text!r}")
    address = text.rstrip("/")
    return Place(lake="", landing="", tracking=address, registry=address)


def refuse_aliases(aliases: Iterable[str], field: str = "ALIASES") -> None:
    if strange := [one for one in aliases if not ALIAS.fullmatch(one)]:
        raise BadRequest(
            field, f"aliases are lower-case words, like champion, but not latest or v3, got {', '.join(strange)}"
        )


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no number for a port, say
        return False
