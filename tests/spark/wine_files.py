"""Files of wines, and what `make predict` does with them, but for the engine and the registry that it looks for."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test
from pyspark.sql import SparkSession

from spark_jobs.declare import Place, Stage, UseCase, Window, tags
from spark_jobs.predicting.asked import as_delivered, asked, version_to_ask
from spark_jobs.predicting.file import Told, predict
from spark_jobs.predicting.given import ENDINGS, given
from spark_jobs.predicting.question import Version
from spark_jobs.tracking import tracking
from spark_jobs.use_cases import learning
from spark_jobs.use_cases.wine_quality import lab
from tests.spark.cellar import DAY, FIRST, HEADER, Cellar

KNOBS = {"seed": 1, "samples": 2600, "red": 0.25, "repeated": 0.1}
MEASURED = tuple(name for name in HEADER if name != "quality")
QUALITY = learning("wine_quality")
Row = dict[str, Any]


def some_wines(count: int = 60) -> list[dict[str, str]]:
    fields = lab.wines(FIRST + DAY, KNOBS | {"samples": count})[:count]
    return [dict(zip(HEADER, row, strict=True)) for row in fields]


def measured(row: Mapping[str, str]) -> Row:
    return {name: row[name] for name in MEASURED}


def as_csv(rows: Sequence[Mapping[str, str]], columns: Sequence[str] = MEASURED, delimiter: str = ",") -> str:
    lines = [delimiter.join(columns), *(delimiter.join(row[name] for name in columns) for row in rows)]
    return "\n".join([*lines, ""])


def read(path: Path) -> list[Row]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    text = path.read_text()
    return (
        [json.loads(line) for line in text.splitlines()]
        if path.suffix == ".jsonl"
        else list(csv.DictReader(io.StringIO(text)))
    )


def learn(cellar: Cellar) -> None:
    """Versions 1, which is champion, and 2 of wine_quality."""
    cellar.deliver(0, *map(",".join, lab.wines(FIRST, KNOBS)))
    cellar.night(QUALITY, 0)
    for eta in (0.1, 0.2):
        cellar.run(Stage.TRAIN, QUALITY, Window.of(FIRST), parameters={"boosting": {"max_depth": 6, "eta": eta}})
    client = MlflowClient(cellar.address, cellar.address)
    client.set_registered_model_alias("wine_quality", tags.CHAMPION, "1")


@dataclass
class Predicting:
    spark: SparkSession
    folder: Path
    address: str
    use_case: UseCase = QUALITY
    seen: list[Told] = field(default_factory=list)

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.address, self.address)

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def version(self, path: Path, wanted: str = "") -> Version:
        file = given(path, *as_delivered(self.use_case))
        place = Place(lake=f"{self.folder}/none", landing="", tracking=self.address, registry=self.address)
        with tracking(place, self.use_case) as book:
            about = version_to_ask(book, wanted)
            columns = asked(self.use_case, about)
            columns.require(file, self.use_case)
            model = about.model(book, self.use_case, self.spark)
        return Version(spark=self.spark, use_case=self.use_case, about=about, model=model, asked=columns)

    def predict(
        self, path: Path, out: str = "out.jsonl", wanted: str = "", tell: Callable[[Told], None] | None = None
    ) -> Path:
        file, to = given(path, *as_delivered(self.use_case)), self.folder / out
        predict(self.version(path, wanted), file, to, ENDINGS[to.suffix], tell or self.seen.append)
        return to

    def rows(self, path: Path, out: str = "out.jsonl", wanted: str = "") -> list[Row]:
        return read(self.predict(path, out, wanted))
