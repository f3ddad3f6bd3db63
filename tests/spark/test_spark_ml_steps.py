"""An estimator of Spark ML that is taken apart gives what it gives whole, and what nothing reads is said."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pandas as pd
import pytest
from pyspark.ml import Estimator
from pyspark.ml.classification import GBTClassifier
from pyspark.ml.regression import GBTRegressor, LinearRegression
from pyspark.sql import SparkSession

from spark_jobs.declare import BadDeclaration, Job, Search, Stage, Whole, Window
from spark_jobs.kinds import Candidate, Columns, Params
from spark_jobs.kinds.spark_ml import Pipeline as Fitted
from spark_jobs.kinds.spark_ml_steps import Steps, Together
from spark_jobs.learning.model_part import asked_for, model_part
from tests.spark import tiny
from tests.spark.test_search_on_spark import ROUNDS, TREES, prepared, trees


def likely(params: Params) -> Estimator[Any]:
    boosted = GBTClassifier(featuresCol="all", labelCol="positive", maxDepth=2, maxIter=params["rounds"])
    return prepared(boosted.setProbabilityCol("probability"))


@pytest.mark.parametrize(
    ("build", "label", "prediction"), [(trees, "y", "prediction"), (likely, "positive", "probability")]
)
def test_fewer_rounds_are_the_first_of_more(
    spark: SparkSession, build: Callable[[Params], Any], label: str, prediction: str
) -> None:
    rows = tiny.facts(10)
    frame = spark.createDataFrame(rows.assign(positive=(rows["y"] > 0).astype(float))).coalesce(1).localCheckpoint()
    columns = Columns(features=("x1", "x2"), labels=(label,), predictions=(prediction,))
    every = [Steps.of(build({"depth": 3, "rounds": rounds}), columns) for rounds in ROUNDS]
    assert len({steps.learns for steps in every}) == 1
    learn, left = every[0].prepared(frame.where("hour(at) > 5"), frame.where("hour(at) <= 5"), ["at"])
    together = Together.of(every, learn, columns).predicted(left, ["at"])
    for steps, found in zip(every, together, strict=True):
        as_spark_does = Fitted(fitted=steps.learning.fit(learn), columns=columns, settled={}).score(left, ["at"])
        alone = cast(Any, as_spark_does.toPandas())
        pd.testing.assert_frame_equal(found, alone, rtol=0, atol=1e-12)
        assert found[prediction].nunique() > 5
        [again] = Together.of([steps], learn, columns).predicted(left, ["at"])
        pd.testing.assert_frame_equal(found, again, check_exact=True)


BOOSTED: Params = {"featuresCol": "all", "labelCol": "y"}
OTHERS: dict[str, Callable[[], Any]] = {
    "another depth": lambda: GBTRegressor(**BOOSTED, maxDepth=4),
    "it stops by itself": lambda: GBTRegressor(**BOOSTED, validationIndicatorCol="watched"),
    "another column is read": lambda: GBTRegressor(**BOOSTED, predictionCol="other"),
    "its rounds do not add up": lambda: LinearRegression(**BOOSTED),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_what_differs_in_more_than_rounds_is_fitted_alone(spark: SparkSession, other: Callable[[], Any]) -> None:
    columns = Columns(features=("x1", "x2"), labels=("y",), predictions=("prediction",))
    usual, longer = (Steps.of(GBTRegressor(**BOOSTED, maxIter=rounds), columns) for rounds in (3, 5))
    assert usual.learns == longer.learns != Steps.of(other(), columns).learns


def search_of(candidate: Candidate, space: dict[str, Any]) -> tuple[Any, Search, Job]:
    job = Job(stage=Stage.TRAIN, use_case="tiny", window=Window.of(tiny.START))
    part = replace(model_part("tiny"), candidates=(candidate,))
    return part, Search(trials=2, by="grid", spaces={candidate.name: space}), job


MADE = [
    (TREES, {"depht": Whole(low=1, high=3)}, "trees: .*depht"),
    (Candidate(name="boosted", kind="xgboost"), {"max_dpeth": Whole(low=1, high=3)}, "boosted: .*max_dpeth"),
    (
        Candidate(name="forest", kind="sklearn", params={"estimator": "ExtraTreesRegressor"}),
        {"trees": Whole(low=1, high=3)},
        "forest: .*trees",
    ),
]


@pytest.mark.parametrize(("candidate", "space", "says"), MADE, ids=["spark_ml", "xgboost", "sklearn"])
def test_a_space_that_names_what_nothing_reads_is_refused_before_anything_is_fitted(
    world: tiny.World, candidate: Candidate, space: dict[str, Any], says: str
) -> None:
    given = replace(candidate, params={**candidate.params, **({"depth": 1, "rounds": 1} if candidate.build else {})})
    with pytest.raises(BadDeclaration, match=f"candidate {says}, which nothing reads that fits it"):
        asked_for(*search_of(given, space))
