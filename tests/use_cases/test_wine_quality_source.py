"""Wine quality's raw files: a laboratory that could be, accidents that do happen, and the published wines."""

import io
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from spark_jobs.declare import Job, Place, Stage, Window
from spark_jobs.stages import ingest, refine
from spark_jobs.use_cases.wine_quality.source import ACCIDENTS, HEADER, public
from spark_jobs.use_cases.wine_quality.use_case import MEASUREMENTS, USE_CASE
from spark_jobs.work import Work
from tests.use_cases.deliveries import accident, sound, struck, texts

DAY = timedelta(days=1)
SPRING = Window(start=date(2024, 2, 20), end=date(2024, 4, 20))


def table(found: dict[date, str]) -> pd.DataFrame:
    return pd.concat([pd.read_csv(io.StringIO(text)) for text in found.values()], ignore_index=True)


@pytest.fixture(scope="module")
def spring() -> dict[date, str]:
    return texts(USE_CASE.name, SPRING, sound(USE_CASE.name))


@pytest.fixture(scope="module")
def wines(spring: dict[date, str]) -> pd.DataFrame:
    return table(spring)


def test_about_200_samples_a_day_and_a_quarter_of_them_red(wines: pd.DataFrame) -> None:
    assert tuple(wines.columns) == HEADER
    assert 190 < len(wines) / len(SPRING.days) < 210
    assert 0.22 < (wines["colour"] == "red").mean() < 0.28
    assert 0.07 < wines.duplicated().mean() < 0.12


def test_wines_are_spread_as_the_published_ones(wines: pd.DataFrame) -> None:
    """Bounds around what both files show."""
    assert wines["quality"].between(3, 9).all()
    for colour, means in {"red": (0.53, 46, 10.4, 0.136), "white": (0.28, 138, 10.5, 0.216)}.items():
        some = wines[wines["colour"] == colour]
        assert some["volatile acidity"].mean() == pytest.approx(means[0], rel=0.1)
        assert some["total sulfur dioxide"].mean() == pytest.approx(means[1], rel=0.1)
        assert some["alcohol"].mean() == pytest.approx(means[2], rel=0.03)
        assert (some["quality"] >= 7).mean() == pytest.approx(means[3], abs=0.02)
        assert some["alcohol"].corr(some["quality"]) > 0.4
        assert some["density"].corr(some["alcohol"]) < -0.3
    assert (wines["free sulfur dioxide"] <= wines["total sulfur dioxide"]).all()


def test_a_good_model_tells_good_wines_about_as_well_as_on_real_ones(wines: pd.DataFrame) -> None:
    from sklearn.metrics import roc_auc_score
    from xgboost import XGBClassifier

    once = wines.drop_duplicates().reset_index(drop=True)
    told, good = once[list(MEASUREMENTS)].assign(red=once["colour"] == "red"), once["quality"] >= 7
    cut = len(once) * 3 // 4
    model = XGBClassifier(n_estimators=150, max_depth=3, learning_rate=0.1, n_jobs=1).fit(told[:cut], good[:cut])
    assert 0.85 < roc_auc_score(good[cut:], model.predict_proba(told[cut:])[:, 1]) < 0.93


def test_every_kind_of_broken_row_is_refused_and_no_other(spark: SparkSession, tmp_path: Path) -> None:
    window = Window.of(date(2024, 3, 1), date(2024, 3, 3))
    place = Place(
        lake=f"{tmp_path}/lake", landing=f"{tmp_path}/landing", tracking="", registry="", simulation="broken=0.5"
    )
    job = Job(stage=Stage.INGEST, use_case=USE_CASE.name, window=window)
    work = Work(job=job, place=place, use_case=USE_CASE, spark=spark)
    ingest.run(work)
    refine.run(work)
    pairs = struck(USE_CASE.name, window, 0.5)
    meant = [line for good, line in pairs if good != line]
    assert Counter(row.raw for row in work.lake.quarantine("samples").read().collect()) == Counter(meant)
    assert work.lake.silver("samples").read().count() == len(pairs) - len(meant)
    assert len({accident(USE_CASE.name, good, line) for good, line in pairs if good != line}) == len(ACCIDENTS)


def test_published_wines_come_in_one_file_the_red_ones_first_untouched(tmp_path: Path) -> None:
    header = '"fixed acidity";"quality"'
    for colour, wine in (("red", "7.4;5"), ("white", "7;6")):
        (tmp_path / f"winequality-{colour}.csv").write_text(f"{header}\n{wine}\n{wine}\n")
    (found,) = public(tmp_path, Window.of(date(2024, 3, 1)))
    assert (found.table, found.day, found.name) == ("samples", date(2009, 10, 7), "winequality.csv")
    assert found.text.splitlines() == [f"colour;{header}", *["red;7.4;5"] * 2, *["white;7;6"] * 2]
    assert list(public(tmp_path, Window.of(date(2009, 10, 6)))) == []
