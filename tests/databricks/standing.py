"""A real Airflow whose target is a workspace, with the fake one behind it: all parts of a laptop, told otherwise."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.running import free_port
from local import services
from local.home import Home
from nightshift.databricks.wheel import Wheel
from spark_jobs import token
from spark_jobs.declare import Place
from tests.databricks.address import CATALOG, SCHEMA, told
from tests.databricks.fake.server import Workspace, workspace
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
    workspace: Workspace
    code: Path

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
        wheel = Wheel(self.code)
        file = self.volume / "wheels" / wheel.name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(wheel.built())
        return wheel.name


@contextmanager
def standing(root: Path) -> Iterator[Standing]:
    """Everything up, the code deployed, the schema there."""
    code, volume = copied(root / "checkout"), root / "workspace" / "Volumes" / CATALOG / SCHEMA / "nightshift"
    mlflow, engine = free_port(), free_port()
    there = root / "workspace"
    with workspace(there, mlflow=f"http://127.0.0.1:{mlflow}") as fake, running_from(code):
        home = HomeOfAWorkspace(
            root=root / "home",
            airflow_port=free_port(),
            mlflow_port=mlflow,
            engine_port=engine,
            told=told(fake.address, volume),
        )
        with services.started(home) as up:
            word = token.read(home.engine_token)
            fake.runs.environment = dict(fake.runs.environment) | {
                "SPARK_REMOTE": f"sc://localhost:{engine}/;user_id=workspace;token={word}"
            }
            up.wait(lambda: up.airflow.knows(DAG), f"Reading dags/{DAG}.py")
            found = Standing(scheduler=Scheduler(up), workspace=fake, code=code)
            found.deploy()
            with spark_of(found) as spark:
                spark.sql(f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.{SCHEMA}")
            yield found


@contextmanager
def spark_of(found: Standing) -> Iterator["SparkSession"]:
    from spark_jobs.session import spark_session

    with spark_session(found.place, "a test") as spark:
        yield spark
