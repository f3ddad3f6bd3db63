"""Simulated readings arrive as they are made: a file when its ten minutes are over, whoever asks, and how often."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.declare import Delivery, Job, Place, Stage, Window
from spark_jobs.raw.landing import Landing
from spark_jobs.stages.ingest import arrived
from spark_jobs.use_cases.iot_devices import devices, source
from spark_jobs.use_cases.iot_devices.use_case import EVERY, USE_CASE

DAY, FIRST = timedelta(days=1), date(2024, 3, 1)
MIDNIGHT = datetime(2024, 3, 1, tzinfo=UTC)
KNOBS = {**USE_CASE.simulation, "devices": 9.0, "late": 0.05, "twice": 0.05, "broken": 0.02}
SOUND = {**KNOBS, "broken": 0.0, "twice": 0.0}
SLOTS = 144


def simulated(window: Window, **knobs: float) -> list[Delivery]:
    return list(source.simulated(window, {**KNOBS, **knobs}))


def laid(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.json")}


def landing(folder: Path) -> Landing:
    return Landing.of(Place(lake="", landing=str(folder), tracking="", registry=""), USE_CASE.name)


def test_a_day_in_144_runs_lays_the_files_that_one_run_lays(tmp_path: Path) -> None:
    window = Window.of(FIRST)
    landing(tmp_path / "whole").deliver(simulated(window))
    written = [
        landing(tmp_path / "cut").deliver(arrived(simulated(window), MIDNIGHT + number * EVERY))
        for number in range(1, SLOTS + 1)
    ]
    assert written == [2, *[1] * (SLOTS - 1)]  # the first brings what was late, too
    assert laid(tmp_path / "cut") == laid(tmp_path / "whole")
    assert len(laid(tmp_path / "whole")) == SLOTS + 1


def test_a_day_is_the_same_whatever_window_asks_for_it() -> None:
    whole = {(one.day, one.name): one.content for one in simulated(Window(start=FIRST, end=FIRST + 3 * DAY))}
    alone = {(one.day, one.name): one.content for one in simulated(Window.of(FIRST + DAY))}
    assert alone == {key: text for key, text in whole.items() if key[0] == FIRST + DAY}
    assert len(set(whole.values())) == len(whole) == 3 * (SLOTS + 1)


def test_a_file_holds_what_was_made_in_its_ten_minutes_and_comes_when_they_are_over() -> None:
    for slot, one in enumerate(one for one in simulated(Window.of(FIRST), **SOUND) if one.name != "late.json"):
        begins = MIDNIGHT + slot * EVERY
        assert (one.name, one.at) == (f"readings-{begins:%H%M}.json", begins + EVERY)
        assert all(begins <= made < begins + EVERY for made in _times(one))


def test_what_is_late_is_of_the_day_before_and_comes_with_the_first_file() -> None:
    (late,) = (one for one in simulated(Window.of(FIRST), **SOUND) if one.name == "late.json")
    assert late.at == MIDNIGHT + EVERY
    times = list(_times(late))
    assert len(times) > 30
    assert all(MIDNIGHT - DAY <= made < MIDNIGHT for made in times)


def test_what_comes_twice_comes_with_the_next_file_of_the_day() -> None:
    once = {one.name: one.content.splitlines() for one in simulated(Window.of(FIRST), twice=0.0)}
    twice = {one.name: one.content.splitlines() for one in simulated(Window.of(FIRST), twice=1.0, late=0.0)}
    assert len(twice["readings-0010.json"]) > len(once["readings-0010.json"])
    assert twice["readings-0010.json"][: len(twice["readings-0000.json"])] == twice["readings-0000.json"]
    assert len(set(twice["readings-2350.json"])) < len(twice["readings-2350.json"])


def test_a_run_over_ten_minutes_draws_them_and_those_before_and_no_whole_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing(tmp_path).deliver(arrived(simulated(Window.of(FIRST)), MIDNIGHT + 61 * EVERY))
    drawn: list[int] = []

    def shown(fleet: Any, day: date, slot: int, knobs: Any) -> devices.Shown:
        drawn.append(slot)
        return devices.shown(fleet, day, slot, knobs)

    monkeypatch.setattr(source, "shown", shown)
    assert landing(tmp_path).deliver(arrived(simulated(Window.of(FIRST)), MIDNIGHT + 62 * EVERY)) == 1
    assert drawn == [60, 61]


PAUSES = st.sampled_from([20.0, 60.0, 600.0, 900.0]) | st.integers(200, 9000).map(lambda tenths: tenths / 10)
NEAR_AN_EDGE = st.builds(lambda slot, off: slot * 600 + off, st.integers(1, 143), st.sampled_from([-0.0003, 0, 0.0003]))
PHASES = st.lists(st.floats(0, 86_399) | NEAR_AN_EDGE, min_size=2, max_size=2).map(np.array)


@given(PAUSES, PHASES)
def test_slots_share_out_the_readings_of_a_day_and_lose_none(pause: float, phase: Any) -> None:
    found = [devices._times(slot, pause, phase, np.full(2, np.inf)) for slot in range(SLOTS)]
    for device, offset in enumerate(phase % pause):
        mine = np.concatenate([second[which == device] for which, second in found])
        whole = (np.arange(int(devices.DAY // pause)) * pause + offset).round(3)
        assert mine.tolist() == whole[whole < devices.DAY].tolist()


def test_a_job_that_names_no_moment_gets_all() -> None:
    window = Window.of(FIRST)
    job = Job(stage=Stage.INGEST, use_case=USE_CASE.name, window=window)
    assert len(list(arrived(simulated(window), job.until))) == SLOTS + 1
    always = [replace(one, at=None) for one in simulated(window)]
    assert len(list(arrived(always, MIDNIGHT))) == SLOTS + 1


def _times(delivery: Delivery) -> Iterator[datetime]:
    for line in delivery.content.splitlines():
        yield datetime.fromtimestamp(json.loads(line)["timestamp"] / 1000, UTC)
