"""A lake to measure on, of simulated bike sharing unless told otherwise, and the jobs that work in it."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession

from benchmarks.measured import run
from engine.running import Engine, running
from local.supervision import Services
from spark_jobs import use_cases
from spark_jobs.declare import Job, Place, Retrain, Stage, Window, tags
from spark_jobs.session import spark_session
from spark_jobs.work import Lesson

USE_CASE = "bike_sharing"
FIRST = date(2023, 1, 1)
DAY = timedelta(days=1)
BEFORE_TRAINING = (Stage.INGEST, Stage.REFINE, Stage.FEATURES)
NIGHTLY = (*BEFORE_TRAINING, Stage.SCORE)  # a night without training


@contextmanager
def workshop(cores: str = "*") -> Iterator[tuple[Path, Engine]]:
    """A temporary folder, and an engine in it that has done nothing yet."""
    with TemporaryDirectory() as name, running(Path(name), Path(name) / "lake", cores=cores) as engine:
        yield Path(name), engine


@dataclass(frozen=True)
class Town:
    """One folder with landing, lake and MLflow, and the engine that works there."""

    folder: Path
    engine: Engine
    server: str = ""  # MLflow's, where there is one
    source: str = "simulated"
    simulation: str = ""

    @property
    def address(self) -> str:
        return self.server or f"sqlite:///{self.folder}/mlflow.db"

    @classmethod
    def founded(cls, folder: Path, engine: Engine, use_case: str = USE_CASE, **more: str) -> "Town":
        """With an MLflow that keeps its artifacts here: left alone it keeps them where one happens to stand."""
        from mlflow import MlflowClient

        folder.mkdir(exist_ok=True)
        town = cls(folder, engine, **more)
        MlflowClient(town.place.tracking).create_experiment(use_case, artifact_location=f"{folder}/artifacts")
        return town

    @property
    def place(self) -> Place:
        return Place(
            lake=f"{self.folder}/lake",
            landing=f"{self.folder}/landing",
            tracking=self.address,
            registry=self.address,
            engine=self.engine.address,
            token=str(self.engine.token),
            source=self.source,
            simulation=self.simulation,
        )

    def session(self, *, small: bool = False) -> AbstractContextManager[SparkSession]:
        return spark_session(self.place, "benchmark", small=small)

    @contextmanager
    def copied(self) -> Iterator["Town"]:
        """With its own landing and lake; models stay where they are."""
        with TemporaryDirectory(dir=self.folder) as folder:
            for part in ("landing", "lake", "mlflow.db"):
                copy = shutil.copy2 if part == "mlflow.db" else shutil.copytree
                copy(self.folder / part, Path(folder) / part)
            yield replace(self, folder=Path(folder))

    def argv(self, job: Job) -> list[str]:
        return [*self.place.argv(), *job.argv()]

    def command(self, job: Job) -> list[str]:
        """As a target starts it."""
        return [sys.executable, "-m", "spark_jobs", *self.argv(job)]

    def work(self, job: Job, spark: SparkSession) -> Lesson:
        return Lesson(job=job, place=self.place, use_case=use_cases.learning(job.use_case), spark=spark)


def at_home(up: Services) -> Town:
    """Where a laptop's services are."""
    home = up.home
    engine = Engine(address=home.engine_url, token=home.engine_token, process=up.parts["engine"])
    return Town(home.root, engine, home.mlflow_url)


def job(
    stage: Stage, window: Window, retrain: Retrain = Retrain.IF_DUE, version: str = "", use_case: str = USE_CASE
) -> Job:
    return Job(stage=stage, use_case=use_case, window=window, retrain=retrain, version=version)


def jobs(window: Window, stages: Sequence[Stage] = NIGHTLY, use_case: str = USE_CASE) -> list[Job]:
    return [job(stage, window, use_case=use_case) for stage in stages]


def days(count: int, first: date = FIRST) -> Window:
    return Window(start=first, end=first + DAY * count)


def crowned(town: Town, version: str = "1", use_case: str = USE_CASE) -> None:
    """What `promote` does: this version is live."""
    from mlflow import MlflowClient

    client = MlflowClient(town.place.tracking, town.place.registry)
    client.set_registered_model_alias(use_case, tags.CHAMPION, version)


def in_a_row(town: Town, work: Sequence[Job], spark: SparkSession) -> None:
    """The jobs, one after another, in this process."""
    for one in work:
        import_module(f"spark_jobs.stages.{one.stage}").run(town.work(one, spark))


def as_jobs(town: Town, work: Sequence[Job]) -> float:
    """The jobs, one after another, each a process of its own."""
    return sum(run(town.command(one)).seconds for one in work)


def with_champion(town: Town, window: Window, spark: SparkSession, use_case: str = USE_CASE) -> None:
    """A first range, from ingest to a version that is live."""
    in_a_row(town, jobs(window, (*BEFORE_TRAINING, Stage.TRAIN), use_case), spark)
    crowned(town, use_case=use_case)
