"""Odd samples end in words: what was skipped or rejected, and why. Both use cases, from the files on."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test
from pyspark.sql import SparkSession

from spark_jobs.declare import Stage, UseCase, Window, tags
from spark_jobs.use_cases.wine_quality import lab
from tests.spark.cellar import DAY, FIRST, GOOD_RED, HEADER, QUALITY, SCORE, WHITE, Cellar

BOTH = (QUALITY, SCORE)
KNOBS = {"seed": 1, "samples": 2600, "red": 0.25, "repeated": 0.1}
NO_OTHER_GRADE = [f"nothing to learn: {one} never changes in the rows to train on" for one in ("good", "quality")]
Row = dict[str, str]


@pytest.fixture
def cellar(spark: SparkSession, tmp_path: Path, empty_mlflow: Path) -> Cellar:
    made = Cellar(spark, tmp_path)
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    for use_case in BOTH:
        MlflowClient(made.address).create_experiment(use_case.name, artifact_location=f"{tmp_path}/artifacts")
    return made


def samples(change: Callable[[Row], Row]) -> list[str]:
    """A large delivery of simulated wines, each changed."""
    rows = (dict(zip(HEADER, fields, strict=True)) for fields in lab.wines(FIRST, KNOBS))
    return [",".join((row | change(row)).values()) for row in rows]


def learned(cellar: Cellar, day: int = 0) -> list[dict[str, Any]]:
    """What the trainings of one night say, of the one use case and of the other."""
    for use_case in BOTH:
        cellar.night(use_case, day)
    return [cellar.run(Stage.TRAIN, use_case, Window.of(FIRST, FIRST + DAY * day)) for use_case in BOTH]


def judged(cellar: Cellar, asked: UseCase) -> tuple[str, str]:
    verdict = cellar.run(Stage.EVALUATE, asked, Window.of(FIRST), version="1")
    return verdict["verdict"], "; ".join(verdict["reasons"])


def test_five_rows_in_all_are_too_few(cellar: Cellar) -> None:
    cellar.deliver(0, GOOD_RED, WHITE, *(WHITE.replace("8.8", f"9.{place}") for place in range(3)))
    for found in learned(cellar):
        assert str(found["skipped"]).startswith("too few rows to train on: ")
        assert str(found["skipped"]).endswith(", the gate asks for 300")


def test_rows_that_are_all_the_same_fall_on_one_side_and_teach_nothing_whatever_their_grades(cellar: Cellar) -> None:
    cellar.deliver(0, *[WHITE] * 1500, *[WHITE.removesuffix("8") + "5"] * 1500)
    skipped = {str(found["skipped"]) for found in learned(cellar)}
    assert skipped <= {f"too few rows to {use}: 0, the gate asks for 300" for use in ("train on", "validate with")}
    assert len(skipped) == 1  # both say the same


def test_a_grade_that_all_wines_have_teaches_nothing(cellar: Cellar) -> None:
    cellar.deliver(0, *samples(lambda _: {"quality": "6"}))
    assert [found["skipped"] for found in learned(cellar)] == NO_OTHER_GRADE


@pytest.mark.long
def test_a_column_that_never_changes_is_named_and_moves_no_prediction(cellar: Cellar) -> None:
    cellar.deliver(0, *samples(lambda _: {"citric acid": "0.1", "sulphates": "0.5"}))
    for asked, found in zip(BOTH, learned(cellar), strict=True):
        assert found["same"] == "citric_acid, sulphates"
        client = MlflowClient(cellar.address)
        assert client.get_run(found["run_id"]).data.tags[tags.SAME] == "citric_acid, sulphates"
        judged(cellar, asked)
        table = Path(client.download_artifacts(found["run_id"], "what_moves.json", str(cellar.folder)))
        moves = {feature: by for _, feature, by in json.loads(table.read_text())["data"]}
        assert moves["alcohol"] > 0.05
        assert (moves["citric_acid"], moves["sulphates"]) == (0, 0)


@pytest.mark.long
def test_a_class_that_one_colour_does_not_have_is_no_ground_to_promote(cellar: Cellar) -> None:
    cellar.deliver(0, *samples(lambda row: {"quality": min(row["quality"], "6" if row["colour"] == "red" else "9")}))
    learned(cellar)
    assert judged(cellar, QUALITY) == ("REJECT", "auc_red of the challenger is nan")


@pytest.mark.long
def test_a_grade_outside_the_scale_is_quarantined_and_trains_nothing(cellar: Cellar) -> None:
    cellar.deliver(0, *samples(lambda _: {}))
    learned(cellar)
    grades = ("11", "-1", "6.5", "good", "")
    cellar.deliver(1, *(WHITE.removesuffix("8") + grade for grade in grades))
    assert [str(found["skipped"]).partition(":")[0] for found in learned(cellar, 1)] == ["not due", "not due"]
    reasons = [why for (why,) in cellar.rows(QUALITY, "quarantine", "samples", "reasons")]
    wrong = ("is above 10", "is below 0", "is missing", "is not a whole number", "is not a whole number")
    assert reasons == [[f"quality {why}"] for why in wrong]
