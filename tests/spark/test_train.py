"""A training happens when it is due, learns only what it may, and leaves one version."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from spark_jobs.declare import (
    BadDeclaration,
    BadRequest,
    HashSplit,
    NightshiftError,
    Retrain,
    tags,
)
from spark_jobs.kinds import Candidate
from spark_jobs.learning.model_part import model_part
from spark_jobs.learning.splits import Part
from spark_jobs.tracking import PARENT, Tracking
from tests.spark import tiny

ALWAYS = Retrain.ALWAYS
JUDGE_FROM = pd.Timestamp("2024-02-23")  # of a window of 60 days
DECIDED = (tags.FITTED, tags.TUNED, tags.CONSTANTS, tags.FEATURES, tags.KIND)


def boosters(world: tiny.World, version: str) -> bytes:
    """What the version predicts with, to the last bit."""
    run = str(world.client.get_model_version("tiny", version).run_id)
    found = world.client.download_artifacts(run, "model/data/boosters/y.ubj")
    return Path(found).read_bytes()


def test_a_version_says_what_it_was_made_of(world: tiny.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)  # MLflow would let it win over the parent it is told
    world.fill(tiny.facts(60))
    parent = world.parent()
    trained = world.train(60, run=parent)
    found = world.tags_of("1")
    assert found[tags.FEATURES] == "x1,x2"
    assert (found[tags.KIND], found[tags.CANDIDATE], found[tags.SOURCE]) == ("xgboost", "boosted", "own")
    assert found[tags.INPUTS] == '{"gold/features": 0, "gold/labels": 0}'
    fitted, tuned = (Part.from_json(found[name]) for name in (tags.FITTED, tags.TUNED))
    assert (str(fitted.start.date()), str(fitted.end.date())) == ("2023-03-02", "2024-02-22")
    assert (str(tuned.start.date()), str(tuned.end.date())) == ("2024-02-15", "2024-02-22")
    run = world.client.get_run(trained["run_id"])
    assert run.info.status == "FINISHED"
    assert run.data.tags[PARENT] == parent
    assert run.data.metrics["rmse"] == trained["metrics"]["rmse"]
    assert str(world.client.get_model_version_by_alias("tiny", tags.CHALLENGER).version) == "1"


def test_every_trial_is_a_nested_run_with_its_curve(world: tiny.World) -> None:
    world.fill(tiny.facts(60))
    trained = world.train(60)
    trials = world.children(trained["run_id"])
    assert [run.info.run_name for run in trials] == ["boosted 0", "boosted 1", "boosted 2", "boosted 3"]
    assert {run.info.status for run in trials} == {"FINISHED"}
    assert all({"rmse", "mae", "seconds", "curve_y"} <= run.data.metrics.keys() for run in trials)
    assert all({"max_depth", "eta", "rounds"} <= run.data.params.keys() for run in trials)
    assert len(world.client.get_metric_history(trials[0].info.run_id, "curve_y")) > 5


def test_an_unchanged_night_does_not_train_again(trained: tiny.World) -> None:
    again = trained.train(60)
    assert again["skipped"] == "not due: code, parameters and rows are those of version 1"
    assert len(trained.children("")) == 1


def test_one_changed_label_makes_a_training_due(trained: tiny.World) -> None:
    rows = tiny.facts(80)
    rows.loc[5, "y"] += 1
    trained.fill(rows)
    assert trained.train(60)["version"] == "2"


def test_changed_code_makes_a_training_due(trained: tiny.World) -> None:
    trained.use_case = replace(trained.use_case, search=replace(trained.use_case.search, seed=4))
    assert trained.train(60)["version"] == "2"


def test_a_run_that_must_train_does_and_one_that_must_not_does_not(trained: tiny.World) -> None:
    assert trained.train(60, retrain=ALWAYS)["version"] == "2"
    assert trained.train(60, retrain=Retrain.NEVER) == {"skipped": "this run does not train"}
    assert boosters(trained, "1") == boosters(trained, "2")


def test_rows_after_the_window_or_before_the_history_teach_nothing(world: tiny.World) -> None:
    world.use_case = replace(world.use_case, history=timedelta(days=40))
    rows = tiny.facts(80)
    world.fill(rows)
    world.train(60)
    outside = (rows["at"] >= pd.Timestamp("2024-03-01")) | (rows["at"] < pd.Timestamp("2024-01-21"))
    world.fill(rows.assign(y=rows["y"].where(~outside, -1e6)))
    assert world.train(60)["skipped"].startswith("not due")
    assert world.train(60, retrain=ALWAYS)["version"] == "2"
    assert boosters(world, "1") == boosters(world, "2")


def test_judge_rows_neither_fit_nor_stop_nor_tune_nor_choose(trained: tiny.World) -> None:
    rows = tiny.facts(80)
    judges = (rows["at"] >= JUDGE_FROM) & (rows["at"] < JUDGE_FROM + pd.Timedelta(days=7))
    nonsense = rows.assign(**{name: rows[name].where(~judges, 1e6) for name in ("y", "x1", "x2")})
    trained.fill(nonsense)
    second = trained.train(60)
    assert second["version"] == "2"
    assert boosters(trained, "1") == boosters(trained, "2")
    first = trained.client.get_run(str(trained.client.get_model_version("tiny", "1").run_id)).data.metrics
    assert {name: first[name] for name in second["metrics"]} == second["metrics"]
    assert [trained.tags_of("1")[name] for name in DECIDED] == [trained.tags_of("2")[name] for name in DECIDED]


def test_the_winner_is_fitted_on_rows_to_train_on_and_on_those_to_validate_with(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "candidates", lambda: (Candidate(name="strong", kind="xgboost", params={"rounds": 9}),))
    rows = tiny.facts(60)
    for version, stamp in (("1", rows["at"].iloc[0]), ("2", pd.Timestamp("2024-02-15")), ("3", JUDGE_FROM)):
        world.fill(rows.assign(y=rows["y"].where(rows["at"] != stamp, 1e6)))
        assert world.train(60, retrain=ALWAYS)["version"] == version
    assert len({boosters(world, version) for version in "123"}) == 3


def test_a_row_without_a_label_teaches_nothing(world: tiny.World) -> None:
    rows = tiny.facts(60)
    world.fill(rows.drop(index=[10, 20]))
    world.train(60)
    rows["y"] = rows["y"].where(~rows.index.isin([10, 20]))
    world.fill(rows)
    assert world.train(60)["skipped"].startswith("not due")


def test_labels_count_once_their_horizon_lies_before_the_end_of_the_window(world: tiny.World) -> None:
    world.use_case = replace(
        world.use_case, labels=replace(world.use_case.labels, horizon=timedelta(days=1)), history=timedelta(days=59)
    )
    rows = tiny.facts(60)
    world.fill(rows)
    world.train(60)
    world.fill(rows[rows["at"] < pd.Timestamp("2024-02-29")])
    assert world.train(60)["skipped"].startswith("not due")
    world.fill(rows[rows["at"] < pd.Timestamp("2024-02-28 23:00")])
    assert world.train(60)["version"] == "2"


@pytest.mark.parametrize(
    ("days", "says"),
    [
        (17, "too few rows to train on: 24, the gate asks for 48"),
        (8, "too few rows to train on: 0, the gate asks for 48"),
    ],
)
def test_too_few_rows_are_a_reason_to_wait(world: tiny.World, days: int, says: str) -> None:
    world.fill(tiny.facts(days))
    assert world.train(days)["skipped"] == says
    assert world.children("") == []


def test_as_many_rows_as_the_gate_asks_for_are_enough(world: tiny.World) -> None:
    world.fill(tiny.facts(18))
    assert world.train(18)["version"] == "1"


def test_no_gold_is_a_reason_to_wait(world: tiny.World) -> None:
    assert world.train(60) == {"skipped": "no features with labels yet"}


def test_a_label_that_never_changes_teaches_nothing(world: tiny.World) -> None:
    world.fill(tiny.facts(60).assign(y=1.0))
    assert world.train(60)["skipped"] == "nothing to learn: y never changes in the rows to train on"


def broken() -> tuple[Candidate, ...]:
    return (Candidate(name="boosted", kind="xgboost", params={"objective": "no:such"}),)


def test_a_failed_training_is_failed_in_mlflow_and_carries_its_error(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fill(tiny.facts(60))
    monkeypatch.setattr(tiny, "candidates", broken)
    parent = world.parent()
    with pytest.raises(NightshiftError, match="all 4 trials failed"):
        world.train(60, run=parent)
    (run,) = world.children(parent)
    assert run.info.status == "FAILED"
    assert "Unknown objective function" in run.data.tags[tags.ERROR]
    assert "error.txt" in [file.path for file in world.client.list_artifacts(run.info.run_id)]
    assert world.client.search_model_versions("name = 'tiny'") == []
    assert {trial.info.status for trial in world.children(run.info.run_id)} == {"FAILED"}


class Killed(BaseException):
    """What ends a process in the middle."""


def killed(*_: Any, **__: Any) -> None:
    raise Killed


@pytest.mark.parametrize("where", ["register", "challenge"])
def test_a_retry_goes_on_in_the_run_of_the_killed_try_and_leaves_one_version(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    world.fill(tiny.facts(60))
    parent = world.parent()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Tracking, where, killed)
        world.train(60, run=parent)
    (run,) = world.children(parent)
    assert run.info.status == "KILLED"
    trained = world.train(60, run=parent)
    (again,) = world.children(parent)
    assert (trained["version"], trained["run_id"]) == ("1", run.info.run_id)
    assert again.info.status == "FINISHED"
    assert len(world.children(run.info.run_id)) == 4
    assert [str(found.version) for found in world.client.search_model_versions("name = 'tiny'")] == ["1"]
    assert str(world.client.get_model_version_by_alias("tiny", tags.CHALLENGER).version) == "1"


def test_the_same_task_once_more_returns_its_version_even_if_it_must_train(world: tiny.World) -> None:
    world.fill(tiny.facts(60))
    parent = world.parent()
    first = world.train(60, run=parent, retrain=ALWAYS)
    again = world.train(60, run=parent, retrain=ALWAYS)
    assert (first["version"], again["version"]) == ("1", "1")


def test_a_retry_takes_the_name_challenger_from_no_newer_version(world: tiny.World) -> None:
    world.fill(tiny.facts(60))
    parent = world.parent()
    world.train(60, run=parent)
    world.train(60, run=world.parent(), retrain=ALWAYS)
    assert world.train(60, run=parent)["version"] == "1"
    assert str(world.client.get_model_version_by_alias("tiny", tags.CHALLENGER).version) == "2"


def test_a_retry_tries_again_what_had_failed(world: tiny.World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.fill(tiny.facts(60))
    parent = world.parent()
    with monkeypatch.context() as patch, pytest.raises(NightshiftError, match="all 4 trials failed"):
        patch.setattr(tiny, "measure", lambda *_: {"rmse": float("nan")})
        world.train(60, run=parent)
    assert world.train(60, run=parent)["version"] == "1"


SLOW_ON_REQUEST = replace(tiny.USE_CASE, search=replace(tiny.USE_CASE.search, on_request=("slow",)))


def candidates_one_of_which_is_slow() -> tuple[Candidate, ...]:
    few = {"rounds": 1, "patience": 1}
    return (
        Candidate(name="weak", kind="xgboost", params=few),
        Candidate(name="strong", kind="xgboost", params={"rounds": 60}),
        Candidate(name="slow", kind="xgboost", params={"rounds": 80}),
    )


def test_the_best_candidate_on_validation_becomes_challenger(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "candidates", candidates_one_of_which_is_slow)
    world.use_case = SLOW_ON_REQUEST
    world.fill(tiny.facts(60))
    trained = world.train(60)
    assert world.tags_of("1")[tags.CANDIDATE] == "strong"
    assert [run.info.run_name for run in world.children(trained["run_id"])] == ["weak 0", "strong 0"]


BOOSTED = tiny.candidates()


def two_and_their_blend() -> tuple[Candidate, ...]:
    trees = {"estimator": "ExtraTreesRegressor", "n_estimators": 5, "final_estimators": 9}
    return (
        *BOOSTED,
        Candidate(name="trees", kind="sklearn", params=trees),
        Candidate(name="blend", kind="blend", of=("boosted", "trees")),
    )


def test_a_blend_of_the_best_of_each_candidate_is_one_more_trial(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "candidates", two_and_their_blend)
    world.fill(tiny.facts(60))
    trained = world.train(60)
    trials = {run.info.run_name: run.data for run in world.children(trained["run_id"])}
    assert list(trials) == ["boosted 0", "boosted 1", "boosted 2", "boosted 3", "trees 0", "blend 0"]
    told = {name: json.loads(data.tags[tags.TRIAL]) for name, data in trials.items()}
    boosted = min((one for name, one in told.items() if "boosted" in name), key=lambda one: one["metrics"]["rmse"])
    members = [
        {"kind": "xgboost", "params": boosted["params"]},
        {"kind": "sklearn", "params": told["trees 0"]["params"]},
    ]
    assert told["blend 0"]["params"] == {"members": members}


def test_a_blend_of_which_all_but_one_failed_is_left_out(world: tiny.World, monkeypatch: pytest.MonkeyPatch) -> None:
    boosted, trees, blend = two_and_their_blend()
    broken = replace(trees, params={**trees.params, "max_features": 7.0})
    monkeypatch.setattr(tiny, "candidates", lambda: (boosted, broken, blend))
    world.fill(tiny.facts(60))
    trained = world.train(60)
    statuses = {run.info.run_name: run.info.status for run in world.children(trained["run_id"])}
    assert (statuses["trees 0"], "blend 0" in statuses) == ("FAILED", False)


def test_folds_choose_and_rows_that_chose_nothing_settle_the_winner(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "candidates", two_and_their_blend)
    split, search = HashSplit(judge=0.25, validate=0.15), replace(tiny.USE_CASE.search, folds=3)
    world.use_case = replace(tiny.USE_CASE, split=split, search=search)
    world.fill(tiny.facts(60))
    trained = world.train(60)
    metrics = trained["metrics"]
    trials = {run.info.run_name: run.data for run in world.children(trained["run_id"])}
    assert metrics["cv_rmse"] == min(data.metrics["rmse"] for data in trials.values())
    assert metrics["rmse"] != metrics["cv_rmse"]
    assert {"curve_y_fold_1", "curve_y_fold_2", "curve_y_fold_3"} <= trials["boosted 0"].metrics.keys()
    shown = [file.path for file in world.client.list_artifacts(trained["run_id"], "search")]
    pictures = ("by_parameter_boosted.png", "history.png", "importance.png", "in_words.md", "values_boosted.png")
    assert shown == [f"search/{name}" for name in pictures]


def test_a_slow_candidate_is_fitted_when_it_is_asked_for(world: tiny.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny, "candidates", candidates_one_of_which_is_slow)
    world.use_case = SLOW_ON_REQUEST
    world.fill(tiny.facts(60))
    world.train(60)
    trained = world.train(60, also="slow")
    assert [run.info.run_name for run in world.children(trained["run_id"])] == ["weak 0", "strong 0", "slow 0"]
    assert world.train(60)["skipped"].startswith("not due")
    with pytest.raises(BadRequest, match=r"also: 'fast' is no candidate; there are weak, strong, slow"):
        world.train(60, also="fast")


def test_parameters_that_are_given_are_fitted_once_instead_of_a_search(world: tiny.World) -> None:
    world.fill(tiny.facts(60))
    trained = world.train(60, parameters={"boosted": {"max_depth": 3}})
    (trial,) = world.children(trained["run_id"])
    params = {name: trial.data.params.get(name) for name in ("max_depth", "eta", "patience")}
    assert (trial.info.run_name, params) == ("boosted 0", {"max_depth": "3", "eta": None, "patience": "5"})
    again = world.train(60, parameters={"boosted": {"max_depth": 3}})
    assert again["version"] == "2"  # who gives parameters wants a training
    assert boosters(world, "1") == boosters(world, "2")


def test_what_was_trained_with_given_parameters_does_not_stand_for_a_search(trained: tiny.World) -> None:
    assert trained.train(60, parameters={"boosted": {"eta": 0.5}})["version"] == "2"
    assert trained.tags_of("2")[tags.DUE] != trained.tags_of("1")[tags.DUE]
    assert trained.train(60)["version"] == "3"
    assert trained.tags_of("3")[tags.DUE] == trained.tags_of("1")[tags.DUE]


@pytest.mark.parametrize("way", ["grid", "genetic"])
def test_a_search_by_another_way_is_made_once_and_does_not_stand_for_the_declared_one(
    trained: tiny.World, way: str
) -> None:
    asked = trained.train(60, search=way)
    assert asked["version"] == "2"
    assert len(trained.children(asked["run_id"])) == {"grid": 9, "genetic": 4}[way]
    assert trained.tags_of("2")[tags.DUE] != trained.tags_of("1")[tags.DUE]
    assert trained.train(60, search=way)["version"] == "3"  # who asks for a search wants one
    assert boosters(trained, "2") == boosters(trained, "3")
    assert trained.train(60)["version"] == "4"
    assert trained.tags_of("4")[tags.DUE] == trained.tags_of("1")[tags.DUE]
    assert boosters(trained, "4") == boosters(trained, "1")


def test_a_search_as_it_is_declared_stands_for_the_declared_one(trained: tiny.World) -> None:
    assert trained.train(60, search="optuna")["version"] == "2"
    assert trained.train(60)["skipped"].startswith("not due")


def test_parameters_nobody_searches_are_refused_before_anything_is_fitted(world: tiny.World) -> None:
    world.fill(tiny.facts(60))
    with pytest.raises(
        BadRequest, match=r"parameters: boosted has no 'depth'\. It takes .* boosted \(max_depth: a whole"
    ):
        world.train(60, parameters={"boosted": {"depth": 3}})
    assert world.children("") == []


def test_parameters_that_give_no_number_end_in_words_and_not_in_a_version(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "measure", lambda *_: {"rmse": float("nan")})
    world.fill(tiny.facts(60))
    with pytest.raises(NightshiftError, match="all 1 trials failed, the last with: Refused: measure gave nan for rmse"):
        world.train(60, parameters={"boosted": {"eta": 0.5}})
    assert world.client.search_model_versions("name = 'tiny'") == []


def test_a_blend_of_nobody_is_said_before_anything_is_fitted(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (*tiny.candidates(), Candidate(name="mean", kind="blend", of=("boosted", "tres")))
    monkeypatch.setattr(tiny, "candidates", lambda: made)
    with pytest.raises(BadDeclaration, match="'tres' in `of` is no candidate; there are"):
        model_part("tiny")


def test_constants_are_chosen_on_validation_and_stay_with_the_version(
    world: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "calibrate", lambda rows: {"rows": float(len(rows))}, raising=False)
    world.fill(tiny.facts(60))
    world.train(60)
    assert world.tags_of("1")[tags.CONSTANTS] == '{"rows": 168.0}'
