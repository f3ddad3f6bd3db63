"""Bike sharing's raw files: a city that could be, accidents that do happen, and two published years replayed."""

import csv
import io
import time
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from spark_jobs.declare import Delivery, Job, Place, Stage, Window
from spark_jobs.stages import ingest, refine
from spark_jobs.use_cases.bike_sharing.source import ACCIDENTS, public, simulated
from spark_jobs.use_cases.bike_sharing.use_case import USE_CASE
from spark_jobs.work import Work

DAY = timedelta(days=1)
YEAR = Window(start=date(2023, 7, 1), end=date(2024, 7, 1))
SOUND = {"seed": 1.0, "broken": 0.0}

Texts = dict[tuple[str, date], str]


def texts(deliveries: Iterable[Delivery]) -> Texts:
    return {(delivery.table, delivery.day): delivery.text for delivery in deliveries}


def table(name: str, deliveries: Texts) -> pd.DataFrame:
    parts = [pd.read_csv(io.StringIO(text)) for (of, _), text in deliveries.items() if of == name]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def year() -> Texts:
    return texts(simulated(YEAR, SOUND))


@pytest.fixture(scope="module")
def rides(year: Texts) -> pd.DataFrame:
    return table("rides", year)


def test_a_day_is_24_rows_of_rides_and_the_24_to_come(year: Texts) -> None:
    day = date(2024, 2, 28)
    header = "instant,dteday,season,yr,mnth,hr,holiday,weekday,workingday,weathersit,temp,atemp,hum,windspeed"
    ridden, foretold = year["rides", day].splitlines(), year["forecast", day].splitlines()
    assert (ridden[0], foretold[0]) == (f"{header},casual,registered,cnt", header)
    assert [line.split(",")[1] for line in ridden[1:]] == ["2024-02-28"] * 24
    assert [line.split(",")[1] for line in foretold[1:]] == ["2024-02-29"] * 24
    assert [line.split(",")[5] for line in foretold[1:]] == [str(hour) for hour in range(24)]


def test_a_day_is_the_same_whatever_window_asks_for_it(year: Texts) -> None:
    broken = {"seed": 1.0, "broken": 0.3}
    for knobs, whole in ((SOUND, year), (broken, texts(simulated(YEAR, broken)))):
        for start, length in ((date(2023, 12, 30), 1), (date(2024, 2, 20), 17)):
            some = texts(simulated(Window(start=start, end=start + DAY * length), knobs))
            assert some == {key: whole[key] for key in some}


def test_another_seed_is_another_city(year: Texts) -> None:
    day = Window.of(date(2024, 3, 1))
    assert texts(simulated(day, {"seed": 2.0, "broken": 0.0}))["rides", day.start] != year["rides", day.start]


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(2011, 1, 1), date(2024, 2, 29), date(2060, 12, 31)])
def test_any_date_can_be_simulated(day: date) -> None:
    assert len(texts(simulated(Window.of(day), SOUND))) == 2


def test_the_calendar_of_hour_csv(rides: pd.DataFrame) -> None:
    days = rides.groupby("dteday").first()
    assert days.loc["2024-02-29", ["season", "yr", "mnth", "weekday"]].tolist() == [1, 13, 2, 4]
    assert days.index[days["holiday"] == 1].tolist() == [
        *("2023-07-04", "2023-09-04", "2023-10-09", "2023-11-11", "2023-11-23", "2023-12-25"),
        *("2024-01-01", "2024-01-15", "2024-02-19", "2024-04-16", "2024-05-27"),
    ]
    free = days["weekday"].isin([0, 6]) | (days["holiday"] == 1)
    assert (days["workingday"] == (~free).astype(int)).all()
    assert days.index[days["season"].diff() != 0].tolist() == [
        *("2023-07-01", "2023-09-23", "2023-12-21", "2024-03-21", "2024-06-21")
    ]


def test_demand_has_a_believable_size_and_shape(rides: pd.DataFrame) -> None:
    """Bounds around what hour.csv shows."""
    assert 150 < rides["cnt"].mean() < 300
    assert rides["cnt"].max() < 1500
    assert (rides["cnt"] == rides["casual"] + rides["registered"]).all()
    by_hour = rides.groupby(["workingday", "hr"])["cnt"].mean()
    assert by_hour[1].idxmax() in (17, 18)
    assert by_hour[1][8] > 2 * by_hour[1][10]  # people go to work
    assert by_hour[0].idxmax() in (12, 13, 14, 15)
    by_month = rides.groupby("mnth")["cnt"].mean()
    assert by_month[7] > 1.8 * by_month[1]
    dry, wet = (rides[rides["weathersit"] == code]["cnt"].mean() for code in (1, 3))
    assert wet < 0.7 * dry
    assert 0.1 < rides["casual"].sum() / rides["cnt"].sum() < 0.35


def test_demand_grows_over_the_years() -> None:
    first, second = (
        table("rides", texts(simulated(Window(start=date(y, 5, 1), end=date(y, 7, 1)), SOUND))) for y in (2011, 2012)
    )
    assert 1.3 < second["cnt"].mean() / first["cnt"].mean() < 2


