"""Which models are tried for bike sharing, what they are measured by, and pictures of how they do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spark_jobs.kinds import Candidate, Params
from spark_jobs.use_cases.bike_sharing import plots as pictures

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

CODES = ("month", "hour", "weekday")

# Demand doubled within two years, and trees cannot follow that: they learn each hour as a share of the usual one.
BOOSTING: Params = {"relative_to": "usual", "rounds": 300, "patience": 40, "subsample": 0.8}


def candidates() -> tuple[Candidate, ...]:
    """The reference first: where nothing is better, the simplest wins."""
    return (
        Candidate(name="linear", kind="spark_ml", build=_linear),
        Candidate(name="boosting", kind="xgboost", params=BOOSTING),
    )


def measure(judged: "pd.DataFrame", constants: Mapping[str, float]) -> dict[str, float]:  # noqa: ARG001 - none are calibrated here
    """Errors in bicycles, and the share of the variance that is explained."""
    actual = judged["cnt"].to_numpy("float64")
    error = judged["prediction"].to_numpy("float64") - actual
    explained = 1 - (error**2).sum() / ((actual - actual.mean()) ** 2).sum()
    return {"mae": float(np.abs(error).mean()), "rmse": float(np.sqrt((error**2).mean())), "r2": float(explained)}


def plots(
    judged: "pd.DataFrame",
    constants: Mapping[str, float],  # noqa: ARG001 - as above
    importance: "pd.DataFrame",
) -> "dict[str, Figure]":
    rows = judged.sort_values("at")
    found = {"two_weeks": pictures.two_weeks(rows), "error_by_hour": pictures.error_by_hour(rows)}
    return found if importance.empty else found | {"importance": pictures.importance(importance)}


def _linear(params: Params) -> Any:  # noqa: ARG001 - it has none
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import OneHotEncoder, VectorAssembler
    from pyspark.ml.regression import LinearRegression

    coded = [f"{name}_coded" for name in CODES]
    # "keep": a first month of data does not know the other eleven yet.
    encoder = OneHotEncoder(inputCols=list(CODES), outputCols=coded, handleInvalid="keep")
    vector = VectorAssembler(inputCols=[*coded, "temp", "hum"], outputCol="vector")
    return Pipeline(stages=[encoder, vector, LinearRegression(featuresCol="vector", labelCol="cnt")])
