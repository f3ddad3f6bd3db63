"""Wine score: which quality will those who taste a wine give it? On the samples that wine_quality brings in."""

from datetime import timedelta

from spark_jobs.declare import (
    CONTENT,
    Features,
    Gate,
    HashSplit,
    Labels,
    Reads,
    Real,
    Search,
    Space,
    UseCase,
    Whole,
)

BOOSTING: Space = {
    "max_depth": Whole(low=3, high=8),
    "eta": Real(low=0.02, high=0.3, log=True),
    "subsample": Real(low=0.6, high=1.0),
}

USE_CASE = UseCase(
    name="wine_score",
    summary="Which quality a wine is graded with, from 0 to 10",
    grain="one row per sample",
    reads=Reads(use_case="wine_quality", tables=("samples",)),
    features=Features(
        key=("at", "sample"),
        columns=(
            *("fixed_acidity", "volatile_acidity", "citric_acid", "residual_sugar", "chlorides"),
            *("free_sulfur_dioxide", "total_sulfur_dioxide", "density", "ph", "sulphates", "alcohol", "is_red"),
        ),
        lookback=timedelta(),
    ),
    labels=Labels(columns=("quality",), horizon=timedelta(), clock="samples"),
    split=HashSplit(judge=0.25, validate=0.15),
    gate=Gate(metric="rmse", better="lower", limit=0.8, margin=0.005, rows=300, block=CONTENT),
    search=Search(trials=8, spaces={"boosting": BOOSTING}),
    history=timedelta(days=36_500),
)
