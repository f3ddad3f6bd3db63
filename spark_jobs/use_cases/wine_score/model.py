"""Which models are tried for wine score, and what they are measured by."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from spark_jobs.kinds import Candidate

if TYPE_CHECKING:
    import pandas as pd


def candidates() -> tuple[Candidate, ...]:
    """What is said here holds where neither a search nor a person says otherwise."""
    params = {"estimator": "ElasticNet", "alpha": 0.5, "l1_ratio": 0.5, "scaled": True}
    return (Candidate(name="elastic_net", kind="sklearn", params=params),)


def measure(judged: "pd.DataFrame", constants: Mapping[str, float]) -> dict[str, float]:  # noqa: ARG001 - none are calibrated here
    """Errors in grades, and the share of the variance that is explained."""
    actual = judged["quality"].to_numpy("float64")
    error = judged["prediction"].to_numpy("float64") - actual
    varied = ((actual - actual.mean()) ** 2).sum()
    r2 = 1 - (error**2).sum() / varied if varied else np.nan
    return {"rmse": float(np.sqrt((error**2).mean())), "mae": float(np.abs(error).mean()), "r2": float(r2)}
