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
)

# How strong the penalty is, and how much of it is by absolute values: called alpha and lambda by many.
ELASTIC_NET: Space = {"alpha": Real(low=0.001, high=1, log=True), "l1_ratio": Real(low=0.01, high=1)}

MADE = {
    "bound_sulfur_dioxide": "total_sulfur_dioxide - free_sulfur_dioxide",
    "is_red": "CAST(colour = 'red' AS INT)",
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
            *("free_sulfur_dioxide", "total_sulfur_dioxide", "density", "ph", "sulphates", "alcohol"),
            *MADE,
        ),
        lookback=timedelta(),
        made=MADE,
    ),
    labels=Labels(columns=("quality",), horizon=timedelta(), clock="samples"),
    split=HashSplit(judge=0.25, validate=0.15),
    gate=Gate(metric="rmse", better="lower", limit=0.8, margin=0.005, rows=300, block=CONTENT),
    search=Search(trials=8, spaces={"elastic_net": ELASTIC_NET}),
    history=timedelta(days=36_500),
)
