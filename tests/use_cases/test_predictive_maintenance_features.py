"""Predictive maintenance: a few readings and events in, whole frames out."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from pyspark.sql import SparkSession

from spark_jobs.use_cases.predictive_maintenance.histories import SCALE
from spark_jobs.use_cases.predictive_maintenance.use_case import SENSORS, WINDOWS
from tests.use_cases.plant import event, expected, foretold, hourly, made, reading, time

TENTH, NOON, MIDNIGHT = "2024-03-10", time("2024-03-10 12:00"), time("2024-03-11 00:00")


def stamp(at: Any, **values: Any) -> dict[str, Any]:
    return {"at": at.replace(tzinfo=None), **values}


def told(sensor: str, windows: list[str], *statistics: float | None) -> dict[str, float | None]:
    """Mean, deviation, minimum, maximum and slope over each of these windows."""
    names = ("mean", "deviation", "minimum", "maximum", "slope")
    return {f"{sensor}_{how}_{w}": x for w in windows for how, x in zip(names, statistics, strict=False)}


def missing(**readings: int) -> dict[str, float]:
    """Of the readings of four sensors that a window should hold, by how many it does."""
    return {f"missing_{w}": 1 - n / (4 * WINDOWS[w].total_seconds() / 3600) for w, n in readings.items()}


def test_each_sensor_is_told_by_five_numbers_for_every_window_its_readings_lie_in(spark: SparkSession) -> None:
    telemetry = [
        reading("2024-03-10 03:00", volt=170, rotate=440.5),
        reading("2024-03-10 05:00", volt=176, vibration=40),
        reading("2024-03-10 04:00", volt=170),
    ]
    everywhere, longer = list(WINDOWS), ["24h", "36h", "7d"]
    volt, rotate, vibration = (172, 12**0.5, 170, 176, 3), (440.5, None, 440.5, 440.5), (40, None, 40, 40)
    found = made(spark, [TENTH], telemetry=telemetry)
    wanted = expected(
        stamp(
            NOON,
            **told("volt", everywhere, *volt),
            **told("rotate", everywhere, *rotate),
            **told("vibration", everywhere, *vibration),
            **missing(**dict.fromkeys(everywhere, 5)),
        ),
        stamp(
            MIDNIGHT,
            **told("volt", longer, *volt),
            **told("rotate", longer, *rotate),
            **told("vibration", longer, *vibration),
            **missing(**dict.fromkeys(longer, 5)),
        ),
    )
    assert_frame_equal(found, wanted, check_dtype=False, check_exact=True)


def test_a_window_begins_its_length_before_the_stamp_and_ends_before_it(spark: SparkSession) -> None:
    """Each reading is another power of two, so a sum tells which it holds."""
    hours_before = {1: 1, 2: 12, 4: 13, 8: 24, 16: 25, 32: 36, 64: 37, 128: 168, 256: 169, 512: 0}
    times = {volt: MIDNIGHT - timedelta(hours=hours) for volt, hours in hours_before.items()}
    telemetry = [reading(f"{at:%Y-%m-%d %H:%M}", volt=volt) for volt, at in times.items()]
    found = made(spark, [TENTH], telemetry=telemetry).iloc[1]
    sums = {"12h": 1 + 2, "24h": 1 + 2 + 4 + 8, "36h": 1 + 2 + 4 + 8 + 16 + 32, "7d": 255}
    assert {name: found[f"volt_mean_{name}"] * sums[name].bit_count() for name in WINDOWS} == sums


def test_errors_are_counted_by_kind_over_a_day_and_a_week(spark: SparkSession) -> None:
    errors = [
        event("2024-03-11 00:00", "error1"),  # at the last stamp: not yet known
        event("2024-03-10 23:59", "error1"),
        event("2024-03-10 00:00", "error1"),  # 24 hours before it
        event("2024-03-09 23:59", "error1"),
        event("2024-03-04 00:00", "error5"),  # 7 days before it
        event("2024-03-03 23:59", "error2"),
    ]
    found = made(spark, [TENTH], errors=errors)
    wanted = expected(
        stamp(NOON, error1_24h=2, error1_7d=2, error5_7d=1, error2_7d=1),
        stamp(MIDNIGHT, error1_24h=2, error1_7d=3, error5_7d=1),
    )
    assert_frame_equal(found, wanted, check_dtype=False, check_exact=True)


def test_days_since_are_counted_from_the_last_time_ever(spark: SparkSession) -> None:
    maintenance = [
        event("2014-03-11 00:00", "comp1"),
        event("2024-03-01 06:00", "comp2"),
        event("2024-02-01 06:00", "comp2"),
        event("2024-03-10 12:00", "comp3"),  # at the first stamp: not yet known
        event("2024-03-11 06:00", "comp4"),
    ]
    failures = [event("2024-03-01 06:00", "comp2")]
    found = made(spark, [TENTH], maintenance=maintenance, failures=failures)
    known = {"comp1_never_replaced": 0, "comp2_never_replaced": 0, "comp2_never_failed": 0}
    wanted = expected(
        stamp(NOON, **known, comp1_replaced_days=3652.5, comp2_replaced_days=9.25, comp2_failed_days=9.25),
        stamp(
            MIDNIGHT,
            **{**known, "comp3_never_replaced": 0},
            comp1_replaced_days=3653,
            comp2_replaced_days=9.75,
            comp2_failed_days=9.75,
            comp3_replaced_days=0.5,
        ),
    )
    assert_frame_equal(found, wanted, check_dtype=False, check_exact=True)


def test_machines_keep_to_themselves(spark: SparkSession) -> None:
    """Told together as told alone; what is told of a machine that is not there is told of nobody."""
    machines = [(1, "model1", 0), (7, "model4", 20), (10**12, "model2", 3)]
    telemetry = [row for m, _, _ in machines for row in hourly("2024-03-09 12:00", 24, m, volt=150.0 + m % 10)]
    telemetry += hourly("2024-03-10 00:00", 12, machine=5, volt=400)
    errors = [event("2024-03-10 01:00", "error3", machine=7), event("2024-03-10 01:00", "error3", machine=8)]
    together = made(spark, [TENTH], machines=machines, telemetry=telemetry, errors=errors)
    own = [[row for row in table if row[1] == 7] for table in (telemetry, errors)]
    alone = made(spark, [TENTH], machines=machines[1:2], telemetry=own[0], errors=own[1])
    assert_frame_equal(together.query("machineID == 7").reset_index(drop=True), alone, check_exact=True)
    assert len(together) == 6
    assert together["error3_24h"].tolist() == [0, 0, 1, 1, 0, 0]
    assert together[["age", "model1", "model2", "model3", "model4"]].drop_duplicates().to_numpy().tolist() == [
        [0, 1, 0, 0, 0],
        [20, 0, 0, 0, 1],
        [3, 0, 1, 0, 0],
    ]


def test_every_machine_has_a_row_at_every_step_of_the_asked_days_and_no_other(spark: SparkSession) -> None:
    found = made(spark, ["2024-02-28", "2024-03-10"], telemetry=hourly("2024-03-01 00:00", 48, volt=170))
    assert found["at"].astype(str).tolist() == [
        "2024-02-28 12:00:00",
        "2024-02-29 00:00:00",
        "2024-03-10 12:00:00",
        "2024-03-11 00:00:00",
    ]
    assert found["volt_mean_7d"].isna().all()


@pytest.mark.parametrize("sensor", SENSORS)
def test_the_widest_swing_a_sensor_may_make_stays_within_64_bits(sensor: str) -> None:
    readings = WINDOWS["7d"].total_seconds() / 3600
    assert (readings * max(map(abs, SENSORS[sensor])) * SCALE) ** 2 < 2**63


def test_the_widest_swing_is_told_as_it_is(spark: SparkSession) -> None:
    swing = [1000.0 * (n % 3 == 0) for n in range(168)]
    telemetry = [
        (*row[:3], rotate, None, None) for row, rotate in zip(hourly("2024-03-04 00:00", 168), swing, strict=True)
    ]
    found = made(spark, [TENTH], telemetry=telemetry).iloc[1]
    slope = np.polyfit(np.arange(168), swing, 1)[0]
    assert found["rotate_deviation_7d"] == pytest.approx(np.std(swing, ddof=1), rel=1e-12)
    assert found["rotate_slope_7d"] == pytest.approx(slope, rel=1e-9)


def test_a_component_is_labelled_when_it_fails_after_the_stamp_and_within_a_day(spark: SparkSession) -> None:
    stamps = [f"2024-03-{day} {hour}:00" for day in (10, 11, 12) for hour in ("00", "12")]
    failures = [
        event("2024-03-12 00:00", "comp3"),
        event("2024-03-11 06:00", "comp2"),
        event("2024-03-11 18:30", "comp2"),
        event("2024-03-11 06:00", "comp4"),
        event("2024-03-11 06:00", "comp1", machine=2),
    ]
    assert foretold(spark, stamps, failures) == {
        "03-10 00:00": "",
        "03-10 12:00": "comp2 in 18 h comp4 in 18 h",
        "03-11 00:00": "comp2 in 6 h comp3 in 24 h comp4 in 6 h",
        "03-11 12:00": "comp2 in 6.5 h comp3 in 12 h",
        "03-12 00:00": "",
        "03-12 12:00": "",
    }
