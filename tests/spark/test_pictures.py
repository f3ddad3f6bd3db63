"""Reports in pictures: few enough to be read, true to their tables, and safe to open."""

from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test
from pyspark.sql import SparkSession

from spark_jobs.declare import BadDeclaration, Bars, Hours, Listed, Picture, Report, Stage, Window
from spark_jobs.stages import report
from spark_jobs.tables.page import page
from spark_jobs.tables.pictures import BARS, ROWS, Seen, seen
from spark_jobs.use_cases.iot_devices.use_case import USE_CASE
from tests.spark.test_iot_devices_nights import Fleet, reading

BY_COUNTRY = Bars(title="By country", by="country", length="sum(n)")
TAGS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "section", "small", "div", "span", "i", "b"}
TAGS |= {"table", "tr", "th", "td"}


class Read(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def looked(spark: SparkSession, rows: list[tuple[Any, ...]], *pictures: Picture) -> list[Seen]:
    of = Report(name="hours", key=("hour",), pictures=pictures)
    values = ", ".join(f"({', '.join('NULL' if one is None else repr(one) for one in row)})" for row in rows)
    day = spark.sql(f"SELECT country, CAST(hour AS TIMESTAMP) hour, n FROM VALUES {values} AS t(country, hour, n)")
    return list(seen(of, day))


def read(*pictures: Seen) -> Read:
    return Read(page(USE_CASE, date(2024, 3, 1), "own", pictures))


def test_bars_are_longest_first_and_equals_by_name_and_hours_have_all_of_a_day(spark: SparkSession) -> None:
    rows: list[tuple[Any, ...]] = [
        ("NO", "2024-03-01 06:30", 2.0),
        ("SE", "2024-03-01 23:00", 3.5),
        ("NO", "2024-03-01 06:00", 3.0),
    ]
    rows += [("CZ", "2024-03-01 00:00", 3.5), (None, "2024-03-01 00:00", 1.0), ("none", None, 0.5)]
    bars, hours, counted = looked(
        spark, rows, BY_COUNTRY, Hours(title="By hour", length="sum(n)"), Hours(title="NO", where="country = 'NO'")
    )
    assert bars.rows == (("NO", 5.0), ("CZ", 3.5), ("SE", 3.5), ("", 1.0), ("none", 0.5))
    assert hours.rows == tuple((f"{hour:02d}", {0: 4.5, 6: 5.0, 23: 3.5}.get(hour, 0.0)) for hour in range(24))
    assert [row for row in counted.rows if row[1]] == [("06", 2.0)]
    assert "(nothing)" in read(bars).texts


def test_what_does_not_fit_is_counted(spark: SparkSession) -> None:
    rows = [(f"C{number:03d}", "2024-03-01 06:30", float(number)) for number in range(120)]
    listed = Listed(title="All", columns=("country", "hour"))
    bars, some, few = looked(spark, rows, BY_COUNTRY, listed, Listed(title="Few", columns=("n",), where="n < 50"))
    assert (len(bars.rows), bars.more, bars.rows[0]) == (BARS, 100, ("C119", 119.0))
    assert (len(some.rows), some.more, some.rows[0]) == (ROWS, 70, ("C000", "2024-03-01 06:30:00"))
    assert (len(few.rows), few.more) == (50, 0)
    assert read(bars, some, few).texts.count("100 more are not shown.") == 1
    assert len([text for text in read(bars, some, few).texts if "not shown" in text]) == 2


def test_what_comes_from_outside_is_text_and_no_longer_than_can_be_read() -> None:
    names = ["<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>", "</style></section><h1>", "a&lt;b"]
    names += ["\u202eegnarts", "\x00", "\ud800", "a" * 81, "日本"]
    bars = Seen(picture=BY_COUNTRY, report=Report(name="hours", key=()), rows=tuple((name, 1.0) for name in names))
    cells = Seen(
        picture=Listed(title="<b>All</b>", columns=("country",)), report=bars.report, rows=tuple((n,) for n in names)
    )
    found = read(bars, cells)
    assert found.tags <= TAGS
    assert not {name for name in found.attributes if name.startswith(("on", "src", "href"))}
    said = [*names[:4], "\ufffdegnarts", "\ufffd", "\ufffd", "a" * 80 + "…", "日本"]
    assert [text for text in found.texts if text in said] == [*said, *said]
    assert "<b>All</b>" in found.texts
    page(USE_CASE, None, "own", [bars, cells]).encode()


def test_numbers_are_said_as_people_read_them() -> None:
    lengths = (198164.0, 1138.0, 0.12345, 12.0, float("nan"), -3.0, 1e7)
    rows = tuple((f"{place:02d}", length) for place, length in enumerate(lengths))
    of = Report(name="hours", key=())
    assert {"198,164", "1,138", "0.123", "12", "nan", "-3", "10,000,000"} <= set(
        read(Seen(picture=BY_COUNTRY, report=of, rows=rows)).texts
    )
    assert {"198k", "1.1k", "0.123", "12", "nan", "10M"} <= set(
        read(Seen(picture=Hours(title="x"), report=of, rows=rows)).texts
    )


def test_a_picture_that_cannot_be_made_says_so_and_the_others_stay(
    spark: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [("NO", "2024-03-01 06:30", 2.0)]
    lost, kept = looked(spark, rows, Bars(title="Lost", by="country", length="sum(m)"), BY_COUNTRY)
    assert (lost.failed, kept.rows) == ("AnalysisException", (("NO", 2.0),))
    assert "no picture 'Lost': AnalysisException: " in caplog.text
    said = "This picture could not be made: AnalysisException. The log of its task says more."
    assert said in read(lost, kept).texts


def test_a_night_shows_its_newest_day_in_mlflow_and_beside_its_files(spark: SparkSession, tmp_path: Path) -> None:
    fleet, outside = Fleet(spark, tmp_path, source="own"), "<script>alert(1)</script>"
    fleet.deliver(0, *(reading(device, "01 05:00") for device in range(1, 8)))
    fleet.deliver(1, reading(1, "02 06:30", cca3=outside, battery_level=1), reading(1, "02 06:40", battery_level=0))
    for day in (0, 1):
        fleet.night(day)
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    run = client.create_run(client.create_experiment("own", f"{tmp_path}/artifacts")).info.run_id
    work = fleet.work(Stage.REPORT, Window.of(date(2024, 3, 2)))
    told = report.run(replace(work, job=replace(work.job, run=run)))
    assert told["page"] == "report.html"
    text = (tmp_path / "artifacts" / run / "artifacts" / "report.html").read_text()
    assert text == (tmp_path / "lake" / "iot_devices" / "export" / "report.html").read_text()
    found = Read(text)
    assert found.tags <= TAGS
    assert "Saturday, 2 March 2024, by hours of UTC. Source: own." in found.texts
    said = " ".join(found.texts)
    for shown in ("05 2 06 07", f"{outside} 1 NOR 1", "battery low 1", "2024-03-02 06:30:00 1 battery low level 0"):
        assert shown in said


def test_a_list_without_a_column_or_with_one_twice_is_refused() -> None:
    for columns in ((), ("since", "since")):
        with pytest.raises(BadDeclaration, match=r"picture 'Alarms': name each column once, got "):
            Listed(title="Alarms", columns=columns)
