"""Forests and linear models of scikit-learn: one estimator per label, named by its class in `estimator`."""

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from spark_jobs.declare import BadDeclaration, Refused
from spark_jobs.kinds import Columns, Params
from spark_jobs.kinds.in_memory import InMemory, means_of, weights_of, words_of
from spark_jobs.kinds.reasons import in_proportion
from spark_jobs.kinds.sklearn_anywhere import Forest, Linear, opened
from spark_jobs.kinds.sklearn_fitted import Fitted, Rows, class_of, fitted_forest, fitted_linear, moved_by
from spark_jobs.kinds.sklearn_path import path
from spark_jobs.kinds.words_anywhere import gathered, matrix_of, spread, spread_names

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from pyspark.sql import SparkSession

    Numbers = np.ndarray[Any, Any]

Curves = Mapping[str, list[float]]

IN_MEMORY = True
LIBRARIES: tuple[str, ...] = ("sklearn.ensemble", "sklearn.linear_model", "sklearn.metrics")
NEEDS_CLASSIC = False
ANYWHERE = Path(__file__).with_name("sklearn_anywhere.py")
FORESTS = ("ExtraTreesClassifier", "ExtraTreesRegressor", "RandomForestClassifier", "RandomForestRegressor")
LINEAR = ("ElasticNet", "LogisticRegression")
CLASSIFIERS = ("ExtraTreesClassifier", "RandomForestClassifier", "LogisticRegression")
# The rest goes to the estimator as it is. Of classifiers only, and all the same what is predicted is the probability of
# 1 as it is among all rows: `positive_weight` and `balanced` as of XGBoost; `negatives`: of rows without the label so
# many are drawn, each weighing as many as it stands for, where all would take too long. Of linear models only:
# `scaled`: fitted on features of deviation 1; `missing`: "refuse" refuses to fit on rows with gaps and predicts nothing
# of such rows, "usual" takes the feature's mean in their place. Forests know what to do with a gap. `final_estimators`:
# so many trees once nothing is to be chosen any more, where a search makes do with fewer.
OURS = ("estimator", "seed", "balanced", "positive_weight", "negatives", "scaled", "missing", "final_estimators")
DEFAULTS: Params = {
    "seed": 7,
    "balanced": False,
    "positive_weight": 1.0,
    "negatives": 0,
    "scaled": False,
    "missing": "refuse",
    "final_estimators": 0,
}


@dataclass(frozen=True, kw_only=True)
class Estimators(InMemory):
    """One estimator per label, as bytes: what is kept, sent and saved."""

    raw: tuple[bytes, ...]
    shares: tuple[tuple[float, ...], ...]  # per label, of the importance, per feature

    files: ClassVar[str] = "estimators"

    @property
    def anywhere(self) -> tuple[Path, ...]:
        return (ANYWHERE,)

    @property
    def needs(self) -> tuple[str, ...]:
        return ("sklearn",)

    @property
    def importance(self) -> "pd.DataFrame":
        """The share of the impurity each feature took away; of linear models, of |coefficient x deviation|."""
        import pandas as pd

        rows = [
            (label, name, share)
            for label, shares in zip(self.columns.labels, self.shares, strict=True)
            for name, share in zip(self.columns.features, shares, strict=True)
        ]
        return pd.DataFrame(rows, columns=["label", "feature", "importance"])

    def predicted(self, matrix: "Numbers") -> "Numbers":
        import numpy as np

        wide = spread(matrix, self.columns.features, self.words)
        return np.stack([_estimator(raw).predicted(wide) for raw in self.raw])

    def moved(self, place: int, matrix: "Numbers") -> "Numbers":
        """Linear: coefficient times deviation from the mean. Forests: what the splits on a row's way added."""
        import numpy as np

        one, features = _estimator(self.raw[place]), self.columns.features
        wide = spread(matrix, features, self.words)
        if isinstance(one, Forest):
            return gathered(moved_by(one.trees, wide.astype("float32", copy=False)), features, self.words)
        by = gathered((one.filled(wide) - one.usual) * one.coefficients, features, self.words)
        begin = np.full(len(by), one.intercept + one.usual @ one.coefficients)
        return in_proportion(by, begin, one.of_margin) if one.chance else by

    def write(self, folder: Path) -> None:
        import sklearn

        for label, raw in zip(self.columns.labels, self.raw, strict=True):
            (folder / f"{label}.estimator").write_bytes(raw)
        columns = self.columns
        about: dict[str, Any] = {"labels": columns.labels, "predictions": columns.predictions}
        about |= {"features": columns.features, "scikit-learn": sklearn.__version__}
        about |= {"usual": dict(self.usual), "words": dict(self.words)}
        about |= {"shares": self.shares, "settled": dict(self.settled)}
        (folder / "estimators.json").write_text(json.dumps(about, indent=2))


