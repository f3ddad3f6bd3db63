"""Gradient boosting: one booster per label, fitted in memory, sent to Spark's workers once."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pyspark.sql import SparkSession

from spark_jobs.kinds import Columns, Params
from spark_jobs.kinds.in_memory import InMemory, matrix_of, means_of
from spark_jobs.kinds.reasons import in_proportion
from spark_jobs.kinds.xgboost_anywhere import levels, of_margin, predicted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xgboost

    Numbers = np.ndarray[Any, Any]

IN_MEMORY = True
LIBRARIES: tuple[str, ...] = ("xgboost",)
NEEDS_CLASSIC = False
ANYWHERE = Path(__file__).with_name("xgboost_anywhere.py")
# The rest goes to XGBoost as it is. `relative_to` names a feature: what is learned is the label as a share of it, rows
# weighing as its square, so that errors still count in the label's unit. Trees cannot follow growth; shares need not.
# `positive_weight`: so many rows is a positive one worth, watched ones too, and in the choice of bins; `balanced` finds
# the weight that makes both sides equal. What is predicted is the true probability all the same.
OURS = ("rounds", "patience", "balanced", "positive_weight", "relative_to")
DEFAULTS: Params = {
    "rounds": 300,
    "patience": 30,
    "balanced": False,
    "positive_weight": 1.0,
    "relative_to": "",
    "tree_method": "hist",
    "seed": 7,
}


@dataclass(frozen=True, kw_only=True)
class Boosters(InMemory):
    """One booster per label, as bytes: what is kept, sent and saved."""

    raw: tuple[bytes, ...]

    numbers: ClassVar[str] = "float32"
    files: ClassVar[str] = "boosters"

    @property
    def anywhere(self) -> tuple[Path, ...]:
        return (ANYWHERE,)

    @property
    def needs(self) -> tuple[str, ...]:
        return ("xgboost",)

    @property
    def importance(self) -> "pd.DataFrame":
        """The share of the gain each feature brought."""
        import pandas as pd

        rows = []
        for label, raw in zip(self.columns.labels, self.raw, strict=True):
            gains: dict[str, Any] = _booster(raw).get_score(importance_type="total_gain")
            total = sum(gains.values()) or 1.0
            rows += [(label, name, gains.get(name, 0.0) / total) for name in self.columns.features]
        return pd.DataFrame(rows, columns=["label", "feature", "importance"])

    def predicted(self, matrix: "Numbers") -> "Numbers":
        import numpy as np

        floats = matrix.astype("float32", copy=False)
        return np.stack([predicted(_booster(raw), floats) for raw in self.raw])

    def moved(self, place: int, matrix: "Numbers") -> "Numbers":
        """Shapley values of the trees. They are exact of the margin; odds and shares are brought to what they make."""
        import xgboost

        booster, floats = _booster(self.raw[place]), matrix.astype("float32", copy=False)
        rows = xgboost.DMatrix(floats, feature_names=booster.feature_names, nthread=1)
        found: Numbers = booster.predict(rows, pred_contribs=True).astype("float64")
        return in_proportion(found[:, :-1], found[:, -1], lambda margin: of_margin(booster, margin, floats))

    def write(self, folder: Path) -> None:
        for label, raw in zip(self.columns.labels, self.raw, strict=True):
            (folder / f"{label}.ubj").write_bytes(raw)
        about = {"labels": self.columns.labels, "predictions": self.columns.predictions, "usual": dict(self.usual)}
        (folder / "boosters.json").write_text(json.dumps(about | {"settled": dict(self.settled)}, indent=2))


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What rows of one label weigh, those that are watched as those that are learned from."""

    relative_to: str
    typical: float  # level, where there is one
    positive: float

    @classmethod
    def of(cls, rows: "pd.DataFrame", label: str, params: Params) -> "Weights":
        relative_to, positive = params["relative_to"], float(params["positive_weight"])
        if params["balanced"]:
            positives = max(float(rows[label].sum()), 1.0)
            positive = (len(rows) - positives) / positives
        typical = float(rows[relative_to].mean()) if relative_to else 0.0
        return cls(relative_to=relative_to, typical=typical, positive=positive)


