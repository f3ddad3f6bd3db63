"""Predictive maintenance's raw files: a plant that could be, accidents that do happen, and published files replayed."""

import io
import logging
import time
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from spark_jobs.declare import Delivery, Job, Place, Stage, Window
from spark_jobs.stages import ingest, refine
from spark_jobs.use_cases.predictive_maintenance.plant import SUDDEN, Plant, failures, hours_of, joined, minute_of
from spark_jobs.use_cases.predictive_maintenance.sensors import DEVIATION, readings
from spark_jobs.use_cases.predictive_maintenance.source import HEADER, PUBLISHED, public, simulated
from spark_jobs.use_cases.predictive_maintenance.use_case import SENSORS, USE_CASE
from spark_jobs.work import Work

DAY = timedelta(days=1)
YEAR = Window(start=date(2023, 7, 1), end=date(2024, 7, 1))
SOUND = {**dict.fromkeys(USE_CASE.simulation, 0.0), "seed": 1.0, "machines": 40.0}
FAULTY = {**SOUND, "gaps": 0.05, "missing": 0.05, "absurd": 0.05, "clock": 0.05, "stranger": 0.05, "repeated": 0.05}
EVENTS = ("errors", "maintenance", "failures")

Texts = dict[tuple[str, date], str]


def texts(deliveries: Iterable[Delivery]) -> Texts:
    return {(delivery.table, delivery.day): delivery.text for delivery in deliveries}


def table(name: str, deliveries: Texts) -> pd.DataFrame:
    parts = [pd.read_csv(io.StringIO(text)) for (of, _), text in deliveries.items() if of == name]
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(datetime=pd.to_datetime(rows["datetime"])) if "datetime" in rows else rows


@pytest.fixture(scope="module")
def year() -> Texts:
    return texts(simulated(YEAR, SOUND))


def test_a_day_is_24_readings_of_every_machine_under_the_public_headers(year: Texts) -> None:
    day = date(2024, 2, 29)
    readings = table("telemetry", {("telemetry", day): year["telemetry", day]})
    assert year["telemetry", day].splitlines()[0] == "datetime,machineID,volt,rotate,pressure,vibration"
    assert readings.groupby("machineID").size().to_dict() == dict.fromkeys(range(1, 41), 24)
    assert sorted(set(readings["datetime"].astype(str))) == [f"2024-02-29 {hour:02d}:00:00" for hour in range(24)]
    heads = {name: year[name, day].splitlines()[0] for name in ("machines", *EVENTS)}
    assert heads == {
        "machines": "machineID,model,age",
        "errors": "datetime,machineID,errorID",
        "maintenance": "datetime,machineID,comp",
        "failures": "datetime,machineID,failure",
    }


def test_a_day_is_the_same_whatever_window_asks_for_it(year: Texts) -> None:
    for knobs, whole in ((SOUND, year), (FAULTY, texts(simulated(YEAR, FAULTY)))):
        for start, length in ((date(2023, 12, 30), 1), (date(2024, 2, 20), 17)):
            some = texts(simulated(Window(start=start, end=start + DAY * length), knobs))
            assert some == {key: whole[key] for key in some}


def test_more_machines_change_none_of_the_others() -> None:
    window = Window(start=date(2024, 3, 1), end=date(2024, 4, 1))
    few, many = (texts(simulated(window, {**SOUND, "machines": count})) for count in (15.0, 40.0))
    for name in ("machines", "telemetry", *EVENTS):
        both = table(name, few), table(name, many).query("machineID <= 15").reset_index(drop=True)
        pd.testing.assert_frame_equal(*both, check_dtype=False)  # an empty table has no types


def test_another_seed_is_another_plant(year: Texts) -> None:
    day = Window.of(date(2024, 3, 1))
    other = texts(simulated(day, {**SOUND, "seed": 2.0}))
    assert all(other[name, day.start] != year[name, day.start] for name in ("machines", "telemetry", "errors"))


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(2015, 1, 1), date(2024, 2, 29), date(2060, 12, 31)])
def test_any_date_can_be_simulated(day: date) -> None:
    assert len(texts(simulated(Window.of(day), SOUND))) == 5


def test_rates_are_like_the_published_ones(year: Texts) -> None:
    """Per machine and year, around 7.6 failures, 16 replacements and 39 errors."""
    rates = {name: len(table(name, year)) / 40 for name in EVENTS}
    assert 5 < rates["failures"] < 8
    assert 16 < rates["maintenance"] < 28
    assert 25 < rates["errors"] < 45
    assert set(table("failures", year)["failure"]) == {"comp1", "comp2", "comp3", "comp4"}


def test_each_model_of_machine_fails_in_its_own_way() -> None:
    plant = Plant(2000, 1)
    lives = plant.lives(YEAR)
    happened = joined([failures(lives, day) for day in YEAR.days])
    rates = np.array(
        [
            [((plant.model[happened.machine] == model) & (happened.what == part)).sum() for part in range(4)]
            / (plant.model == model).sum()
            for model in range(4)
        ]
    )
    assert rates.argmax(axis=1).tolist() == [1, 2, 0, 1]
    old = plant.age[happened.machine] > 10
    assert 1.1 < old.sum() / (plant.age > 10).sum() / ((~old).sum() / (plant.age <= 10).sum()) < 2


