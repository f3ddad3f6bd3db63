"""Range runs that overlap and back-fills, started at once; one of them trains on an old window."""

import pytest

from spark_jobs.declare import EVERY_NIGHT, Stage
from tests.campaign.installation import DAY, FIRST, NIGHT, NOT_TRAINED, Installation, until
from tests.campaign.laws import Laws
from tests.end_to_end.scheduler import DAG

ALONE = dict.fromkeys(EVERY_NIGHT, 1)


@pytest.fixture(scope="module")
def overlapping(here: Installation) -> str:
    """The champion of before; it was fitted on all days that judge the run with the old window."""
    here.most_at_once.clear()
    champion = here.champion()
    here.start("overlap_old", FIRST - DAY * 4, FIRST + DAY * 8, retrain="always")
    here.start("overlap_new", FIRST + DAY * 5, NIGHT)
    here.finish("overlap_old")
    here.finish("overlap_new")
    return champion


@pytest.mark.timeout(1200)
def test_two_ranges_that_overlap_and_start_at_once_both_succeed(here: Installation, overlapping: str) -> None:
    assert [here.state(run) for run in ("overlap_old", "overlap_new")] == ["success", "success"]
    assert here.most_at_once == ALONE


@pytest.mark.timeout(120)
def test_a_challenger_of_an_old_window_is_rejected_for_the_champion_has_seen_its_judge_rows(
    here: Installation, overlapping: str
) -> None:
    verdict = here.result("overlap_old", "evaluate")
    assert (verdict["verdict"], verdict["champion"]) == ("REJECT", overlapping)
    [reason] = verdict["reasons"]
    assert reason.startswith("too few judge rows that no contestant has seen: 0")
    assert here.states("overlap_old")["promote"] == "skipped"
    assert here.champion() == overlapping


@pytest.fixture(scope="module")
def beside(here: Installation) -> list[str]:
    """A back-fill of two days, and at once a range that begins with the second of them."""
    here.most_at_once.clear()
    first, last = FIRST - DAY * 8, FIRST - DAY * 7
    days = {"from_date": f"{first}T02:00:00Z", "to_date": f"{last}T02:00:00Z", "reprocess_behavior": "none"}
    here.airflow.call("POST", "/backfills", {"dag_id": DAG, **days})
    here.start("beside_a_backfill", last, last + DAY)
    runs: list[str] = until(lambda: _backfilled(here), "two back-filled days", every=0.3)
    for run in ("beside_a_backfill", *runs):
        here.finish(run)
    return runs


def _backfilled(here: Installation) -> list[str]:
    runs = [run["dag_run_id"] for run in here.airflow.runs(DAG) if run["run_type"] == "backfill"]
    return sorted(runs) if len(runs) == 2 else []


@pytest.mark.timeout(1200)
def test_a_range_beside_a_backfill_both_succeed_and_neither_trains(here: Installation, beside: list[str]) -> None:
    for run in ("beside_a_backfill", *beside):
        states = here.states(run)
        assert {task for task, state in states.items() if state != "success"} == set(NOT_TRAINED), run
    assert [here.result(run, "check")["kind"] for run in beside] == ["backfill", "backfill"]
    assert [here.result(run, "check")["may_promote"] for run in beside] == [False, False]
    trained = {Stage.TRAIN: 0, Stage.EVALUATE: 0}
    assert here.most_at_once == ALONE | trained


@pytest.mark.timeout(600)
def test_the_laws_hold_after_runs_at_once(laws: Laws, overlapping: str, beside: list[str]) -> None:
    assert laws.broken() == []
