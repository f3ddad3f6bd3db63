"""Estimators of scikit-learn as an MLflow Python function: copied into every model, needs these two libraries only."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Linear:
    """Numbers that stand on their own: no library is needed to read them."""

    intercept: float
    coefficients: "Numbers"
    usual: "Numbers"
    fills: bool  # what is missing is taken as usual; else there is no prediction of its row
    chance: bool

    def predicted(self, matrix: "Numbers") -> "Numbers":
        """Summed row by row: a product of matrices adds in another order with other rows around, to other last bits."""
        import numpy as np

        terms = np.ascontiguousarray(self.filled(matrix) * self.coefficients)
        return self.of_margin(terms.sum(axis=1) + self.intercept)

    def filled(self, matrix: "Numbers") -> "Numbers":
        import numpy as np

        return np.where(np.isnan(matrix), self.usual, matrix) if self.fills else matrix

    def of_margin(self, margin: "Numbers") -> "Numbers":
        import numpy as np

        return np.exp(-np.logaddexp(0, -margin)) if self.chance else margin


@dataclass(frozen=True)
class Forest:
    """Trees, whose mean is predicted; they know what to do with what is missing."""

    trees: Any

    def predicted(self, matrix: "Numbers") -> "Numbers":
        import numpy as np

        if not len(matrix):
            return np.zeros(0)
        floats = matrix.astype("float32", copy=False)
        chances = getattr(self.trees, "predict_proba", None)
        found: Numbers = chances(floats)[:, 1] if chances else self.trees.predict(floats)
        return found


def opened(kept: bytes) -> "Linear | Forest":
    """Linear ones are JSON, forests are pickled by joblib."""
    if not kept.startswith(b"{"):
        import joblib

        return Forest(joblib.load(BytesIO(kept)))
    import numpy as np

    about = json.loads(kept)
    arrays = {name: np.array(about[name], dtype="float64") for name in ("coefficients", "usual")}
    return Linear(**about | arrays)


class Estimators:
    """One estimator per label."""

    def __init__(self, features: list[str], words: dict[str, Sequence[str]], estimators: "dict[str, Linear | Forest]"):
        self.features = features
        self.words = words
        self.estimators = estimators

    def predict(self, rows: "pd.DataFrame", params: object = None) -> "pd.DataFrame":  # noqa: ARG002 - MLflow's signature
        import pandas as pd

        theirs = import_module("words_anywhere")
        matrix = theirs.matrix_of(rows, self.features, self.words, "float64")
        matrix = theirs.spread(matrix, self.features, self.words)
        found = {prediction: one.predicted(matrix) for prediction, one in self.estimators.items()}
        return pd.DataFrame(found, index=rows.index)


def _load_pyfunc(folder: str) -> Estimators:
    """The name MLflow calls."""
    own = Path(folder)
    about = json.loads((own / "estimators.json").read_text())
    pairs = zip(about["predictions"], about["labels"], strict=True)
    found = {gives: opened((own / f"{label}.estimator").read_bytes()) for gives, label in pairs}
    return Estimators(about["features"], about["words"], found)
