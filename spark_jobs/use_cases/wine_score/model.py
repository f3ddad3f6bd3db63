"""Which models are tried for wine score, and what they are measured by."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spark_jobs.kinds import Candidate

if TYPE_CHECKING:
    import optuna
    import pandas as pd


def candidates() -> tuple[Candidate, ...]:
    return (Candidate(name="boosting", kind="xgboost", params={"objective": "reg:squarederror"}, space=_space),)


def measure(judged: "pd.DataFrame", constants: Mapping[str, float]) -> dict[str, float]:  # noqa: ARG001 - none are calibrated here
    """Errors in grades, and the share of the variance that is explained."""
    actual = judged["quality"].to_numpy("float64")
    error = judged["prediction"].to_numpy("float64") - actual
    varied = ((actual - actual.mean()) ** 2).sum()
    r2 = 1 - (error**2).sum() / varied if varied else np.nan
    return {"rmse": float(np.sqrt((error**2).mean())), "mae": float(np.abs(error).mean()), "r2": float(r2)}


def _space(trial: "optuna.Trial") -> dict[str, Any]:
    return {
        "max_depth": trial.suggest_int("max_depth", 3, 8),
        "eta": trial.suggest_float("eta", 0.02, 0.3, log=True),
        "subsample": trial.suggest_float("subsample", 0.6, 1.0),
    }
