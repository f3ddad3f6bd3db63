"""One seed gives one winner, however many workers there are and however often the search is killed."""

import json
import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median
from types import SimpleNamespace
from typing import Any, cast

import optuna  # noqa: TID253 - tests load what they test
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from spark_jobs.declare import Choice, Refused, Search, Space, Whole
from spark_jobs.kinds import Candidate, Columns
from spark_jobs.learning.attempt import Attempt, Trying, best
from spark_jobs.learning.model_part import model_part
from spark_jobs.learning.search import Finished, Searching, Told, search
from spark_jobs.learning.search.searching import Wanted
from spark_jobs.learning.search.ways import by_genetic
from tests.spark import tiny

DECLARED = Search(trials=6, batch=4, seed=3, spaces={"boosted": tiny.SPACE})
PRUNED = replace(DECLARED, trials=20)
WAYS = {way: PRUNED.asked(way) for way in ("grid", "genetic", "optuna")}


def trying(folds: int = 0) -> Trying:
    rows = tiny.facts(20)
    return Trying(
        part=replace(model_part("tiny"), candidates=()),
        columns=Columns.of(tiny.USE_CASE),
        gate=tiny.USE_CASE.gate,
        train=rows.iloc[:300],
        validate=rows.iloc[300:].reset_index(drop=True),
        folds=folds,
    )


def searching(
    spark: SparkSession,
    *candidates: Candidate,
    declared: Search = DECLARED,
    told: Told = lambda _: None,
    folds: int = 0,
) -> Searching:
    return Searching(
        spark=spark,
        trying=trying(folds),
        candidates=candidates or tiny.candidates(),
        declared=declared,
        finished={},
        told=told,
    )


def by_number(attempts: Iterable[Attempt]) -> Finished:
    """As a killed search left them."""
    again = (Attempt.from_json(one.to_json(whole=False)) for one in attempts)
    return {(one.candidate, one.number): one for one in again}


def odd(declared: Search, space: Mapping[str, Any]) -> Search:
    return replace(declared, spaces={"odd": space})


def essence(attempts: list[Attempt]) -> list[tuple[Any, ...]]:
    return [(a.number, a.params, a.settled, a.metrics, a.error, a.given_up) for a in attempts]


def spent_again(before: list[Attempt], after: list[Attempt]) -> list[int]:
    """Which were fitted once more: no two fits take the same time."""
    return [one.number for one, other in zip(before, after, strict=True) if one.seconds != other.seconds]


def test_a_killed_search_goes_on_where_it_was(world: tiny.World) -> None:
    told: list[int] = []
    asked = searching(world.spark, told=lambda attempt: told.append(attempt.number))
    whole = search(asked)
    assert told == [0, 1, 2, 3, 4, 5]
    told.clear()
    again = search(replace(asked, finished=by_number(one for one in whole if one.number not in (2, 5))))
    assert told == [2, 5]
    assert essence(again) == essence(whole)
    assert spent_again(whole, again) == [2, 5]


@pytest.mark.parametrize("way", ["grid", "genetic"])
def test_killed_by_another_way_it_goes_on_too(world: tiny.World, way: str) -> None:
    told: list[int] = []
    asked = searching(world.spark, declared=WAYS[way], told=lambda attempt: told.append(attempt.number))
    whole = search(asked)
    assert told == list(range(len(whole)))
    told.clear()
    again = search(replace(asked, finished=by_number(whole[:7])))
    assert told == list(range(7, len(whole)))
    assert essence(again) == essence(whole)
    assert spent_again(whole, again) == told


def test_a_grid_tries_every_combination_once_and_gives_none_up(world: tiny.World) -> None:
    """However many trials are declared, and of every candidate that has a space."""
    spaces: dict[str, Space] = {
        "boosted": {"max_depth": Whole(low=1, high=4, points=(1, 4)), "rounds": Choice(options=(1, 60))},
        "trees": {"max_depth": Whole(low=1, high=3)},
    }
    declared = Search(trials=1, by="grid", batch=2, spaces=spaces)
    found = search(searching(world.spark, *tiny.candidates(), TREES, declared=declared, folds=3))
    tried = [(one.candidate, *(one.params[name] for name in spaces[one.candidate])) for one in found]
    assert tried == [
        *(("boosted", 1, 1), ("boosted", 1, 60), ("boosted", 4, 1), ("boosted", 4, 60)),
        *(("trees", 1), ("trees", 2), ("trees", 3)),
    ]
    assert [one.number for one in found] == list(range(7))
    assert {len(one.steps) for one in found} == {3}