def test_weather_lasts(rides: pd.DataFrame) -> None:
    """From hour to hour, and from day to day beyond the season."""
    assert rides["temp"].autocorr(1) > 0.95
    daily = rides.groupby("dteday", sort=False)["temp"].mean()
    assert 0.5 < (daily - daily.rolling(31, center=True).mean()).autocorr(1) < 0.95
    assert rides["weathersit"].ne(rides["weathersit"].shift()).mean() < 0.3
    shares = rides["weathersit"].value_counts(normalize=True)
    assert 0.5 < shares[1] < 0.8
    assert 0.03 < shares[3] < 0.15


def test_a_forecast_is_near_and_not_right(year: Texts, rides: pd.DataFrame) -> None:
    both = rides.merge(table("forecast", year), on=["dteday", "hr"], suffixes=("", "_foretold"))
    assert len(both) == 365 * 24  # the first day was foretold before
    error = both["temp_foretold"] - both["temp"]
    assert 0.005 < error.std() < 0.05
    assert 0.8 < (both["weathersit"] == both["weathersit_foretold"]).mean() < 0.97
    assert (both["workingday"] == both["workingday_foretold"]).all()


def test_two_years_take_less_than_two_seconds_of_the_processor() -> None:
    began = time.process_time()
    for _ in simulated(Window(start=date(2022, 1, 1), end=date(2024, 1, 1)), USE_CASE.simulation):
        pass
    assert time.process_time() - began < 2


def test_the_share_of_broken_rows_is_as_asked(year: Texts) -> None:
    broken = texts(simulated(YEAR, {"seed": 1.0, "broken": 0.05}))
    for name in ("rides", "forecast"):
        pairs = [zip(year[key].splitlines(), broken[key].splitlines(), strict=True) for key in year if key[0] == name]
        differ = [one != other for pair in pairs for one, other in pair]
        assert 0.04 < sum(differ) / len(differ) < 0.06


def test_every_kind_of_broken_row_is_refused_and_no_other(spark: SparkSession, tmp_path: Path) -> None:
    window = Window.of(date(2024, 3, 1), date(2024, 3, 12))
    place = Place(
        lake=f"{tmp_path}/lake",
        landing=f"{tmp_path}/landing",
        tracking="",
        registry="",
        simulation="broken=0.5",
    )
    job = Job(stage=Stage.INGEST, use_case=USE_CASE.name, window=window)
    work = Work(job=job, place=place, use_case=USE_CASE, spark=spark)
    ingest.run(work)
    refine.run(work)
    sound, broken = (texts(simulated(window, {"seed": 1.0, "broken": share})) for share in (0.0, 0.5))
    for name in ("rides", "forecast"):
        meant = [
            line
            for key in sound
            if key[0] == name
            for good, line in zip(sound[key].splitlines(), broken[key].splitlines(), strict=True)
            if good != line
        ]
        refused = [row.raw for row in work.lake.quarantine(name).read().collect()]
        assert Counter(refused) == Counter(meant)
        assert work.lake.silver(name).read().count() == 12 * 24 - len(meant)
        assert len({accident(line, name) for line in meant}) == len(ACCIDENTS[name])


def accident(line: str, name: str) -> tuple[str, str | None]:
    """Which of the accidents it was."""
    fields = next(csv.reader([line]))
    columns = USE_CASE.table(name).column_names
    for column, text in ACCIDENTS[name]:
        place = columns.index(column)
        if text is None and len(fields) == place:
            return column, text
        if text is not None and fields[place : place + 1 + text.count(",")] == text.split(","):
            return column, text
    raise AssertionError(line)


def test_published_days_are_replayed_untouched_and_absent_days_deliver_nothing(tmp_path: Path) -> None:
    header = ",".join(USE_CASE.table("rides").column_names)
    first, third = (
        "1,2011-01-01,1,0,1,0,0,6,0,1,0.24,0.2879,0.81,0,3,13,16",
        "2,2011-01-03,1,0,1,5,0,1,1,1,0.2,0.25,0.5,0.1,0,4,4",
    )
    (tmp_path / "hour.csv").write_text(f"{header}\n{first}\n{third}\n")
    found = texts(public(tmp_path, Window.of(date(2010, 12, 30), date(2011, 1, 5))))
    assert found == {
        ("forecast", date(2010, 12, 31)): _foretold(header, first),
        ("rides", date(2011, 1, 1)): f"{header}\n{first}\n",
        ("forecast", date(2011, 1, 2)): _foretold(header, third),
        ("rides", date(2011, 1, 3)): f"{header}\n{third}\n",
    }


def _foretold(*lines: str) -> str:
    return "".join(line.rsplit(",", 3)[0] + "\n" for line in lines)


def test_the_real_file_is_delivered_whole(published: Path | None) -> None:
    """On a machine without it, the header and shape of a simulated month stand in."""
    window = Window(start=date(2011, 1, 1), end=date(2013, 1, 1))
    if published is None:
        assert len(table("rides", texts(simulated(window, SOUND)))) == 731 * 24
        return
    file = published / "bike_sharing" / "hour.csv"
    found = texts(public(file.parent, window))
    lines = [line for key, text in found.items() if key[0] == "rides" for line in text.splitlines()[1:]]
    assert lines == file.read_text().splitlines()[1:]
    assert len(table("forecast", found)) == len(lines) - 24
