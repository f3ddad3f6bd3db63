"""A model is trained, judged and used: whatever its kind, however its rows are split."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from pyspark.ml import Estimator, Pipeline
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.regression import LinearRegression

from spark_jobs.declare import HashSplit, Retrain, tags
from spark_jobs.kinds import Candidate, Params
from tests.spark import tiny

BOOSTED = tiny.candidates()


def linear(params: Params) -> Estimator[Any]:
    assembled = VectorAssembler(inputCols=["x1", "x2"], outputCol="all")
    return Pipeline(stages=[assembled, LinearRegression(featuresCol="all", labelCol="y", **params)])


def reference_and_booster() -> tuple[Candidate, ...]:
    return (Candidate(name="reference", kind="spark_ml", build=linear), *BOOSTED)


def predictions(world: tiny.World) -> pd.DataFrame:
    found: Any = world.lake.gold("predictions").read().orderBy("at").toPandas()
    return pd.DataFrame(found)


def test_a_spark_ml_reference_is_promoted_and_scored_with(world: tiny.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny, "candidates", reference_and_booster)
    facts = tiny.facts(62)
    world.fill(facts)
    trained = world.train(60)
    assert world.tags_of("1")[tags.CANDIDATE] == "reference"  # y is linear, so nothing beats it
    assert len(world.children(trained["run_id"])) == 5
    judged = world.evaluate(60, "1")
    assert judged["verdict"] == "PROMOTE"
    assert judged["numbers"]["challenger"]["rmse"] < 0.15
    world.crown("1")
    world.score(62)
    rows = predictions(world)
    assert rows["at"].equals(facts["at"])
    assert (rows["prediction"] - facts["y"]).abs().mean() < 0.15


def test_rows_without_time_are_split_by_content(world: tiny.World) -> None:
    split = HashSplit(judge=0.25, validate=0.15)
    world.use_case = replace(world.use_case, split=split)
    world.fill(tiny.facts(60))
    world.train(60)
    judged = world.evaluate(60, "1")
    assert judged["verdict"] == "PROMOTE"
    assert 300 < judged["numbers"]["rows"] < 420
    world.crown("1")
    world.score(60)
    assert (~predictions(world)["in_fitting"]).sum() == judged["numbers"]["rows"]
    assert world.train(60)["skipped"].startswith("not due")


def test_a_feature_that_never_changes_is_named_and_where_none_does_nothing_is_trained(world: tiny.World) -> None:
    world.fill(tiny.facts(60).assign(x2=5.0))
    trained = world.train(60)
    assert trained["same"] == "x2"
    assert world.client.get_run(trained["run_id"]).data.tags[tags.SAME] == "x2"
    rows = tiny.facts(60)
    world.fill(rows.assign(x2=rows["x2"].where(rows.index % 9 > 0)))  # to be absent at times tells something
    assert "same" not in world.train(60, retrain=Retrain.ALWAYS)
    world.fill(rows.assign(x1=float("nan"), x2=5.0, y=rows["y"] + 1))
    assert world.train(60)["skipped"] == "nothing to learn from: no feature ever changes in the rows to train on"
