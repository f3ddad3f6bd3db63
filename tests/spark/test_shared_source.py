"""Two use cases on one source: one brings in the tables, the other reads them and writes none of them."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test
from pyspark.sql import SparkSession

from spark_jobs.declare import NotYet, Stage, UseCase, Window, tags
from spark_jobs.learning.splits import parts
from spark_jobs.stages.evaluate import _blocks
from tests.spark.cellar import DAY, FIRST, GOOD_RED, QUALITY, SCORE, WHITE, Cellar

RANGE = Window.of(FIRST, FIRST + DAY * 15)


@pytest.fixture
def cellar(spark: SparkSession, tmp_path: Path) -> Cellar:
    return Cellar(spark, tmp_path)


def test_a_reader_has_nothing_to_bring_in_and_says_what_it_reads(cellar: Cellar) -> None:
    cellar.deliver(0, GOOD_RED, WHITE)
    cellar.night(QUALITY, 0)
    night = cellar.night(SCORE, 0)
    version = night["features"]["inputs"]["silver/samples"]
    assert night["ingest"] == night["refine"] == {"rows": {}, "reads": {"wine_quality/silver/samples": version}}
    assert cellar.rows(SCORE, "gold", "labels", "quality") == [(5.0,), (8.0,)]
    assert [path.name for path in (cellar.folder / "lake" / "wine_score").iterdir()] == ["gold"]
    assert [path.name for path in (cellar.folder / "landing").iterdir()] == ["wine_quality"]


@pytest.mark.parametrize("stage", [Stage.INGEST, Stage.REFINE])
def test_a_reader_waits_for_days_that_are_not_refined(cellar: Cellar, stage: Stage) -> None:
    says = "samples of wine_quality is not refined for all of .* wine_score reads it: let the Dag wine_quality run"
    with pytest.raises(NotYet, match=says):
        cellar.run(stage, SCORE, Window.of(FIRST))
    cellar.deliver(0, WHITE)
    cellar.night(QUALITY, 1)  # of another day, though it loads the file
    with pytest.raises(NotYet, match=says):
        cellar.run(stage, SCORE, Window.of(FIRST, FIRST + DAY))
    cellar.night(QUALITY, 0)
    assert cellar.run(stage, SCORE, Window.of(FIRST, FIRST + DAY))["rows"] == {}


def test_a_table_that_goes_while_a_reader_is_at_work_is_an_error_that_names_both(cellar: Cellar) -> None:
    cellar.deliver(0, GOOD_RED, WHITE)
    for use_case in (QUALITY, SCORE):
        cellar.night(use_case, 0)
    shutil.rmtree(cellar.folder / "lake" / "wine_quality" / "silver" / "samples")
    for stage in (Stage.INGEST, Stage.REFINE, Stage.FEATURES):
        with pytest.raises(NotYet, match=r"samples of wine_quality is not refined for all of .* wine_score reads it"):
            cellar.run(stage, SCORE, Window.of(FIRST))
    assert len(cellar.rows(SCORE, "gold", "features", "sample")) == 2


def test_what_comes_late_reaches_the_reader_with_its_next_night(cellar: Cellar) -> None:
    cellar.deliver(0, WHITE)
    for use_case in (QUALITY, SCORE):
        cellar.night(use_case, 0)
    cellar.deliver(0, GOOD_RED, name="late.csv")
    for use_case in (QUALITY, SCORE):
        cellar.night(use_case, 1)
    assert cellar.rows(SCORE, "gold", "features", "day", "is_red") == [(FIRST, 0), (FIRST, 1)]


@pytest.fixture(scope="module")
def trained(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Cellar:
    """Sixteen simulated days, and the first version of both models."""
    made = Cellar(spark, tmp_path_factory.mktemp("cellar"), source="simulated")
    shutil.copy(empty_mlflow, made.folder / "mlflow.db")
    for use_case in (QUALITY, SCORE):
        MlflowClient(made.address).create_experiment(use_case.name, artifact_location=f"{made.folder}/artifacts")
        made.prepare(use_case, RANGE)
        made.run(Stage.TRAIN, use_case, RANGE)
    return made


def test_a_row_falls_on_the_same_side_for_both(trained: Cellar) -> None:
    sides = []
    for use_case in (QUALITY, SCORE):
        cut = parts(use_case, RANGE)
        side = f"CASE WHEN {cut.judge.condition()} THEN 'judge' WHEN {cut.validate.condition()} THEN 'validate' END"
        sides.append(sorted(map(str, trained.table(use_case, "gold", "features").selectExpr("sample", side).collect())))
    assert sides[0] == sides[1]
    assert len(sides[0]) > 2000


def test_identical_wines_are_drawn_together(trained: Cellar) -> None:
    rows: Any = trained.table(QUALITY, "gold", "features").toPandas()
    rows.loc[0, "alcohol"] = np.nan
    rows = pd.concat([rows, rows.assign(sample="again")], ignore_index=True)
    blocks = _blocks(QUALITY, rows)
    half = len(rows) // 2
    assert (blocks[:half].to_numpy() == blocks[half:].to_numpy()).all()
    assert blocks.nunique() == len(rows[list(QUALITY.features.columns)].drop_duplicates())


@pytest.mark.parametrize("asked", [QUALITY, SCORE], ids=lambda one: one.name)
def test_from_ingest_to_score(trained: Cellar, asked: UseCase) -> None:
    verdict = trained.run(Stage.EVALUATE, asked, RANGE, version="1")
    assert verdict["verdict"] == "PROMOTE", verdict
    client = MlflowClient(trained.address, trained.address)
    client.set_registered_model_alias(asked.name, tags.CHAMPION, "1")
    scored = trained.run(Stage.SCORE, asked, RANGE)["rows"]["gold/predictions"]["scored"]
    assert scored == trained.table(asked, "gold", "features").count()
    said = client.get_model_version(asked.name, "1").description or ""
    assert "rows before 2024-03-17 whose content falls between 0% and 25% that no contestant has seen" in said
    assert "rows of this share have judged 0 times before" in said


def test_a_training_of_wine_score_shows_its_errors_and_how_its_coefficients_come_about(trained: Cellar) -> None:
    client = MlflowClient(trained.address)
    run = client.get_run(str(client.get_model_version("wine_score", "1").run_id))
    assert {"rmse", "mae", "r2", "strength/quality"} <= set(run.data.metrics)
    assert {run.data.params[name] for name in ("alpha", "l1_ratio")} == {"0.5"}  # when not searched
    for feature in SCORE.features.columns:
        points = client.get_metric_history(run.info.run_id, f"path/quality/{feature}")
        assert [point.step for point in points] == list(range(len(points)))
        assert len(points) > 20
        assert points[0].value == 0
    assert "plots/coefficients.png" in [file.path for file in client.list_artifacts(run.info.run_id, "plots")]


@pytest.mark.parametrize("asked", [QUALITY, SCORE], ids=lambda one: one.name)
def test_nothing_new_is_no_reason_to_train(trained: Cellar, asked: UseCase) -> None:
    found = trained.run(Stage.TRAIN, asked, Window.of(RANGE.end, RANGE.end + DAY))
    assert found == {"skipped": "not due: code, parameters and rows are those of version 1"}
