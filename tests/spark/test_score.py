"""Predictions are a function of key and version, and the first that was made is the one that counts."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as f

from spark_jobs.declare import BadDeclaration, Refused, Report
from spark_jobs.tables.live import live_sql
from tests.spark import tiny


def predictions(world: tiny.World) -> pd.DataFrame:
    found: Any = world.lake.gold("predictions").read().orderBy("at", "model_version").toPandas()
    return pd.DataFrame(found)


def test_without_features_or_champion_there_is_nothing_to_score(world: tiny.World) -> None:
    assert world.score(60) == {"skipped": "no features yet"}
    world.fill(tiny.facts(60))
    assert world.score(60) == {"skipped": "no champion yet"}


@pytest.fixture
def crowned(trained: tiny.World) -> tiny.World:
    """Version 1 is champion."""
    trained.crown("1")
    return trained


def test_every_row_of_the_window_is_predicted_once(crowned: tiny.World) -> None:
    scored = crowned.score(10, first=52)
    rows = predictions(crowned)
    assert scored["version"] == "1"
    assert scored["rows"] == {"gold/predictions": {"scored": 240}}
    assert list(rows.columns) == ["day", "at", "model_version", "prediction", "in_fitting", "first_scored"]
    assert dict(crowned.lake.gold("predictions").read().dtypes)["model_version"] == "int"
    facts = tiny.facts(62).iloc[-240:].reset_index(drop=True)
    assert rows["at"].equals(facts["at"])
    assert (rows["prediction"] - facts["y"]).abs().mean() < 0.5
    assert rows["first_scored"].notna().all()


def test_a_prediction_says_whether_its_row_is_one_the_version_was_fitted_on(crowned: tiny.World) -> None:
    """Days 45 to 51 tuned it, and all up to them fitted it."""
    crowned.score(12, first=42)
    rows = predictions(crowned)
    assert rows["in_fitting"].tolist() == [at < pd.Timestamp("2024-02-22") for at in rows["at"]]


def test_scoring_again_changes_nothing(crowned: tiny.World) -> None:
    crowned.score(5, first=55)
    before = predictions(crowned)
    crowned.score(2, first=57)
    crowned.score(5, first=55)
    pd.testing.assert_frame_equal(predictions(crowned), before)


def test_each_version_keeps_its_predictions_and_the_first_one_counts(rivals: tiny.World) -> None:
    for days, version in ((1, "1"), (2, "2"), (3, "1")):
        rivals.score(days, first=58, version=version)
    assert predictions(rivals).groupby("model_version").size().to_dict() == {1: 72, 2: 48}
    live = rivals.spark.sql(live_sql(rivals.lake.gold("predictions").sql_name, ["at"]))
    assert live.columns == rivals.lake.gold("predictions").read().columns
    counts = live.groupBy("day", "model_version").count().orderBy("day").collect()
    assert [(row["model_version"], row["count"]) for row in counts] == [(1, 24), (2, 24), (1, 24)]


def test_a_version_can_be_named_instead_of_the_champion(rivals: tiny.World) -> None:
    assert rivals.score(1, version="2")["version"] == "2"


def test_a_forecast_scores_the_days_ahead(crowned: tiny.World) -> None:
    crowned.use_case = replace(crowned.use_case, ahead=timedelta(days=1))
    crowned.score(1, first=60)
    assert set(predictions(crowned)["day"].astype(str)) == {"2024-03-02"}


def test_no_rows_to_score_are_fine(crowned: tiny.World) -> None:
    assert crowned.score(1, first=90)["rows"] == {"gold/predictions": {"scored": 0}}


def test_scoring_needs_no_labels(crowned: tiny.World) -> None:
    shutil.rmtree(crowned.lake.gold("labels").place)
    assert crowned.score(1, first=61)["rows"] == {"gold/predictions": {"scored": 24}}


def test_a_column_is_found_by_name_and_a_lost_one_is_named(crowned: tiny.World) -> None:
    crowned.score(1, first=61)
    before = predictions(crowned)
    rows = tiny.facts(80)
    crowned.fill(rows[["at", "x2", "y", "x1"]].assign(x0=1.0))
    crowned.score(1, first=61)
    pd.testing.assert_frame_equal(predictions(crowned), before)
    crowned.fill(rows.drop(columns="x2"))
    with pytest.raises(Refused, match="gold/features has no column x2, which version 1 reads"):
        crowned.score(1, first=61)


def alarm(frame: DataFrame, constants: Any) -> DataFrame:
    return frame.withColumn("alarm", f.col("prediction") > constants["threshold"])


def test_decisions_follow_from_the_constants_of_the_version(
    trained: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "calibrate", lambda _: {"threshold": 1.5}, raising=False)
    monkeypatch.setattr(tiny, "decide", alarm, raising=False)
    trained.use_case = replace(trained.use_case, predictions=("prediction", "alarm"))
    trained.crown(str(trained.train(60)["version"]))
    trained.score(1, first=61)
    rows = predictions(trained)
    assert (rows["alarm"] == (rows["prediction"] > 1.5)).all()
    assert rows["alarm"].nunique() == 2


def test_reasons_come_and_go_with_the_declaration_and_older_rows_stay(crowned: tiny.World) -> None:
    plain = crowned.use_case
    crowned.score(1, first=58)
    crowned.use_case = replace(plain, reasons=1)
    crowned.score(1, first=59)
    crowned.use_case = plain
    crowned.score(1, first=60)
    rows = predictions(crowned)
    assert rows.groupby(rows["day"].astype(str))["reasons"].count().tolist() == [0, 24, 0]
    given = [reasons[0] for reasons in rows["reasons"].dropna()]
    assert {reason["prediction"] for reason in given} == {"prediction"}
    assert pd.Series([reason["feature"] for reason in given]).mode().tolist() == ["x1"]  # y is 3 x1 + x2
    assert rows["prediction"].notna().all()


def test_reasons_kept_before_they_named_words_stay_beside_those_that_do(crowned: tiny.World) -> None:
    crowned.use_case = replace(crowned.use_case, reasons=1)
    crowned.score(1, first=59)
    table = crowned.lake.gold("predictions")
    wordless = "transform(reasons, r -> struct(r.prediction, r.feature, r.value, r.usual, r.by)) AS reasons"
    former = table.read().selectExpr(*(wordless if name == "reasons" else name for name in table.read().columns))
    former.write.format("delta").option("overwriteSchema", "true").mode("overwrite").save(table.place)
    crowned.score(1, first=60)
    rows = predictions(crowned)
    assert rows["reasons"].notna().sum() == 48
    assert {reasons[0]["word"] for reasons in rows["reasons"]} == {None}
    assert all(isinstance(reasons[0]["by"], float) for reasons in rows["reasons"])


def test_reasons_can_be_kept_for_the_rows_above_a_constant_of_the_version(
    trained: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "calibrate", lambda _: {"high": 1.5}, raising=False)
    trained.use_case = replace(trained.use_case, reasons=2, reasons_from="high")
    trained.crown(str(trained.train(60)["version"]))
    trained.score(1, first=61)
    rows = predictions(trained)
    assert (rows["reasons"].notna() == (rows["prediction"] >= 1.5)).all()
    assert rows["reasons"].notna().any()
    trained.use_case = replace(trained.use_case, reasons_from="threshold")
    with pytest.raises(BadDeclaration, match=r"reasons_from names 'threshold', which .* did not give; it gave high"):
        trained.score(1, first=61)


def daily(frames: dict[str, DataFrame]) -> DataFrame:
    said = frames["predictions"].groupBy("day").agg(f.round(f.sum("prediction")).alias("foretold"))
    was = frames["facts"].groupBy("day").agg(f.round(f.sum("y")).alias("was"))
    return said.join(was, "day", "full")


def daily_report(world: tiny.World) -> pd.DataFrame:
    found: Any = world.lake.gold("daily").read().orderBy("day").toPandas()
    return pd.DataFrame(found)


def test_a_report_is_written_and_exported(crowned: tiny.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny, "daily", daily, raising=False)
    crowned.use_case = replace(crowned.use_case, reports=(Report(name="daily", key=("day",), export=True),))
    rows = tiny.facts(62)
    crowned.deliver(rows[rows["at"] < pd.Timestamp("2024-03-02")], "early")
    parent = crowned.parent()
    crowned.score(2, first=60, run=parent)
    report = daily_report(crowned)
    assert report["day"].astype(str).tolist()[-2:] == ["2024-03-01", "2024-03-02"]
    assert report["foretold"].notna().tolist()[-2:] == [True, True]
    assert report["was"].notna().tolist()[-2:] == [True, False]
    exported = (crowned.folder / "lake" / "tiny" / "export" / "daily.csv").read_text()
    assert exported.splitlines()[0] == "day,foretold,was"
    assert [line.split(",")[0] for line in exported.splitlines()[1:]] == ["2024-03-02"]
    shown = json.loads(crowned.client.get_run(parent).data.tags["mlflow.loggedArtifacts"])
    assert shown == [{"path": "daily.json", "type": "table"}]


def by_hour(frames: dict[str, DataFrame]) -> DataFrame:
    """The last hour of a day first."""
    return frames["predictions"].select("day", f.hour("at").alias("hour")).orderBy(f.desc("hour"))


def test_what_is_exported_is_in_the_order_of_its_key(crowned: tiny.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny, "by_hour", by_hour, raising=False)
    crowned.use_case = replace(crowned.use_case, reports=(Report(name="by_hour", key=("day", "hour"), export=True),))
    crowned.deliver(tiny.facts(1), "any")
    crowned.score(1, first=60)
    exported = (crowned.folder / "lake" / "tiny" / "export" / "by_hour.csv").read_text().splitlines()
    assert exported == ["day,hour", *(f"2024-03-01,{hour}" for hour in range(24))]


def peaks(frames: dict[str, DataFrame]) -> DataFrame:
    """Days that are foretold more than this, as are seldom two in a row."""
    of_day = frames["predictions"].groupBy("day").agg(f.sum("prediction").alias("foretold"))
    return of_day.where("foretold > 15")


def test_a_newest_day_without_rows_is_exported_as_an_empty_list(
    crowned: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "peaks", peaks, raising=False)
    crowned.use_case = replace(crowned.use_case, reports=(Report(name="peaks", key=("day",), export=True),))
    crowned.deliver(tiny.facts(1), "any")
    exported = crowned.folder / "lake" / "tiny" / "export" / "peaks.csv"
    days = tiny.facts(62).groupby(tiny.facts(62)["at"].dt.date)["y"].sum()
    peak = max(place for place in range(40, 60) if days.iloc[place] > 25 and days.iloc[place + 1] < 5)
    crowned.score(1, first=peak)
    assert [line.split(",")[0] for line in exported.read_text().splitlines()] == ["day", str(days.index[peak])]
    crowned.score(1, first=peak + 1)
    assert exported.read_text().splitlines() == ["day,foretold"]
    crowned.score(1, first=peak)  # an older day again
    assert exported.read_text().splitlines() == ["day,foretold"]


def so_far(frames: dict[str, DataFrame]) -> DataFrame:
    """How many days up to each one the function was given."""
    days = frames["predictions"].select("day").distinct()
    return days.withColumn("days", f.count("*").over(Window.orderBy("day")))


@pytest.fixture
def looking_back(crowned: tiny.World, monkeypatch: pytest.MonkeyPatch) -> tiny.World:
    """With a report that reads three days before its own."""
    monkeypatch.setattr(tiny, "so_far", so_far, raising=False)
    report = Report(name="so_far", key=("day",), lookback=timedelta(days=3))
    crowned.use_case = replace(crowned.use_case, reports=(report,))
    return crowned


def test_a_report_reads_its_lookback_and_writes_the_days_it_was_asked_for(looking_back: tiny.World) -> None:
    looking_back.score(5, first=50)
    before = looking_back.lake.gold("so_far").read().orderBy("day").collect()
    assert [row["days"] for row in before] == [1, 2, 3, 4, 5]
    looking_back.score(1, first=54)
    after = looking_back.lake.gold("so_far").read().orderBy("day").collect()
    assert [row["days"] for row in after] == [1, 2, 3, 4, 4]
    assert [row["day"] for row in after] == [row["day"] for row in before]


def test_an_earlier_day_scored_later_is_read_by_those_after_it(looking_back: tiny.World) -> None:
    looking_back.score(1, first=52)
    looking_back.score(1, first=50)
    assert [row["days"] for row in looking_back.lake.gold("so_far").read().orderBy("day").collect()] == [1, 2]


def test_facts_that_come_late_change_the_reports_of_their_days(
    crowned: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "daily", daily, raising=False)
    crowned.use_case = replace(crowned.use_case, reports=(Report(name="daily", key=("day",)),))
    rows = tiny.facts(61)
    late = (rows["at"] >= pd.Timestamp("2024-02-10")) & (rows["at"] < pd.Timestamp("2024-02-11"))
    crowned.deliver(rows[~late], "early")
    crowned.score(1, first=60)
    before = daily_report(crowned)
    crowned.deliver(rows[late], "late")
    crowned.score(1, first=61)
    after = daily_report(crowned)
    assert set(after["day"].astype(str)) - set(before["day"].astype(str)) == {"2024-02-10", "2024-03-02"}
