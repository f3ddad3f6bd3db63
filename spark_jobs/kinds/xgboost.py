"""Gradient boosting: one booster per label, fitted in memory, sent to Spark's workers once."""

import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from spark_jobs.kinds import Columns, Params
from spark_jobs.kinds.in_memory import InMemory, means_of, weights_of, words_of
from spark_jobs.kinds.reasons import in_proportion
from spark_jobs.kinds.words_anywhere import Words, matrix_of
from spark_jobs.kinds.xgboost_anywhere import levels, of_margin, predicted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xgboost
    from pyspark.sql import SparkSession

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
        names, types = booster.feature_names, booster.feature_types
        rows = xgboost.DMatrix(floats, feature_names=names, feature_types=types, enable_categorical=True, nthread=1)
        found: Numbers = booster.predict(rows, pred_contribs=True).astype("float64")
        return in_proportion(found[:, :-1], found[:, -1], lambda margin: of_margin(booster, margin, floats))

    def write(self, folder: Path) -> None:
        for label, raw in zip(self.columns.labels, self.raw, strict=True):
            (folder / f"{label}.ubj").write_bytes(raw)
        about = {"labels": self.columns.labels, "predictions": self.columns.predictions, "usual": dict(self.usual)}
        about |= {"words": dict(self.words), "settled": dict(self.settled)}
        (folder / "boosters.json").write_text(json.dumps(about, indent=2))


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


def unknown(params: Params) -> list[str]:
    """XGBoost takes any word for a parameter; asked to validate, it warns of those it does not use."""
    import numpy as np
    import xgboost

    native = {name: value for name, value in params.items() if name not in OURS} | {"validate_parameters": True}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with suppress(xgboost.core.XGBoostError):  # a value that cannot be is a trial's matter
            xgboost.train(native, xgboost.DMatrix(np.zeros((2, 1)), [0, 1], nthread=1), 1)
    unused = " ".join(str(one.message) for one in said if "are not used" in str(one.message))
    return [name for name in params if f'"{name}"' in unused]


def fit(rows: "pd.DataFrame", params: Params, columns: Columns, watched: "pd.DataFrame | None" = None) -> Boosters:
    """One thread per label: the same model whatever machine it is fitted on."""
    given = {**DEFAULTS, **params}
    words = words_of(rows, columns)
    rounds = given["rounds"] if isinstance(given["rounds"], list) else [given["rounds"]] * len(columns.labels)

    def one(label: str, most: int) -> "tuple[bytes, int, list[float]]":
        return _fit_one(_Fitting(columns, words), rows, label, given | {"rounds": most}, watched)

    with ThreadPoolExecutor(1 if watched is not None else len(columns.labels)) as pool:
        raw, used, curves = zip(*pool.map(one, columns.labels, rounds), strict=True)
    settled = {name: value for name, value in given.items() if name != "patience"} | {"rounds": list(used)}
    watching = (
        {f"curve_{label}": one for label, one in zip(columns.labels, curves, strict=True)}
        if watched is not None
        else {}
    )
    usual = means_of(rows, columns)
    return Boosters(raw=raw, columns=columns, settled=settled, usual=usual, curves=watching, words=words)


def load(folder: Path, columns: Columns, spark: "SparkSession | None") -> Boosters:  # noqa: ARG001 - other kinds need Spark
    return read(folder / "data" / Boosters.files, columns)


def read(own: Path, columns: Columns) -> Boosters:
    about = json.loads((own / "boosters.json").read_text())
    found = Columns(features=columns.features, labels=tuple(about["labels"]), predictions=tuple(about["predictions"]))
    raw = tuple((own / f"{label}.ubj").read_bytes() for label in found.labels)
    usual, words = about.get("usual", {}), about.get("words", {})  # versions of earlier releases kept none
    return Boosters(raw=raw, columns=found, settled=about["settled"], usual=usual, words=words)


@dataclass(frozen=True)
class _Fitting:
    """What every booster reads."""

    columns: Columns
    words: Words

    def dmatrix(self, rows: "pd.DataFrame", label: str, weights: Weights) -> "xgboost.DMatrix":
        import numpy as np
        import xgboost

        values, weight = rows[label].to_numpy("float32"), None
        if weights.relative_to:
            level = levels(rows[weights.relative_to].to_numpy("float64", na_value=float("nan")), weights.typical)
            values, weight = values / level, (level / weights.typical) ** 2
        elif weights.positive != 1:
            weight = np.where(values > 0, weights.positive, 1.0)
        if (own := weights_of(rows, self.columns)) is not None:
            weight = own if weight is None else weight * own
        features = self.columns.features
        return xgboost.DMatrix(
            matrix_of(rows, features, self.words, Boosters.numbers),
            values,
            weight=weight,
            feature_names=list(features),
            feature_types=["c" if name in self.words else "q" for name in features] if self.words else None,
            enable_categorical=bool(self.words),
            nthread=1,
        )


def _fit_one(
    fitting: _Fitting, rows: "pd.DataFrame", label: str, params: Params, watched: "pd.DataFrame | None"
) -> "tuple[bytes, int, list[float]]":
    import xgboost

    weights = Weights.of(rows, label, params)
    matrix = fitting.dmatrix(rows, label, weights)
    native: dict[str, Any] = {name: value for name, value in params.items() if name not in OURS} | {"nthread": 1}
    log: dict[str, dict[str, list[float]]] = {}
    booster = xgboost.train(
        native,
        matrix,
        params["rounds"],
        evals=[] if watched is None else [(fitting.dmatrix(watched, label, weights), "watched")],
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


@lru_cache(maxsize=16)
def _booster(raw: bytes) -> "xgboost.Booster":
    import xgboost

    booster = xgboost.Booster(model_file=bytearray(raw))
    booster.set_param({"nthread": 1})
    return booster
