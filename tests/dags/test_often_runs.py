"""Whole runs over the day so far, through Airflow's own rules."""

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

import pytest

from nightshift.pipeline import dag_of
from spark_jobs.use_cases import load
from tests.dags.runs import ALONE, Calls, Tell, states, told

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from mlflow import MlflowClient

pytestmark = ALONE
DEVICES = load("iot_devices")
NOTHING = "nothing new came since 2024-03-10/readings-1010.json"


def at(clock: str) -> datetime:
    return datetime.combine(date(2024, 3, 10), time.fromisoformat(clock), UTC)


def run(run_type: str, patch: pytest.MonkeyPatch, when: datetime) -> "DagRun":
    """By Airflow's own rules, but for its word of who started it: its test of a Dag calls every run manual."""
    patch.setattr("nightshift.beginnings.run_type", lambda _: run_type)
    made: DagRun = dag_of(DEVICES).test(logical_date=when)
    return made


def test_one_that_finds_nothing_is_green_and_starts_no_later_stage(
    mlflow: "MlflowClient", tell: Tell, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell("ingest", result={"rows": {}, "nothing": NOTHING})
    made = run("scheduled", monkeypatch, at("10:20"))
    assert [call["argv"][0] for call in calls()] == ["ingest"]
    assert "--until=2024-03-10T10:20" in calls()[0]["argv"]
    assert [states(made)[task] for task in ("ingest", "refine", "report", "close_run")] == [
        *("success", "skipped", "skipped", "success")
    ]
    assert (made.state, told(made, "refine", "skipped")) == ("success", NOTHING)
    written = mlflow.get_run(told(made, "open_run")["run"])
    assert (written.info.status, written.info.run_name) == ("FINISHED", "frequent 2024-03-10 until 10:20")


def test_one_that_finds_something_makes_it_all(
    mlflow: "MlflowClient", calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run("scheduled", monkeypatch, at("10:30"))
    assert made.state == "success"
    assert [call["argv"][0] for call in calls()] == ["ingest", "refine", "report"]
    assert all("--until=2024-03-10T10:30" in call["argv"] for call in calls())


def test_what_a_person_asks_for_is_made_new_or_not(
    mlflow: "MlflowClient", tell: Tell, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell("ingest", result={"rows": {}, "nothing": NOTHING})
    made = run("manual", monkeypatch, at("10:40"))
    assert made.state == "success"
    assert [call["argv"][0] for call in calls()] == ["ingest", "refine", "report"]
    assert not any("--until" in word for call in calls() for word in call["argv"])


def test_a_back_fill_starts_jobs_in_the_last_run_of_a_day_only(
    mlflow: "MlflowClient", calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = run("backfill", monkeypatch, at("10:50"))
    assert (other.state, calls(), set(states(other).values())) == ("success", [], {"skipped"})
    last = run("backfill", monkeypatch, at("00:00"))
    assert last.state == "success"
    assert [call["argv"][2:4] for call in calls()] == [["--start=2024-03-09", "--end=2024-03-10"]] * 3
