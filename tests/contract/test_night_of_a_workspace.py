"""What a job that a workspace scheduled fills in by itself: days, and the version to judge."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from spark_jobs import tracking, wheel
from spark_jobs.declare.tags import VERDICT

PLACE = ["--lake=main.bikes", "--landing=/Volumes/a/b/c", "--tracking=databricks", "--registry=databricks-uc"]
DAYS = ["--start=2024-01-01", "--end=2024-01-02"]
EVALUATE = [*PLACE, "evaluate", "bike_sharing", *DAYS]


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The model's, the newest first."""
    found: list[Any] = []

    @contextmanager
    def book(*_: object) -> Iterator[Any]:
        yield SimpleNamespace(versions=lambda: found)

    monkeypatch.setattr(tracking, "tracking", book)
    return found


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    argvs: list[list[str]] = []
    monkeypatch.setattr(wheel, "done", argvs.append)
    return argvs


def test_the_newest_version_is_judged_once(
    versions: list[Any], began: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    versions += [SimpleNamespace(version="2", tags={}), SimpleNamespace(version="1", tags={VERDICT: "PROMOTE"})]
    wheel.by_night(EVALUATE)
    assert began == [[*EVALUATE, "--version=2"]]
    versions[0].tags[VERDICT] = "REJECT"
    wheel.by_night(EVALUATE)
    assert len(began) == 1
    said = json.loads(capsys.readouterr().out)
    assert said == {"nightshift": 1, "stage": "evaluate", "skipped": "version 2 has its verdict: REJECT"}


def test_before_the_first_training_there_is_nothing_to_judge_and_nothing_fails(
    versions: list[Any], began: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    wheel.by_night(EVALUATE)
    assert (versions, began) == ([], [])
    assert json.loads(capsys.readouterr().out)["skipped"] == "there is no version yet"


def test_every_other_stage_and_a_version_that_is_named_run_as_they_are(began: list[list[str]]) -> None:
    named = [*EVALUATE, "--version=7"]
    score = [*PLACE, "score", "bike_sharing", *DAYS]
    wheel.by_night(named)
    wheel.by_night(score)
    assert began == [named, score]


def test_days_that_were_left_empty_are_those_of_yesterday() -> None:
    today = datetime.now(UTC).date()
    yesterday = str(today - timedelta(days=1))
    assert wheel.with_days(["score", "--start=", "--end="]) == ["score", f"--start={yesterday}", f"--end={today}"]
    assert wheel.with_days(DAYS) == DAYS
