"""What stays of a search: runs below runs, pictures, and words."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from spark_jobs.declare import Choice, HashSplit, Real, Search, Space, UseCase, Whole
from spark_jobs.declare.space import combinations
from spark_jobs.learning.attempt import Attempt
from spark_jobs.learning.folds import nothing_to_measure
from spark_jobs.learning.search.pictures import by_parameter, generations
from spark_jobs.learning.search.words import edges, in_words
from spark_jobs.tracking import Tracking
from tests.spark import tiny

KNOWN: Space = {
    "depth": Choice(options=(1, 5, 7)),
    "bins": Choice(options=(8, 16, 48)),
    "iterations": Choice(options=(25, 50)),
    "step": Choice(options=(0.15, 0.2, 0.3)),
}
BY_CONTENT = replace(
    tiny.USE_CASE, split=HashSplit(judge=0.25, validate=0.15), search=replace(tiny.USE_CASE.search, folds=2)
)


def declared(space: Space, by: str = "grid", **more: Any) -> UseCase:
    gate = replace(tiny.USE_CASE.gate, metric="auc", better="higher")
    search = Search(trials=4, batch=2, spaces={"trees": space}, **more).asked(by)
    return replace(tiny.USE_CASE, search=search, gate=gate)


def attempt(number: int, params: dict[str, Any], auc: float = 0.0, **more: Any) -> Attempt:
    return Attempt(candidate="trees", number=number, params=params, metrics={"auc": auc}, **more)


def best_at(space: Space, where: dict[str, Any]) -> list[Attempt]:
    """Of a grid; all else is worse."""
    return [
        attempt(number, params, 0.9 if params == where else 0.5) for number, params in enumerate(combinations(space))
    ]


@pytest.mark.parametrize(
    ("where", "says"),
    [
        (
            {"depth": 7, "bins": 48, "iterations": 25, "step": 0.2},
            ["trees: depth 7, bins 48 and iterations 25 were best at the edge of the grid: look further"],
        ),
        (
            {"depth": 5, "bins": 16, "iterations": 50, "step": 0.2},
            ["trees: iterations 50 was best at the edge of the grid: look further"],
        ),
    ],
)
def test_what_is_best_at_an_edge_is_said_in_words(where: dict[str, Any], says: list[str]) -> None:
    assert edges(best_at(KNOWN, where), declared(KNOWN)) == says


@pytest.mark.parametrize("way", ["genetic", "optuna"])
def test_drawn_values_have_edges_too_where_a_space_ends(way: str) -> None:
    space: Space = {
        "depth": Whole(low=1, high=7),
        "eta": Real(low=0.01, high=1, log=True),
        "kind": Choice(options=("a", "b")),
    }
    tried = [{"depth": 3, "eta": 0.1, "kind": "a"}, {"depth": 3, "eta": 0.98765, "kind": "b"}]
    found = [attempt(number, params, 0.5 + number / 10) for number, params in enumerate(tried)]
    assert edges(found, declared(space, way)) == [
        "trees: eta 0.9877 was best at the edge of what was searched: look further"
    ]
    assert edges(found[:1], declared(space, way)) == []  # parameters that somebody gave are no search


def test_a_page_says_how_the_search_went() -> None:
    found = [
        *best_at({"depth": Choice(options=(1, 2, 3))}, {"depth": 2}),
        attempt(3, {"depth": 2}, error="MemoryError"),
        attempt(4, {"depth": 1}, 0.4, given_up="after 1 of 2 folds", seconds=3.2),
        Attempt(candidate="blend", number=0, params={"members": []}, metrics={"auc": 0.91}),
    ]
    assert in_words(found, declared({"depth": Choice(options=(1, 2, 3))})) == (
        "- By grid: 6 trials in no folds, 1 failed, 1 given up, 3 s in all.\n"
        "- trees: auc 0.9 at best, depth 2.\n"
        "- blend: auc 0.91 at best.\n"
    )


def test_of_each_generation_the_best_and_the_mean_of_those_that_did_not_fail() -> None:
    values = [0.5, 0.7, 0.6, 0.0, 0.0, 0.0]
    found = [attempt(place, {}, value, error="" if value else "lost") for place, value in enumerate(values)]
    curves = generations(found, declared(KNOWN, "genetic"))
    assert {name: [f"{one:.2f}" for one in curve] for name, curve in curves.items()} == {
        "generation_best": ["0.70", "0.60", "nan"],
        "generation_mean": ["0.60", "0.60", "nan"],
    }
    assert generations(found[:2], declared(KNOWN, "genetic")) == {}


def test_a_parameter_that_does_not_matter_looks_like_it() -> None:
    """A panel each, over all others: the mean of each value, or of a piece of the way where these are many."""
    found = [
        attempt(number, params, float(str(params["depth"])) / 10) for number, params in enumerate(combinations(KNOWN))
    ]
    panels = by_parameter(found, declared(KNOWN)).axes
    lines: dict[str, Any] = {axes.get_xlabel(): axes.lines[0].get_ydata() for axes in panels}
    assert {name: [round(float(one), 3) for one in line] for name, line in lines.items()} == {
        "depth": [0.1, 0.5, 0.7],
        "bins": [0.433] * 3,
        "iterations": [0.433] * 2,
        "step": [0.433] * 3,
    }
    wide: Space = {"eta": Real(low=0.0, high=60.0)}
    many = [attempt(number, {"eta": float(number)}, 1.0) for number in range(60)]
    [axes] = by_parameter(many, declared(wide, "optuna")).axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["4.5", "14", "24", "34", "44", "54"]


def test_the_folds_of_each_trial_are_runs_below_it_where_they_are_asked_for(world: tiny.World) -> None:
    world.use_case = replace(BY_CONTENT, search=replace(BY_CONTENT.search, fold_runs=True))
    world.fill(tiny.facts(60))
    trials = world.children(world.train(60)["run_id"])
    assert len(trials) == 4
    for trial in trials:
        folds = world.children(trial.info.run_id)
        name = trial.info.run_name
        assert [run.info.run_name for run in folds] == [f"{name} fold 1", f"{name} fold 2"]
        assert {run.info.status for run in folds} == {"FINISHED"}
        assert all({"rmse", "mae", "train_rmse", "train_mae", "seconds"} <= {*run.data.metrics} for run in folds)
        for metric in ("rmse", "train_rmse"):
            mean = sum(run.data.metrics[metric] for run in folds) / 2
            assert trial.data.metrics[metric] == pytest.approx(mean)
        assert trial.data.metrics["train_rmse"] < trial.data.metrics["rmse"]
        assert trial.data.metrics["seconds"] >= sum(run.data.metrics["seconds"] for run in folds)
        if Path("/proc/self/clear_refs").exists():
            assert 0 < trial.data.metrics["gigabytes"] == max(run.data.metrics["gigabytes"] for run in folds) < 1


def test_nobody_asked_so_no_fold_is_a_run(world: tiny.World) -> None:
    world.use_case = BY_CONTENT
    world.fill(tiny.facts(60))
    trials = world.children(world.train(60)["run_id"])
    assert [world.children(trial.info.run_id) for trial in trials] == [[]] * 4
    assert not any("train_rmse" in trial.data.metrics for trial in trials)


class Killed(BaseException):
    """What ends a process in the middle."""


def test_runs_of_a_killed_search_are_ended_and_its_trial_is_made_again(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.use_case = replace(BY_CONTENT, search=replace(BY_CONTENT.search, fold_runs=True))
    world.fill(tiny.facts(60))
    parent, write = world.parent(), Tracking.write

    def killed(book: Tracking, run: str, **given: Any) -> None:
        if "fold 2" in str(book.client.get_run(run).info.run_name):
            raise Killed
        write(book, run, **given)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Tracking, "write", killed)
        world.train(60, run=parent)
    [training] = world.children(parent)
    world.train(60, run=parent)
    trials = world.children(training.info.run_id)
    finished = [trial for trial in trials if trial.info.status == "FINISHED"]
    left = [trial for trial in trials if trial.info.status == "KILLED"]
    assert sorted(str(one.info.run_name) for one in finished) == [f"boosted {number}" for number in range(4)]
    assert len(left) >= 1
    assert {run.info.status for one in left for run in world.children(one.info.run_id)} == {"FINISHED", "KILLED"}


def test_a_genetic_search_shows_its_generations(world: tiny.World, caplog: pytest.LogCaptureFixture) -> None:
    world.use_case = replace(tiny.USE_CASE, search=replace(tiny.USE_CASE.search, trials=8, batch=2).asked("genetic"))
    world.fill(tiny.facts(60))
    with caplog.at_level("INFO"):
        run = world.train(60)["run_id"]
    shown = [file.path for file in world.client.list_artifacts(run, "search")]
    assert shown == [
        f"search/{name}"
        for name in (
            *("by_parameter_boosted.png", "generations.png", "history.png", "importance.png"),
            *("in_words.md", "values_boosted.png"),
        )
    ]
    best = world.client.get_metric_history(run, "generation_best")
    assert [one.step for one in best] == [0, 1, 2, 3]
    trials = [json.loads(trial.data.tags["nightshift.trial"]) for trial in world.children(run)]
    by_number = {one["number"]: one["metrics"]["rmse"] for one in trials}
    assert [one.value for one in best] == [min(by_number[first], by_number[first + 1]) for first in range(0, 8, 2)]
    words = Path(world.client.download_artifacts(run, "search/in_words.md")).read_text()
    assert words.startswith("- By genetic: 8 trials in no folds, 0 failed, 0 given up")
    said = [line for line in caplog.messages if "look further" in line]
    assert all(line in words for line in said)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            {"y": [0, 1, 0, 0], "fold": [0, 0, 1, 1]},
            "y never changes in the 2 rows of fold 2 of 2: declare fewer folds",
        ),
        ({"y": [0, 1, 0, 1], "fold": [0, 0, 0, 0]}, "y never changes in the 0 rows of fold 2 of 2"),
        ({"y": [0, 1, 0, 1], "fold": [0, 0, 1, 1]}, ""),
    ],
)
def test_a_fold_without_positives_is_named(rows: dict[str, list[int]], says: str) -> None:
    frame = pd.DataFrame(rows)
    found = nothing_to_measure(frame, ("y",), frame["fold"], 2)
    assert found.removeprefix("nothing to choose by: ").startswith(says)
    assert bool(found) is bool(says)


def test_a_training_with_a_fold_that_could_tell_nothing_waits_for_more_rows(world: tiny.World) -> None:
    world.use_case = replace(BY_CONTENT, search=replace(BY_CONTENT.search, folds=40))
    rows = tiny.facts(60)
    world.fill(rows.assign(y=(rows["x1"] > 1.8).astype(float)))
    skipped = world.train(60)["skipped"]
    assert skipped.startswith("nothing to choose by: y never changes in the ")
    assert world.children("") == []