def test_every_failure_is_also_a_replacement_and_most_replacements_are_planned(year: Texts) -> None:
    failed = table("failures", year).rename(columns={"failure": "comp"})
    replaced = table("maintenance", year)
    assert len(failed.merge(replaced, on=["datetime", "machineID", "comp"])) == len(failed)
    planned = replaced.merge(failed, on=["datetime", "machineID", "comp"], how="left", indicator=True)
    planned = planned[planned["_merge"] == "left_only"]
    assert set(planned["datetime"].dt.strftime("%H:%M")) == {"06:00"}
    assert len(planned) > len(failed)


def test_some_errors_tell_of_a_failure_and_most_mean_nothing(year: Texts) -> None:
    """And nearly every failure is told of, by the errors of its component."""
    failed, errors = table("failures", year), table("errors", year)
    for component, kind in {"comp1": "error1", "comp2": "error2", "comp3": "error4", "comp4": "error5"}.items():
        own = failed[failed["failure"] == component].merge(errors[errors["errorID"] == kind], on="machineID")
        before = own["datetime_x"] - own["datetime_y"]
        told = own[(before > timedelta(hours=8)) & (before < timedelta(hours=42))]
        of_failures = len(told.drop_duplicates(["machineID", "datetime_x"])) / (failed["failure"] == component).sum()
        of_errors = len(told.drop_duplicates(["machineID", "datetime_y"])) / (errors["errorID"] == kind).sum()
        assert 0.5 < of_failures < 0.95
        assert 0.1 < of_errors < 0.5


def test_a_sudden_failure_shows_in_nothing_before() -> None:
    lives = Plant(2000, 1).lives(YEAR)
    sudden = lives.failed.where(lives.failed.wearing == lives.failed.failing)
    assert 0.5 * SUDDEN < len(sudden.end) / len(lives.failed.end) < 1.5 * SUDDEN
    assert not sudden.tells.any()


def test_wear_grows_for_two_days_until_the_part_fails_and_is_gone_with_it() -> None:
    plant, day = Plant(300, 1), date(2024, 3, 1)
    lives = plant.lives(Window(start=day - 4 * DAY, end=day + DAY))
    minutes = np.concatenate([hours_of(day - DAY * back) for back in (3, 2, 1, 0)])
    wear = plant.wear(lives, minutes)
    of_day = lives.failed.where((lives.failed.end >= minute_of(day)) & (lives.failed.end < minute_of(day + DAY)))
    seen = of_day.where(of_day.wearing < of_day.failing)
    assert len(seen.end) > 2
    for machine, part, end in zip(seen.machine, seen.component, seen.end, strict=True):
        course = wear[machine, :, part]
        before = (end - minutes) / 60
        assert (course[before <= 0] == 0).all()
        assert (course[before > 62] == 0).all()
        assert (np.diff(course[(before > 0) & (before < 34)]) > 0).all()
        assert course[before > 0][-1] > 0.95
    assert (wear.max(axis=(1, 2)) > 0).mean() < 0.2


def test_wear_shows_in_the_means_of_hours_and_hardly_in_one_reading() -> None:
    plant, day = Plant(2000, 1), date(2024, 3, 1)
    lives = plant.lives(Window(start=day - DAY, end=day + DAY))
    wear, shown = plant.wear(lives, hours_of(day)), readings(plant, lives, day) / DEVIATION
    worn = wear[:, :12, 0].mean(axis=1) > 0.4
    healthy = wear.max(axis=(1, 2)) == 0
    volt = shown[:, :, 0]
    lift = volt[worn, :12].mean() - volt[healthy].mean()
    assert lift > 5 * volt[healthy, :12].mean(axis=1).std()
    assert lift < 5 * volt[healthy].std()


def test_a_year_of_a_thousand_machines_takes_less_than_half_a_minute_of_the_processor() -> None:
    began = time.process_time()
    for _ in simulated(
        Window(start=date(2024, 1, 1), end=date(2024, 1, 31)), {**USE_CASE.simulation, "machines": 1000}
    ):
        pass
    assert (time.process_time() - began) * 365 / 30 < 30


@pytest.mark.parametrize("accident", ["gaps", "missing", "absurd", "clock", "stranger", "repeated"])
def test_the_share_of_each_accident_is_as_asked(accident: str) -> None:
    window = Window(start=date(2024, 3, 1), end=date(2024, 3, 11))
    sound, faulty = (texts(simulated(window, {**SOUND, accident: share})) for share in (0.0, 0.05))
    lines = [line for day in window.days for line in sound["telemetry", day].splitlines()[1:]]
    left = Counter(line for day in window.days for line in faulty["telemetry", day].splitlines()[1:])
    hit = sum(left[line] != 1 for line in lines)
    assert 0.04 < hit / len(lines) < 0.06


