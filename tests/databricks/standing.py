"""A real Airflow whose target is a workspace, with the fake one behind it: all parts of a laptop, told otherwise."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from databricks.sdk import WorkspaceClient

from engine.running import free_port
from local import services
from local.home import Home
from nightshift.databricks.wheel import Wheel
from nightshift.databricks.workspace import workspace_of
from spark_jobs import token
from spark_jobs.declare import Place
from tests.databricks.address import CATALOG, SCHEMA, TOKEN, told
from tests.databricks.fake.server import Workspace, workspace
from tests.databricks.real import is_wanted, real
from tests.end_to_end.checkout import copied, running_from
from tests.end_to_end.scheduler import DAG, Scheduler

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True, kw_only=True)
class HomeOfAWorkspace(Home):
    """The engine and MLflow of this home are the workspace's; Airflow knows nothing of them."""

    told: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, str]:
        mine = ("AIRFLOW_HOME", "NIGHTSHIFT_HOME", "NIGHTSHIFT_SPARK_POOL", "NIGHTSHIFT_SPARK_SLOTS", "PYTHONPATH")
        usual = super().settings()
        return {name: usual[name] for name in mine} | dict(self.told)


@dataclass(frozen=True, kw_only=True)
class Standing:
    scheduler: Scheduler
    told: Mapping[str, str]
    code: Path
    fake: Workspace | None = None

    @property
    def workspace(self) -> Workspace:
        if self.fake is None:
            pytest.skip("only a fake workspace can be looked into, or made to misbehave")
        return self.fake

    @property
    def volume(self) -> Path:
        return self.workspace.files.root / "Volumes" / CATALOG / SCHEMA / "nightshift"

    @property
    def place(self) -> Place:
        """Of the workspace's Spark, as a test reaches it."""
        home = self.scheduler.home
        return Place(
            lake=f"{CATALOG}.{SCHEMA}",
            landing=f"{self.volume}/landing",
            tracking=home.mlflow_url,
            registry="databricks-uc",
            engine=home.engine_url,
            token=str(home.engine_token),
        )

    def deploy(self) -> str:
        wheel, folder = Wheel(self.code), workspace_of(self.told).wheels
        self.client.files.create_directory(folder)
        self.client.files.upload(f"{folder}/{wheel.name}", BytesIO(wheel.built()), overwrite=True)
        return wheel.name

    @property
    def client(self) -> WorkspaceClient:
        return WorkspaceClient(host=self.fake.address, token=TOKEN) if self.fake else WorkspaceClient()


@contextmanager
def standing(root: Path) -> Iterator[Standing]:
    """Everything up, the code deployed, the schema there."""
    code, ports = copied(root / "checkout"), (free_port(), free_port(), free_port())
    with running_from(code), behind(root / "workspace", mlflow=ports[0]) as (told, fake):
        airflow, engine = ports[1:]
        home = HomeOfAWorkspace(
            root=root / "home", airflow_port=airflow, mlflow_port=ports[0], engine_port=engine, told=told
        )
        with services.started(home) as up:
            up.wait(lambda: up.airflow.knows(DAG), f"Reading dags/{DAG}.py")
            found = Standing(scheduler=Scheduler(up), told=told, code=code, fake=fake)
            found.deploy()
            if fake:
                give_spark(fake, found)
            yield found


@contextmanager
def behind(folder: Path, *, mlflow: int) -> Iterator[tuple[Mapping[str, str], Workspace | None]]:
    """The workspace, and what Airflow is told of it: a fake one, or a real one for whoever asks for that."""
    if is_wanted():
        with real() as found:
            yield found, None
        return
    with workspace(folder, mlflow=f"http://127.0.0.1:{mlflow}") as fake:
        yield told(fake.address, folder / "Volumes" / CATALOG / SCHEMA / "nightshift"), fake


def give_spark(fake: Workspace, found: Standing) -> None:
    """The engine of this home is what its runs compute on."""
    home = found.scheduler.home
    remote = f"sc://localhost:{home.engine_port}/;user_id=workspace;token={token.read(home.engine_token)}"
    fake.runs.environment = dict(fake.runs.environment) | {"SPARK_REMOTE": remote}
    with spark_of(found) as spark:
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.{SCHEMA}")


@contextmanager
def spark_of(found: Standing) -> Iterator["SparkSession"]:
    """Of a fake workspace; of a real one its own Spark alone sees the tables."""
    from spark_jobs.session import spark_session

    with spark_session(found.place, "a test") as spark:
        yield spark
