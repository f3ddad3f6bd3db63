"""What this side is told of a workspace."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from nightshift.databricks.compute import FIELD, Compute
from spark_jobs.declare import BadRequest

NAME = re.compile(r"[A-Za-z0-9_]+")
CONNECTION = "databricks_default"
FOLDER = "nightshift"  # of the volume, and below /Shared
ELSEWHERE = ("LAKE", "LANDING", "MLFLOW", "REGISTRY", "ENGINE", "ENGINE_TOKEN")  # of the other targets


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Where in it everything lies, and what runs there."""

    connection: str  # Airflow's, with address and credentials
    catalog: str
    schema: str
    volume: str  # the folder of landing files and wheels
    compute: Compute
    tags: Mapping[str, str] = field(default_factory=dict)  # of clusters, for the bill
    policy: str = ""  # the usage policy of serverless runs, for the bill
    viewers: str = ""  # a group that sees the runs, beside whoever begins them

    def __post_init__(self) -> None:
        for name, value in {"NIGHTSHIFT_CATALOG": self.catalog, "NIGHTSHIFT_SCHEMA": self.schema}.items():
            if not NAME.fullmatch(value):
                raise BadRequest(name, f"is a name of letters, digits and _, got {value!r}: set it, like {name}=main")
        if not self.volume.startswith("/"):
            raise BadRequest("NIGHTSHIFT_VOLUME", f"is a path like /Volumes/main/bikes/{FOLDER}, got {self.volume!r}")
        if self.tags and not self.compute.cluster:
            raise BadRequest("NIGHTSHIFT_TAGS", "are put on new clusters; for serverless set NIGHTSHIFT_USAGE_POLICY")
        if self.policy and not self.compute.serverless:
            raise BadRequest("NIGHTSHIFT_USAGE_POLICY", "is for serverless; on a new cluster set NIGHTSHIFT_TAGS")

    @property
    def lake(self) -> str:
        return f"{self.catalog}.{self.schema}"

    @property
    def landing(self) -> str:
        return f"{self.volume}/landing"

    @property
    def wheels(self) -> str:
        return f"{self.volume}/wheels"


def workspace_of(env: Mapping[str, str]) -> Workspace:
    for name in ELSEWHERE:
        if env.get(f"NIGHTSHIFT_{name}"):
            raise BadRequest(f"NIGHTSHIFT_{name}", "is not for SPARK_TARGET=databricks: unset it")
    catalog, schema = env.get("NIGHTSHIFT_CATALOG", ""), env.get("NIGHTSHIFT_SCHEMA", "")
    if not env.get(FIELD):
        raise BadRequest(FIELD, "says what jobs run on, and is not guessed: set it, like NIGHTSHIFT_COMPUTE=serverless")
    return Workspace(
        connection=env.get("NIGHTSHIFT_DATABRICKS_CONNECTION", CONNECTION),
        catalog=catalog,
        schema=schema,
        volume=env.get("NIGHTSHIFT_VOLUME", f"/Volumes/{catalog}/{schema}/{FOLDER}").rstrip("/"),
        compute=Compute.of(env[FIELD]),
        tags=_tags(env.get("NIGHTSHIFT_TAGS", "")),
        policy=env.get("NIGHTSHIFT_USAGE_POLICY", ""),
        viewers=env.get("NIGHTSHIFT_VIEWERS", ""),
    )


def _tags(text: str) -> dict[str, str]:
    """As one writes them: team=bikes,cost=42."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair]
    if not all(name and sign for name, sign, _ in pairs):
        raise BadRequest("NIGHTSHIFT_TAGS", f"are written like team=bikes,cost=42, got {json.dumps(text)}")
    return {name.strip(): value.strip() for name, _, value in pairs}