def test_each_accident_is_refused_nulled_or_a_gap_and_counted(spark: SparkSession, tmp_path: Path) -> None:
    window = Window.of(date(2024, 3, 1), date(2024, 3, 3))
    simulation = ",".join(f"{name}={value}" for name, value in FAULTY.items())
    place = Place(
        lake=f"{tmp_path}/lake", landing=f"{tmp_path}/landing", tracking="", registry="", simulation=simulation
    )
    job = Job(stage=Stage.INGEST, use_case=USE_CASE.name, window=window)
    work = Work(job=job, place=place, use_case=USE_CASE, spark=spark)
    ingest.run(work)
    counts = refine.run(work)["rows"]["telemetry"]
    found = texts(simulated(window, FAULTY))
    lines = [line for day in window.days for line in found["telemetry", day].splitlines()[1:]]
    struck = Counter(kind for line in lines for kind in [refused(line)] if kind)
    struck["repeated"] = sum(count - 1 for count in Counter(lines).values())
    assert all(struck[kind] > 50 for kind in ("0000", "2025", "stranger", "repeated"))
    assert counts["quarantined"] == struck.total()
    assert counts["in"] == len(lines) == counts["kept"] + counts["quarantined"]
    kept: Any = work.lake.silver("telemetry").read().toPandas()
    assert counts["nulled"] + sum(",," in f"{line}," for line in set(lines)) == kept[list(SENSORS)].isna().sum().sum()
    assert kept[list(SENSORS)].notna().mean().min() > 0.95
    assert len(kept) < 0.9 * 3 * 40 * 24


def refused(line: str) -> str:
    """What silver has against a line, if anything."""
    year, machine = line[:4], int(line.split(",")[1])
    return "stranger" if machine > 40 else year if year != "2024" else ""


def publish(folder: Path) -> None:
    """Five files as they were published: quoted, machine by machine."""
    (folder / "PdM_machines.csv").write_text('"machineID","model","age"\n1,"model3",18\n2,"model4",7\n')
    (folder / "PdM_errors.csv").write_text('"datetime","machineID","errorID"\n2015-01-03 07:00:00,1,"error1"\n')
    (folder / "PdM_maint.csv").write_text('"datetime","machineID","comp"\n2015-01-01 06:00:00,2,"comp2"\n')
    (folder / "PdM_failures.csv").write_text('"datetime","machineID","failure"\n')
    lines = ["datetime,machineID,volt,rotate,pressure,vibration"]
    lines += [f"2015-01-0{day} 06:00:00,{machine},{day}0.5,400,100,40" for machine in (1, 2) for day in (1, 2, 3)]
    (folder / "PdM_telemetry_some.csv").write_text("\n".join(lines) + "\n")


def test_published_lines_are_replayed_untouched_on_their_days(tmp_path: Path) -> None:
    publish(tmp_path)
    found = texts(public(tmp_path, Window.of(date(2014, 12, 31), date(2015, 1, 2))))
    machines = (tmp_path / "PdM_machines.csv").read_text()
    assert found == {
        ("machines", date(2015, 1, 1)): machines,
        ("telemetry", date(2015, 1, 1)): (
            "datetime,machineID,volt,rotate,pressure,vibration\n"
            "2015-01-01 06:00:00,1,10.5,400,100,40\n"
            "2015-01-01 06:00:00,2,10.5,400,100,40\n"
        ),
        ("maintenance", date(2015, 1, 1)): '"datetime","machineID","comp"\n2015-01-01 06:00:00,2,"comp2"\n',
        ("machines", date(2015, 1, 2)): machines,
        ("telemetry", date(2015, 1, 2)): (
            "datetime,machineID,volt,rotate,pressure,vibration\n"
            "2015-01-02 06:00:00,1,20.5,400,100,40\n"
            "2015-01-02 06:00:00,2,20.5,400,100,40\n"
        ),
    }


def test_the_run_says_which_machines_and_days_a_telemetry_file_covers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(tmp_path)
    (tmp_path / "PdM_telemetry_some.csv").rename(tmp_path / "PdM_telemetry_2.csv")
    with caplog.at_level(logging.INFO):
        list(public(tmp_path, Window.of(date(2015, 1, 2), date(2015, 1, 9))))
    assert caplog.messages == [
        "PdM_telemetry_2.csv holds 2 of 2 machines on 2 of the 8 days asked for (2015-01-02 to 2015-01-09): "
        "4 readings, from 2015-01-02 to 2015-01-03, of 1, 2"
    ]


def test_the_real_files_are_delivered_whole(published: Path | None) -> None:
    """On a machine without them, the headers of simulated files stand in."""
    if published is None:
        assert set(HEADER) == set(PUBLISHED)
        return
    folder = published / USE_CASE.name
    found = texts(public(folder, Window(start=date(2014, 6, 1), end=date(2016, 1, 3))))
    for name, pattern in PUBLISHED.items():
        (file,) = folder.glob(pattern)
        lines = [line for key, text in found.items() if key[0] == name for line in text.splitlines()[1:]]
        assert sorted(set(lines)) == sorted(file.read_text().splitlines()[1:])
