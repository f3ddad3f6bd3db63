"""People see the rows that models learn from, what they are like and what has changed; no row that judges."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
from pyspark.sql import SparkSession

from spark_jobs.declare import Retrain, Stage, tags
from spark_jobs.learning import looks, profiles, report
from spark_jobs.learning.profiles import Looked
from spark_jobs.stages import profile as stage
from spark_jobs.tracking import NOTE, PARENT, TABLES, tracking
from spark_jobs.work import Result
from tests.spark import tiny

TRAINING, VALIDATION, JUDGING = range(44), range(45, 52), range(53, 60)  # days of a window of 60; others are embargo
ABSURD = 1e6
PICTURES = ["plots/correlations.png", "plots/features_by_y.png", "plots/labels.png"]


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, pd.DataFrame]]:
    """Reports that were asked for: one of them takes longer than all else in this file."""
    asked: list[tuple[str, pd.DataFrame]] = []

    def page(rows: pd.DataFrame, title: str) -> str:
        asked.append((title, rows))
        return "<html></html>"

    monkeypatch.setattr(report, "page", page)
    return asked


def days(**columns: Any) -> pd.DataFrame:
    """A row a day, at noon, of 60 days. Days that neither train nor validate are absurd."""
    number = np.arange(60)
    known = np.isin(number, [*TRAINING, *VALIDATION])
    rows = {"x1": number, "x2": 5.0, "y": np.isin(number, VALIDATION).astype(float)} | columns
    frame = pd.DataFrame({"at": pd.Timestamp("2024-01-01 12:00") + pd.to_timedelta(number, unit="D")} | rows)
    return frame.assign(**{name: frame[name].where(known, ABSURD) for name in rows})


def profiled(world: tiny.World, **job: Any) -> Result:
    return stage.run(world.work(Stage.PROFILE, 60, **job))


def table(world: tiny.World, run: str, name: str) -> pd.DataFrame:
    return pd.DataFrame(**json.loads(Path(world.client.download_artifacts(run, name)).read_text()))


def files(world: tiny.World, run: str) -> list[str]:
    found = [one.path for folder in ("", "plots") for one in world.client.list_artifacts(run, folder)]
    return sorted(path for path in found if path != "plots")


def note(world: tiny.World, run: str) -> str:
    return str(world.client.get_run(run).data.tags[NOTE])


def test_the_numbers_are_of_the_rows_that_teach_and_of_no_row_that_judges(world: tiny.World, pages: list[Any]) -> None:
    x1 = np.where(np.isin(np.arange(60), TRAINING), np.arange(60), np.nan)
    world.fill(days(x1=x1))
    made = profiled(world)
    assert made["rows"] == {"looked_at": 51}
    found = table(world, made["run_id"], "columns.json").set_index("column")
    assert list(found.index) == ["y", "x1", "x2"]
    assert found.loc["x1"].drop("is").to_dict() == pytest.approx(
        {
            **{"count": 44, "nulls": 7, "mean": 21.5, "deviation": 165**0.5, "least": 0, "most": 43, "distinct": 44},
            **{"q05": 2, "q25": 10, "median": 21, "q75": 32, "q95": 41},
        }
    )
    assert found.loc["x2", ["mean", "deviation", "distinct", "nulls"]].tolist() == [5.0, 0.0, 1, 0]
    assert found.loc["y", ["is", "mean", "most"]].tolist() == ["label", pytest.approx(7 / 51), 1.0]
    ((title, rows),) = pages
    assert (title, len(rows), rows.max().max()) == ("tiny: all 51 rows", 51, 43.0)


def test_a_profile_is_a_run_below_the_night_s_with_tables_and_pictures(world: tiny.World, pages: list[Any]) -> None:
    world.fill(days())
    night = world.parent()
    run = profiled(world, run=night)["run_id"]
    said = world.client.get_run(run)
    assert (said.info.status, said.data.tags[PARENT], said.info.run_name) == (
        *("FINISHED", night),
        "profile 2024-01-01 to 2024-02-29",
    )
    assert files(world, run) == ["columns.json", "correlations.json", *PICTURES, "report.html"]
    assert [one["path"] for one in json.loads(said.data.tags[TABLES])] == ["columns.json", "correlations.json"]
    assert note(world, run).split("\n\n") == [
        "51 rows to train on and to validate with; rows that judge are not looked at.",
        "There is nothing to compare with yet: no version was trained on other rows that have a profile.",
    ]
    assert said.inputs
    assert len(said.inputs.dataset_inputs) == 4


def test_rows_that_were_looked_at_are_not_looked_at_again(world: tiny.World, pages: list[Any]) -> None:
    world.fill(days())
    profiled(world)
    for retrain in (Retrain.IF_DUE, Retrain.ALWAYS):
        assert profiled(world, retrain=retrain) == {
            "skipped": "nothing new: profile 2024-01-01 to 2024-02-29 is of the same rows"
        }
    assert profiled(world, retrain=Retrain.NEVER) == {"skipped": "this run does not train"}
    world.fill(days(y=1.0))
    assert "run_id" in profiled(world)


def test_without_rows_there_is_nothing_to_look_at(world: tiny.World, pages: list[Any]) -> None:
    assert profiled(world) == {"skipped": "no features with labels yet"}
    world.fill(days().iloc[JUDGING])
    assert profiled(world) == {"skipped": "no rows to train on or to validate with yet"}


def test_what_changed_since_the_last_training_is_shown_strongest_first(
    world: tiny.World, pages: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    world.fill(tiny.facts(60))
    profiled(world)
    world.train(60)
    later = tiny.facts(60)
    for shift in (3.0, 2.0):  # nothing is trained on the first of them
        world.fill(later.assign(x1=later["x1"] * 1.01, x2=later["x2"] + shift, y=later["y"] + shift))
        with caplog.at_level(logging.INFO):
            run = profiled(world)["run_id"]
    moved = table(world, run, "changes.json").set_index("column")
    assert list(moved.index) == ["x2", "y", "x1"]
    deviation = moved.loc["x2", "deviation_then"]
    assert moved.loc["x2", "moved"] == pytest.approx(2.0 / deviation)
    assert moved.loc["x2", "mean_now"] - moved.loc["x2", "mean_then"] == pytest.approx(2.0)
    assert "plots/changes.png" in files(world, run)
    said = f"since the data of version 1 moved most: x2 +{2 / deviation:.2f}, y "
    assert said in caplog.text
    assert said[1:] in note(world, run).replace(", in deviations:", ":")


def test_a_report_that_fails_is_a_warning_and_all_else_stays(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def page(rows: pd.DataFrame, title: str) -> str:
        raise ZeroDivisionError("no pages today")

    monkeypatch.setattr(report, "page", page)
    world.fill(days())
    run = profiled(world)["run_id"]
    assert world.client.get_run(run).info.status == "FINISHED"
    assert files(world, run) == ["columns.json", "correlations.json", *PICTURES]
    warned = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert warned == ["no report: ZeroDivisionError: no pages today"]
    assert note(world, run).endswith("There is no report: ZeroDivisionError: no pages today.")


def test_a_try_that_failed_goes_on_in_its_own_run(
    world: tiny.World, pages: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fill(days())
    night = world.parent()
    with monkeypatch.context() as patch:
        patch.delattr(stage, "fill")
        with pytest.raises(NameError):
            profiled(world, run=night)
    (failed,) = world.children(night)
    assert failed.info.status == "FAILED"
    assert profiled(world, run=night)["run_id"] == failed.info.run_id
    (run,) = world.children(night)
    assert (run.info.status, tags.ERROR in run.data.tags) == ("FINISHED", False)


BAD: dict[str, tuple[pd.DataFrame, list[str]]] = {
    "a constant column": (days(x2=1.0), PICTURES),
    "no value in a column, infinite ones in another": (
        days(x1=np.nan, x2=np.where(days()["x1"] % 2, np.inf, 1)),
        PICTURES[1:],
    ),
    "a class that is missing": (days(y=0.0, x2=np.arange(60) % 3), PICTURES),
    "all rows identical": (days(x1=1.0, x2=1.0, y=1.0), PICTURES[1:]),
    "five rows": (days().iloc[[0, 1, 2, 45, 46]], PICTURES),
    "one row": (days().iloc[:1], PICTURES[1:]),
}


@pytest.mark.parametrize(("rows", "pictures"), BAD.values(), ids=BAD)
def test_bad_data_have_their_numbers_and_pictures(
    world: tiny.World, pages: list[Any], rows: pd.DataFrame, pictures: list[str]
) -> None:
    with tracking(world.place, world.use_case) as book:
        run, known = world.parent(), rows[rows["x2"] != ABSURD]
        looked = Looked(rows=world.spark.createDataFrame(known), key=("at",), features=("x1", "x2"), labels=("y",))
        stage.fill(stage.Page(book=book, run=run, looked=looked, count=len(known), made=[], rows=""))
    assert "There is no " not in note(world, run)
    assert [path for path in files(world, run) if path.startswith("plots/")] == pictures


def test_a_page_is_complete_in_itself_asks_nobody_and_is_silent(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(requests, "get", asked.append)
    monkeypatch.setattr(os, "environ", {**os.environ})
    text = report.page(days().drop(columns="at"), "tiny: all 60 rows")
    assert "<title>tiny: all 60 rows" in text
    assert not [mark for mark in ('src="http', "src=http", "@import", 'rel="stylesheet" href') if mark in text]
    assert (asked, capfd.readouterr()) == ([], ("", ""))


def seen(spark: SparkSession, **columns: list[Any]) -> Looked:
    rows = spark.createDataFrame(pd.DataFrame({"id": range(len(columns["y"])), **columns}))
    return Looked(rows=rows, key=("id",), features=tuple(name for name in columns if name != "y"), labels=("y",))


def test_features_are_told_by_class_and_how_much_of_them_the_class_explains(spark: SparkSession) -> None:
    rows = seen(spark, apart=[1, 1, 5, 5], alike=[1, 3, 1, 3], half=[0, 4, 4, 8], y=[0, 0, 1, 1]).by_class("y")
    assert rows["class"].tolist() == ["0", "1"] * 3
    assert rows["mean"].tolist() == [1, 5, 2, 2, 2, 6]
    # Squares around the mean of 4, of `half`: 16 between the classes, and 16 within them.
    assert profiles.explained(rows).to_dict() == {"apart": 1.0, "half": 0.5, "alike": 0.0}


def test_a_label_of_many_values_is_told_by_its_thirds_and_in_bars(spark: SparkSession) -> None:
    values = list(range(90))
    rows = seen(spark, x=values, y=values)
    told = rows.by_class("y")
    assert told["class"].tolist() == ["lowest third", "middle third", "highest third"]
    assert told["count"].tolist() == [30, 30, 30]
    bars = rows.histogram("y")
    assert (len(bars), bars["rows"].sum(), bars["width"].unique().tolist()) == (40, 90, [89 / 40])
    assert bars["value"].iloc[[0, -1]].tolist() == [89 / 80, 89 - 89 / 80]


def test_a_sample_is_the_same_however_the_rows_lie(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "SAMPLE", 20)
    rows = seen(spark, x=list(range(200)), y=[0.0] * 200)
    turned = Looked(rows=rows.rows.orderBy("id", ascending=False), key=("id",), features=("x",), labels=("y",))
    drawn = rows.sample["x"].tolist()
    assert (len(drawn), drawn) == (20, turned.sample["x"].tolist())
    assert drawn != list(range(20))


def test_a_picture_shows_at_most_twelve_features_those_that_matter_first(spark: SparkSession) -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 80)
    columns = {f"x{place:02}": rng.normal(size=80) + y * place / 10 for place in range(20)}
    rows = seen(spark, **{name: values.tolist() for name, values in columns.items()}, y=y.tolist())
    shown = [axes.get_title(loc="left") for axes in looks.boxes("y", rows.by_class("y")).axes if axes.get_visible()]
    strength = [int(title.split()[1].rstrip("%")) for title in shown]
    assert (len(shown), strength) == (12, sorted(strength, reverse=True))
    (axes,) = looks.correlations(profiles.correlations(rows.sample, ["y"]), "all 80 rows").axes
    assert [label.get_text() for label in axes.get_xticklabels()][:2] == ["y", shown[0].split()[0]]
    assert len(axes.get_yticklabels()) == 11


def test_rows_without_nulls_then_and_with_them_now_have_changed() -> None:
    def told(nulls: int) -> pd.DataFrame:
        of = {**dict.fromkeys(profiles.SHOWN, 1.0), "count": 10 - nulls, "nulls": nulls}
        return pd.DataFrame([{"column": "steady", **of, "nulls": 0, "count": 10}, {"column": "gaps", **of}])

    moved = profiles.changes(told(0), told(4))
    assert moved[["column", "moved", "nulls_gained"]].to_numpy().tolist() == [["gaps", 0.0, 0.4], ["steady", 0.0, 0.0]]
    names = [label.get_text() for label in looks.changed(moved, "version 1").axes[0].get_yticklabels()]
    assert names == ["steady  +0.00", "gaps  +0.00, nulls +40%"]


def test_words_are_looked_at_as_columns_the_commonest_first(
    spark: SparkSession,
    capfd: pytest.CaptureFixture[str],
) -> None:
    told = ["b"] * 5 + ["a.`"] * 3 + [None] * 2 + [f"rare {place}" for place in range(9)]
    rows = spark.createDataFrame(pd.DataFrame({"at": range(len(told)), "trade": told, "x1": 1.0}))
    found, names = profiles.spelled(rows, ("x1", "trade"), ("trade",))
    assert names == ("x1", "trade: b", "trade: a  ", *(f"trade: rare {place}" for place in range(4)))
    columns = Looked(rows=found, key=("at",), features=names, labels=()).columns.set_index("column")
    assert columns.loc["trade: b", ["count", "nulls", "mean"]].tolist() == [17, 2, pytest.approx(5 / 17)]
    whole = Looked(rows=found, key=("at",), features=names, labels=(), words=("trade",)).readable
    assert (list(whole), whole["trade"].value_counts()["b"]) == (["x1", "trade"], 5)
    assert "rare 3" in report.page(whole, "nineteen rows")
    assert profiles.spelled(rows, ("x1",), ()) == (rows, ("x1",))


def test_rows_without_words_are_fetched_once_for_pictures_and_report(spark: SparkSession) -> None:
    looked = seen(spark, x=[1.0, 2.0], y=[0, 1])
    assert looked.readable is looked.sample