def test_nobody_is_born_twice_and_when_all_is_tried_the_search_ends(world: tiny.World) -> None:
    few: Space = {"max_depth": Choice(options=(1, 2, 3)), "eta": Choice(options=(0.1, 0.3))}
    declared = Search(trials=24, by="genetic", batch=2, spaces={"boosted": few})
    found = search(searching(world.spark, declared=declared))
    assert [one.number for one in found] == list(range(6))
    assert len({json.dumps(one.params) for one in found}) == 6


def test_children_of_the_fit_are_fitter(world: tiny.World) -> None:
    """And of two candidates the better one takes over, for which it is, is a gene like the others."""
    declared = replace(BOTH, by="genetic", trials=40, batch=5)
    found = search(searching(world.spark, *tiny.candidates(), TREES, declared=declared))
    first, last = found[:10], found[-10:]
    winner = best(found, tiny.USE_CASE.gate).candidate
    assert median(one.metrics["rmse"] for one in last) < median(one.metrics["rmse"] for one in first)
    assert [one.candidate for one in last].count(winner) > [one.candidate for one in first].count(winner)


def test_a_generation_is_a_batch_also_where_some_of_it_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the sampler sees it, which makes a generation of those that did not fail."""
    made, studies = optuna.create_study, list[optuna.Study]()

    def create(**given: Any) -> optuna.Study:
        studies.append(made(**given))
        return studies[-1]

    def half_fails(wanted: Sequence[Wanted]) -> list[Attempt]:
        errors = ["" if one.number % 2 else "lost" for one in wanted]
        return [
            Attempt(candidate="boosted", number=one.number, params=one.params, error=error, metrics={"rmse": 1.0})
            for one, error in zip(wanted, errors, strict=True)
        ]

    monkeypatch.setattr(optuna, "create_study", create)
    declared = replace(DECLARED, trials=12).asked("genetic")
    asked = {"candidates": tiny.candidates(), "trying": SimpleNamespace(gate=tiny.USE_CASE.gate)}
    by_genetic(cast(Any, SimpleNamespace(declared=declared, **asked)), half_fails)
    generations = [one.system_attrs["NSGAIISampler:generation"] for one in studies[0].trials if one.value]
    assert generations == [0] * 4 + [1] * 4 + [2] * 4


def test_a_child_that_fails_dies_out(world: tiny.World) -> None:
    space: Space = {
        "max_depth": Whole(low=1, high=40),
        "objective": Choice(options=("reg:squarederror", "no:such")),
    }
    declared = Search(trials=16, batch=4, by="genetic", spaces={"odd": space})
    odd_one = Candidate(name="odd", kind="xgboost", params={"rounds": 5})
    found = search(searching(world.spark, odd_one, declared=declared))
    failed = [sum(bool(one.error) for one in found[first : first + 4]) for first in range(0, 16, 4)]
    assert sum(failed[:2]) > sum(failed[2:])
    assert not best(found, tiny.USE_CASE.gate).error


def test_a_trial_that_was_made_with_other_parameters_is_made_again(world: tiny.World) -> None:
    told: list[int] = []
    asked = searching(world.spark, told=lambda attempt: told.append(attempt.number))
    whole = search(asked)
    others = (replace(one, params={**one.params, "eta": 0.4}) if one.number == 1 else one for one in whole)
    told.clear()
    assert essence(search(replace(asked, finished=by_number(others)))) == essence(whole)
    assert told == [1]


@dataclass(frozen=True)
class InTurn:
    """A dimension of a space that knows what comes."""

    options: tuple[Any, ...]

    def suggest(self, trial: Any, _: str) -> Any:
        number: int = trial.number
        return self.options[number]


def test_a_trial_that_raises_is_counted_and_the_search_goes_on(
    world: tiny.World, caplog: pytest.LogCaptureFixture
) -> None:
    objectives = InTurn(("reg:squarederror", "reg:squarederror", "no:such", *["reg:squarederror"] * 3))
    declared = odd(DECLARED, {"max_depth": Whole(low=1, high=4), "objective": objectives})
    candidate = Candidate(name="odd", kind="xgboost", params={"rounds": 5})
    with caplog.at_level("INFO"):
        found = search(searching(world.spark, candidate, declared=declared))
    assert [attempt.number for attempt in found if attempt.error] == [2]
    assert "Unknown objective function" in found[2].error
    assert not best(found, tiny.USE_CASE.gate).error
    assert "trial 4 of 6, 1 failed, 0 given up, best rmse so far" in caplog.text


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
    declared = odd(Search(trials=4, batch=4, longest=timedelta(seconds=20), gigabytes=1.0), troubles)
    candidate = Troubled(name="odd", kind="xgboost")
    found = search(searching(world.spark, candidate, declared=declared))
    assert [attempt.error for attempt in found] == [
        "",
        "took longer than 20 s and was ended",
        "its process ended by SIGSEGV without an answer",
        "MemoryError: ",
    ]


def test_a_search_in_which_all_trials_fail_is_an_error_that_says_why(world: tiny.World) -> None:
    candidate = Candidate(name="odd", kind="xgboost", params={"objective": "no:such"})
    declared = odd(Search(trials=2, batch=2), tiny.SPACE)
    found = search(searching(world.spark, candidate, declared=declared))
    with pytest.raises(Refused, match=r"all 2 trials failed, the last with: XGBoostError: .*Unknown objective"):
        best(found, tiny.USE_CASE.gate)


def test_a_metric_that_is_no_number_is_a_failed_trial(world: tiny.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny, "measure", lambda *_: {"rmse": float("nan")})
    attempt = trying().attempt(tiny.candidates()[0], 0, {"rounds": 2})
    assert attempt.error == "Refused: measure gave nan for rmse, the metric that decides"


TREES = Candidate(name="trees", kind="sklearn", params={"estimator": "ExtraTreesRegressor", "n_estimators": 5})
BOTH = Search(trials=20, batch=4, seed=3, spaces={"boosted": tiny.SPACE, "trees": {"max_depth": Whole(low=1, high=12)}})


def test_candidates_share_one_study_and_a_killed_one_goes_on(world: tiny.World) -> None:
    told: list[str] = []
    asked = searching(
        world.spark, *tiny.candidates(), TREES, declared=BOTH, told=lambda one: told.append(one.candidate)
    )
    whole = search(asked)
    assert [one.number for one in whole] == list(range(20))
    assert {one.candidate for one in whole} == {"boosted", "trees"}
    assert all({*one.params} >= {*BOTH.spaces[one.candidate]} for one in whole)
    told.clear()
    again = search(replace(asked, finished=by_number(whole[:7])))
    assert told == [one.candidate for one in whole[7:]]
    assert essence(again) == essence(whole)
    assert spent_again(whole, again) == list(range(7, 20))


def test_with_folds_every_row_to_train_on_judges_once_and_twins_are_never_on_both_sides(
    world: tiny.World,
) -> None:
    seen: list[pd.DataFrame] = []

    def measure(rows: pd.DataFrame, _: Any) -> dict[str, float]:
        seen.append(rows)
        return {"rmse": 1.0}

    part = replace(model_part("tiny"), candidates=(), measure=measure)
    twice = pd.concat([trying().train] * 2, ignore_index=True)
    attempt = replace(trying(3), part=part, train=twice).attempt(tiny.candidates()[0], 0, {"rounds": 2})
    assert (attempt.error, attempt.steps, attempt.metrics) == ("", [1.0, 1.0, 1.0], {"rmse": 1.0})
    assert {"curve_y_fold_1", "curve_y_fold_2", "curve_y_fold_3"} == set(attempt.curves)
    stamps = [set(rows["at"]) for rows in seen]
    assert sum(map(len, stamps)) == len(trying().train) == len(set.union(*stamps))
    assert all(len(rows) == 2 * len(there) for rows, there in zip(seen, stamps, strict=True))


def test_a_fold_keeps_its_rows_when_others_come(world: tiny.World) -> None:
    many, few = trying(3), replace(trying(3), train=trying().train.iloc[100:200])
    folds = [dict(zip(one.train["at"], one.fold_of_rows, strict=True)) for one in (many, few)]
    assert folds[1].items() <= folds[0].items()


def test_a_trial_that_falls_behind_the_median_is_given_up_and_never_wins(world: tiny.World) -> None:
    """Of rounds that are too few; it is told to the study as what it was."""
    rounds = InTurn((60,) * 10 + (1,) * 2)
    declared = odd(Search(trials=12, batch=2, seed=3), {"rounds": rounds})
    found = search(searching(world.spark, Candidate(name="odd", kind="xgboost"), declared=declared, folds=3))
    assert [one.number for one in found if one.given_up] == [10, 11]
    assert {one.given_up for one in found[10:]} == {"after 1 of 3 folds"}
    assert [len(one.steps) for one in found] == [3] * 10 + [1] * 2
    assert not best(found, tiny.USE_CASE.gate).given_up
