"""A registry with versions of models that were fitted on simulated rows, without Spark."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test

from serving.checked import Checking
from serving.sql import compiled
from spark_jobs import use_cases
from spark_jobs.declare import Place, Wanted, Window, tags
from spark_jobs.kinds import Columns, Params, kind
from spark_jobs.tracking import tracking

CENSUS, WINE = "census_income", "wine_quality"
BOOSTING: Params = {"objective": "binary:logistic", "rounds": 30, "max_depth": 4}
FOREST: Params = {"estimator": "RandomForestClassifier", "n_estimators": 20}
LOGISTIC: Params = {"estimator": "LogisticRegression", "missing": "usual", "scaled": True, "max_iter": 500}
BLEND: Params = {"members": [{"kind": "sklearn", "params": FOREST}, {"kind": "xgboost", "params": BOOSTING}]}
KINDS: Mapping[str, tuple[str, Params]] = {
    "boosting": ("xgboost", BOOSTING),
    "forest": ("sklearn", FOREST),
    "logistic": ("sklearn", LOGISTIC),
    "blend": ("blend", BLEND),
}
DAYS = Window.of(date(2024, 3, 1), date(2024, 3, 4))
LABELS = {CENSUS: lambda rows: rows["income"] == ">50K", WINE: lambda rows: rows["quality"] >= 7}


@cache
def delivered(name: str) -> list[dict[str, str]]:
    """Raw rows by the names of their header, some of them broken."""
    use_case, source = use_cases.learning(name), use_cases.part(name, "source")
    header = use_case.tables[0].header
    lines = [
        line.split(",") for one in source.simulated(DAYS, use_case.simulation) for line in one.text.splitlines()[1:]
    ]
    return [dict(zip(header, line, strict=True)) for line in lines if len(line) == len(header)]


@cache
def gold(name: str) -> pd.DataFrame:
    """Features and label of those that are good."""
    use_case, rows = use_cases.learning(name), delivered(name)
    table = use_case.tables[0]
    given = {head: [row[head] for row in rows] for head in table.header}
    found = Checking.of(Wanted(table=table, raw=True)).rows(given, len(rows))
    kinds = {column.name: column.kind for column in table.columns}
    length = len(rows) if found.good is None else len(found.good)
    made = {one: compiled(sql, kinds)(found.columns, length) for one, sql in use_case.features.made.items()}
    frame = pd.DataFrame({one: column.to_pandas() for one, column in {**found.columns, **made}.items()})
    (label,) = use_case.labels.columns
    return frame.assign(**{label: LABELS[name](frame).astype(int)})


@dataclass(frozen=True)
class Shelf:
    folder: Path

    @property
    def address(self) -> str:
        return f"sqlite:///{self.folder}/mlflow.db"

    @property
    def place(self) -> Place:
        return Place(lake="", landing="", tracking=self.address, registry=self.address)

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.address, self.address)  # else by what was set last

    def add(self, name: str, made: str = "boosting", threshold: float = 0.4, **labels: str) -> str:
        """A version of it, as training registers one."""
        use_case, (of, params) = use_cases.learning(name), KINDS[made]
        model = kind(of).fit(gold(name), params, Columns.of(use_case))
        return self.register(name, of, model, threshold, **labels)

    def register(self, name: str, of: str, model: Any, threshold: float = 0.4, **labels: str) -> str:
        use_case = use_cases.learning(name)
        if self.client.get_experiment_by_name(name) is None:
            self.client.create_experiment(name, artifact_location=f"{self.folder}/artifacts")
        told = {tags.KIND: of, tags.FEATURES: ",".join(use_case.features.read)}
        told |= {tags.CONSTANTS: json.dumps({"threshold": threshold}), tags.SOURCE: "simulated"}
        with tracking(self.place, use_case) as book:
            run = book.start("train", "", {})
            folder = self.folder / f"model-{run}"
            model.save(folder, dict.fromkeys(use_case.features.read, "double"))
            return book.register(run, folder, told | labels, "")

    def crown(self, name: str, version: str) -> None:
        self.client.set_registered_model_alias(name, tags.CHAMPION, version)
