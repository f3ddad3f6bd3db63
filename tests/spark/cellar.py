"""Both use cases on one source, with a lake and a landing folder of their own."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import Job, Place, Search, Stage, UseCase, Window
from spark_jobs.stages import evaluate, features, ingest, refine, score, train
from spark_jobs.use_cases import learning
from spark_jobs.work import Result, Work

DAY = timedelta(days=1)
FIRST = date(2024, 3, 1)
STAGES = {
    Stage.INGEST: ingest,
    Stage.REFINE: refine,
    Stage.FEATURES: features,
    Stage.TRAIN: train,
    Stage.EVALUATE: evaluate,
    Stage.SCORE: score,
}
QUALITY, SCORE = (replace(learning(name), search=Search(trials=2, batch=2)) for name in ("wine_quality", "wine_score"))
HEADER = QUALITY.table("samples").header
GOOD_RED = "red,7.4,0.7,0.1,1.9,0.076,11,34,0.9978,3.51,0.56,9.4,5"
WHITE = "white,7,0.27,0.36,20.7,0.045,45,170,1.001,3,0.45,8.8,8"


def patient(use_case: UseCase) -> UseCase:
    """Where tests share a machine, how quickly a service answers says nothing of it."""
    serving = use_case.serving and replace(use_case.serving, answers_within=timedelta(seconds=10))
    return replace(use_case, serving=serving)


@dataclass(frozen=True)
class Cellar:
    spark: SparkSession
    folder: Path
    source: str = "own"
    registry: str = ""  # instead of one of its own

    @property
    def address(self) -> str:
        return self.registry or f"sqlite:///{self.folder}/mlflow.db"

    def deliver(self, day: int, *records: str, name: str = "a.csv", delimiter: str = ",") -> None:
        """A file that arrives on a day counted from FIRST."""
        path = self.folder / "landing" / "wine_quality" / "samples" / str(FIRST + DAY * day) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [",".join(HEADER), *records, ""]
        path.write_text("\n".join(lines).replace(",", delimiter))

    def work(self, stage: Stage, use_case: UseCase, window: Window, **job: Any) -> Work:
        place = Place(
            lake=f"{self.folder}/lake",
            landing=f"{self.folder}/landing",
            tracking=self.address,
            registry=self.address,
            source=self.source,
        )
        asked = Job(stage=stage, use_case=use_case.name, window=window, **job)
        return Work(job=asked, place=place, use_case=use_case, spark=self.spark)

    def run(self, stage: Stage, use_case: UseCase, window: Window, **job: Any) -> Result:
        result: Result = STAGES[stage].run(self.work(stage, patient(use_case), window, **job))
        return result

    def prepare(self, use_case: UseCase, window: Window) -> dict[str, Result]:
        stages = (Stage.INGEST, Stage.REFINE, Stage.FEATURES)
        return {str(stage): self.run(stage, use_case, window) for stage in stages}

    def night(self, use_case: UseCase, day: int) -> dict[str, Result]:
        return self.prepare(use_case, Window.of(FIRST + DAY * day))

    def table(self, use_case: UseCase, layer: str, name: str) -> DataFrame:
        return self.work(Stage.REFINE, use_case, Window.of(FIRST)).lake.table(layer, name).read()

    def rows(self, use_case: UseCase, layer: str, name: str, *columns: str) -> list[tuple[Any, ...]]:
        return sorted(map(tuple, self.table(use_case, layer, name).select(*columns).collect()))