def fit(rows: "pd.DataFrame", params: Params, columns: Columns, watched: "pd.DataFrame | None" = None) -> Boosters:
    """One thread per label: the same model whatever machine it is fitted on."""
    given = {**DEFAULTS, **params}
    rounds = given["rounds"] if isinstance(given["rounds"], list) else [given["rounds"]] * len(columns.labels)

    def one(label: str, most: int) -> "tuple[bytes, int, list[float]]":
        return _fit_one(rows, label, given | {"rounds": most}, columns, watched)

    with ThreadPoolExecutor(1 if watched is not None else len(columns.labels)) as pool:
        raw, used, curves = zip(*pool.map(one, columns.labels, rounds), strict=True)
    settled = {name: value for name, value in given.items() if name != "patience"} | {"rounds": list(used)}
    watching = (
        {f"curve_{label}": one for label, one in zip(columns.labels, curves, strict=True)}
        if watched is not None
        else {}
    )
    usual = means_of(rows, columns.features)
    return Boosters(raw=raw, columns=columns, settled=settled, usual=usual, curves=watching)


def load(folder: Path, columns: Columns, spark: SparkSession) -> Boosters:  # noqa: ARG001 - other kinds need Spark
    return read(folder / "data" / Boosters.files, columns)


def read(own: Path, columns: Columns) -> Boosters:
    about = json.loads((own / "boosters.json").read_text())
    found = Columns(features=columns.features, labels=tuple(about["labels"]), predictions=tuple(about["predictions"]))
    raw = tuple((own / f"{label}.ubj").read_bytes() for label in found.labels)
    usual = about.get("usual", {})  # versions of earlier releases kept none
    return Boosters(raw=raw, columns=found, settled=about["settled"], usual=usual)


def _fit_one(
    rows: "pd.DataFrame", label: str, params: Params, columns: Columns, watched: "pd.DataFrame | None"
) -> "tuple[bytes, int, list[float]]":
    import xgboost

    weights = Weights.of(rows, label, params)
    matrix = _dmatrix(rows, label, columns, weights)
    native: dict[str, Any] = {name: value for name, value in params.items() if name not in OURS} | {"nthread": 1}
    log: dict[str, dict[str, list[float]]] = {}
    booster = xgboost.train(
        native,
        matrix,
        params["rounds"],
        evals=[] if watched is None else [(_dmatrix(watched, label, columns, weights), "watched")],
        early_stopping_rounds=None if watched is None else params["patience"],
        evals_result=log,
        verbose_eval=False,
    )
    used = params["rounds"] if watched is None else booster.best_iteration + 1
    curve = list(log["watched"].values())[-1] if watched is not None else []
    kept = booster[:used]
    kept.set_attr(
        relative_to=weights.relative_to or None, typical_level=repr(weights.typical), weighed=repr(weights.positive)
    )
    return bytes(kept.save_raw("ubj")), used, curve


def _dmatrix(rows: "pd.DataFrame", label: str, columns: Columns, weights: Weights) -> "xgboost.DMatrix":
    import numpy as np
    import xgboost

    values, weight = rows[label].to_numpy("float32"), None
    if weights.relative_to:
        level = levels(rows[weights.relative_to].to_numpy("float64", na_value=float("nan")), weights.typical)
        values, weight = values / level, (level / weights.typical) ** 2
    elif weights.positive != 1:
        weight = np.where(values > 0, weights.positive, 1.0)
    matrix = matrix_of(rows, columns.features, Boosters.numbers)
    return xgboost.DMatrix(matrix, values, weight=weight, feature_names=list(columns.features), nthread=1)


@lru_cache(maxsize=16)
def _booster(raw: bytes) -> "xgboost.Booster":
    import xgboost

    booster = xgboost.Booster(model_file=bytearray(raw))
    booster.set_param({"nthread": 1})
    return booster
