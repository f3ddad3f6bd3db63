"""The boosters as an MLflow Python function: copied into every model, needs pandas and xgboost only."""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xgboost

    Numbers = np.ndarray[Any, Any]

LOGISTIC = ("binary:logistic", "reg:logistic")
EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie")  # of any other objective the margin is what is predicted


class Boosters:
    """One booster per label."""

    def __init__(
        self,
        boosters: "dict[str, xgboost.Booster]",
        words: Mapping[str, Sequence[str]],
        matrix_of: "Callable[..., Numbers]",
    ) -> None:
        self.boosters = boosters
        self.words = words
        self.matrix_of = matrix_of

    def predict(self, rows: "pd.DataFrame", params: object = None) -> "pd.DataFrame":  # noqa: ARG002 - MLflow's signature
        import pandas as pd

        found = {}
        for prediction, booster in self.boosters.items():
            matrix = self.matrix_of(rows, booster.feature_names, self.words, "float32")
            found[prediction] = predicted(booster, matrix)
        return pd.DataFrame(found, index=rows.index)


def predicted(booster: "xgboost.Booster", matrix: "Numbers") -> "Numbers":
    found: Numbers = booster.inplace_predict(matrix, validate_features=False).astype("float64")
    return _in_own_unit(booster, found, matrix)


def of_margin(booster: "xgboost.Booster", margin: "Numbers", matrix: "Numbers") -> "Numbers":
    """What would be predicted of these rows if their trees summed to this."""
    import numpy as np

    objective = json.loads(booster.save_config())["learner"]["learner_train_param"]["objective"]
    if objective in LOGISTIC:
        margin = np.exp(-np.logaddexp(0, -margin))
    elif objective in EXPONENTIAL:
        margin = np.exp(margin)
    return _in_own_unit(booster, margin, matrix)


def _in_own_unit(booster: "xgboost.Booster", found: "Numbers", matrix: "Numbers") -> "Numbers":
    """In the label's own unit: what was learned as a share of a level is multiplied by it.

    Odds that were learned with positives weighing more are divided by that weight: probabilities are then true.
    """
    weight = float(booster.attr("weighed") or 1)
    if weight != 1:
        found = found / (found + weight * (1 - found))
    level, typical = booster.attr("relative_to"), booster.attr("typical_level")
    if not level or not typical:
        return found
    column = list(booster.feature_names or ()).index(level)
    return found * levels(matrix[:, column], float(typical))


def levels(values: "Numbers", typical: float) -> "Numbers":
    """A level that is missing is taken as typical, and one of nothing as next to nothing."""
    import numpy as np

    return np.maximum(np.where(np.isfinite(values), values, typical), typical / 1000).astype("float64")


def _load_pyfunc(folder: str) -> Boosters:
    """The name MLflow calls."""
    import xgboost

    about = json.loads((Path(folder) / "boosters.json").read_text())
    pairs = zip(about["predictions"], about["labels"], strict=True)
    found = {gives: xgboost.Booster(model_file=str(Path(folder) / f"{label}.ubj")) for gives, label in pairs}
    return Boosters(found, about["words"], import_module("words_anywhere").matrix_of)