def check(params: Params) -> None:
    """What can be said before there are rows."""
    name, known = params.get("estimator"), (*FORESTS, *LINEAR)
    if name not in known:
        raise BadDeclaration(f"kind sklearn: `estimator` is one of {', '.join(sorted(known))}, got {name!r}")
    given = {**DEFAULTS, **params}
    if given["final_estimators"] and name not in FORESTS:
        raise BadDeclaration(f"kind sklearn: final_estimators is for {', '.join(FORESTS)}, not for {name}")
    weighed = [one for one in ("balanced", "positive_weight", "negatives") if given[one] != DEFAULTS[one]]
    if weighed and name not in CLASSIFIERS:
        raise BadDeclaration(f"kind sklearn: {', '.join(weighed)} is for {', '.join(CLASSIFIERS)}, not for {name}")
    if given["missing"] not in ("refuse", "usual"):
        raise BadDeclaration(f"kind sklearn: `missing` is 'refuse' or 'usual', got {given['missing']!r}")
    strange = [one for one, value in params.items() if isinstance(value, float) and not math.isfinite(value)]
    if strange:
        raise BadDeclaration(f"kind sklearn: {name} cannot be fitted with {strange[0]}={params[strange[0]]}")


def unknown(params: Params) -> list[str]:
    """Parameters that neither the estimator takes nor we."""
    known = {*OURS, *signature(class_of(params["estimator"])).parameters}
    return [name for name in params if name not in known]


def fit(rows: "pd.DataFrame", params: Params, columns: Columns, watched: "pd.DataFrame | None" = None) -> Estimators:
    """One thread per label, as there are no rounds to watch: the same model whatever machine it is fitted on.

    An elastic net that is no trial also says how its coefficients come about (`sklearn_path`).
    """
    import numpy as np

    check(params)
    given = {**DEFAULTS, **params}
    words, features = words_of(rows, columns), columns.features
    linear, matrix = given["estimator"] in LINEAR, spread(matrix_of(rows, features, words, "float64"), features, words)
    names, own = spread_names(features, words), weights_of(rows, columns)
    if linear:
        _refuse_gaps(matrix, given, names)
    native = {name: value for name, value in given.items() if name not in OURS} | {"random_state": given["seed"]}
    traces = given["estimator"] == "ElasticNet" and watched is None

    def one(label: str) -> tuple[Fitted, Curves]:
        chance = given["estimator"] in CLASSIFIERS
        told = Rows.of(matrix, rows[label].to_numpy("float64"), label, given, chance=chance)
        told = replace(told, own=own)
        traced = path(given, native, told, label, names) if traces else {}
        return (fitted_linear if linear else fitted_forest)(given, native, told), traced

    with ThreadPoolExecutor(1 if watched is not None else len(columns.labels)) as pool:
        found, traced = zip(*pool.map(one, columns.labels), strict=True)
    raw = tuple(f.raw for f in found)
    shares = tuple(tuple(gathered(np.array(f.shares), features, words).tolist()) for f in found)
    settled = given | ({"n_estimators": given["final_estimators"]} if given["final_estimators"] else {})
    curves = {name: curve for some in traced for name, curve in some.items()}
    about = {"settled": settled, "usual": means_of(rows, columns), "curves": curves, "words": words}
    return Estimators(raw=raw, shares=shares, columns=columns, **about)


def load(folder: Path, columns: Columns, spark: "SparkSession | None") -> Estimators:  # noqa: ARG001 - other kinds need Spark
    return read(folder / "data" / Estimators.files, columns)


def read(own: Path, columns: Columns) -> Estimators:  # noqa: ARG001 - its files name what it reads
    import sklearn

    about: Mapping[str, Any] = json.loads((own / "estimators.json").read_text())
    if about["settled"]["estimator"] in FORESTS and about["scikit-learn"] != sklearn.__version__:
        raise Refused(
            f"its trees were fitted by scikit-learn {about['scikit-learn']}, and here is {sklearn.__version__}, which "
            "may read them otherwise: train with `retrain: always` and bring that version in with `model_rollback`, or "
            "install the former scikit-learn"
        )
    found = Columns(
        features=tuple(about["features"]), labels=tuple(about["labels"]), predictions=tuple(about["predictions"])
    )
    raw = tuple((own / f"{label}.estimator").read_bytes() for label in found.labels)
    shares = tuple(map(tuple, about["shares"]))
    words = about.get("words", {})  # versions of earlier releases knew none
    kept = {"settled": about["settled"], "usual": about["usual"], "words": words}
    return Estimators(raw=raw, shares=shares, columns=found, **kept)


def _refuse_gaps(matrix: "Numbers", given: Params, columns: Sequence[str]) -> None:
    import numpy as np

    gaps = np.isnan(matrix)
    bad = gaps.all(axis=0) if given["missing"] == "usual" else gaps.any(axis=0)
    if bad.any():
        names = ", ".join(np.array(columns)[bad][:5])
        how = "is nowhere known" if given["missing"] == "usual" else "has gaps: declare missing='usual' to fill them"
        raise Refused(f"{given['estimator']} knows no gaps, and {names} {how}")


@lru_cache(maxsize=16)
def _estimator(raw: bytes) -> Linear | Forest:
    return opened(raw)
