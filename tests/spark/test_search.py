"""One seed gives one winner, however many workers there are and however often the search is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from engine.running import running
from spark_jobs.declare import Refused, Search, Whole
from spark_jobs.kinds import Candidate, Columns
from spark_jobs.learning.model_part import model_part
from spark_jobs.learning.search import Attempt, Trying, best, search
from tests.spark import tiny

ROOT = Path(__file__).parents[2]
DECLARED = Search(trials=6, batch=4, seed=3, spaces={"boosted": tiny.SPACE})


def trying(candidate: Candidate) -> Trying:
    rows = tiny.facts(20)
    return Trying(
        part=model_part("tiny"),
        candidate=candidate,
        columns=Columns.of(tiny.USE_CASE),
        gate=tiny.USE_CASE.gate,
        train=rows.iloc[:300],
        validate=rows.iloc[300:].reset_index(drop=True),
    )


def odd(declared: Search, space: Mapping[str, Any]) -> Search:
    return replace(declared, spaces={"odd": space})


def essence(attempts: list[Attempt]) -> list[tuple[Any, ...]]:
    return [(a.number, a.params, a.settled, a.metrics, a.error) for a in attempts]


def searched_with(cores: int, folder: Path) -> list[Any]:
    """By an engine of its own, that has this many workers."""
    with running(folder / str(cores), folder / f"lake{cores}", cores=str(cores), memory="1g") as engine:
        command = [sys.executable, "-m", "tests.spark.search_alone", engine.address, str(engine.token)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.long  # engines of its own
def test_one_two_and_four_workers_find_the_same_winner(world: tiny.World, tmp_path: Path) -> None:
    with_two = json.loads(json.dumps(essence(attempts(world.spark))))
    assert len(with_two) == DECLARED.trials
    assert searched_with(1, tmp_path) == with_two
    assert searched_with(4, tmp_path) == with_two


def test_a_killed_search_goes_on_where_it_was(world: tiny.World) -> None:
    task = trying(tiny.candidates()[0])
    told: list[int] = []
    whole = search(world.spark, task, DECLARED, {}, lambda attempt: told.append(attempt.number))
    assert told == [0, 1, 2, 3, 4, 5]
    told.clear()
    known = {
        attempt.number: Attempt.from_json(attempt.to_json(curves=False)) for attempt in whole if attempt.number != 2
    }
    del known[5]
    again = search(world.spark, task, DECLARED, known, lambda attempt: told.append(attempt.number))
    assert told == [2, 5]
    assert essence(again) == essence(whole)


@dataclass(frozen=True)
class InTurn:
    """A dimension of a space that knows what comes."""

    options: tuple[str, ...]

    def suggest(self, trial: Any, _: str) -> str:
        number: int = trial.number
        return self.options[number]


def test_a_trial_that_raises_is_counted_and_the_search_goes_on(
    world: tiny.World, caplog: pytest.LogCaptureFixture
) -> None:
    objectives = InTurn(("reg:squarederror", "reg:squarederror", "no:such", *["reg:squarederror"] * 3))
    declared = odd(DECLARED, {"max_depth": Whole(low=1, high=4), "objective": objectives})
    candidate = Candidate(name="odd", kind="xgboost", params={"rounds": 5})
    with caplog.at_level("INFO"):
        found = search(world.spark, trying(candidate), declared, {}, lambda _: None)
    assert [attempt.number for attempt in found if attempt.error] == [2]
    assert "Unknown objective function" in found[2].error
    assert not best(found, tiny.USE_CASE.gate).error
    assert "odd: trial 4 of 6, 1 failed, best rmse so far" in caplog.text


def test_a_trial_that_hangs_crashes_or_eats_memory_hurts_itself_alone(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = Candidate.fit

    def trouble(self: Candidate, rows: Any, params: Any, columns: Columns, watched: Any = None) -> Any:
        what = params["trouble"]
        if what == "hangs":
            time.sleep(600)
        if what == "crashes":
            os.kill(os.getpid(), signal.SIGSEGV)
        if what == "eats memory":
            bytearray(2 << 30)
        return fit(self, rows, {"rounds": 3}, columns, watched)

    class Troubled(Candidate):
        fit = trouble

    troubles = {"trouble": InTurn(("none", "hangs", "crashes", "eats memory"))}
    declared = odd(Search(trials=4, batch=4, longest=timedelta(seconds=10), gigabytes=1.0), troubles)
    candidate = Troubled(name="odd", kind="xgboost")
    found = search(world.spark, trying(candidate), declared, {}, lambda _: None)
    assert [attempt.error for attempt in found] == [
        "",
        "took longer than 10 s and was ended",
        "its process ended by SIGSEGV without an answer",
        "MemoryError: ",
    ]


def test_a_search_in_which_all_trials_fail_is_an_error_that_says_why(world: tiny.World) -> None:
    candidate = Candidate(name="odd", kind="xgboost", params={"objective": "no:such"})
    declared = odd(Search(trials=2, batch=2), tiny.SPACE)
    found = search(world.spark, trying(candidate), declared, {}, lambda _: None)
    with pytest.raises(Refused, match=r"all 2 trials failed, the last with: XGBoostError: .*Unknown objective"):
        best(found, tiny.USE_CASE.gate)


def test_a_metric_that_is_no_number_is_a_failed_trial(world: tiny.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny, "measure", lambda *_: {"rmse": float("nan")})
    attempt = trying(tiny.candidates()[0]).attempt(0, {"rounds": 2})
    assert attempt.error == "Refused: measure gave nan for rmse, the metric that decides"


def attempts(spark: SparkSession) -> list[Attempt]:
    return search(spark, trying(tiny.candidates()[0]), DECLARED, {}, lambda _: None)
