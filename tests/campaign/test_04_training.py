"""A training that fails while there is a champion, and a column taken away that the champion reads."""

import pytest

from spark_jobs.declare import tags
from tests.campaign import registry
from tests.campaign.installation import NIGHT, Installation
from tests.campaign.laws import Laws
from tests.end_to_end.checkout import BIKE_SHARING, changed


@pytest.fixture(scope="module")
def failed(here: Installation) -> dict[str, str]:
    """Every candidate fails when it is measured."""
    model = here.code / BIKE_SHARING / "model.py"
    with changed(model, 'judged["cnt"]', 'judged["no such column"]'):
        return here.through("training_failed", NIGHT, NIGHT, retrain="always")


@pytest.mark.timeout(1200)
def test_a_training_that_fails_costs_no_scores_and_turns_the_run_red(
    here: Installation, failed: dict[str, str]
) -> None:
    red = {"train": "failed", "evaluate": "upstream_failed", "promote": "upstream_failed", "close_run": "failed"}
    assert failed == dict.fromkeys(failed, "success") | red | {"ask": "skipped"}
    assert here.state("training_failed") == "failed"
    scored = here.result("training_failed", "score")
    assert scored["version"] == here.champion()
    assert scored["rows"]["gold/predictions"]["scored"] > 0


@pytest.mark.timeout(120)
def test_a_training_that_failed_is_failed_in_mlflow_and_carries_its_error(
    here: Installation, failed: dict[str, str]
) -> None:
    night = registry.run_of(here.home, "training_failed")
    [training] = [run for run in registry.runs(here.home) if run["tags"].get(registry.PARENT) == night["id"]]
    assert (night["status"], night["tags"][tags.ERROR]) == ("FAILED", "failed: train")
    assert training["status"] == "FAILED"
    assert "no such column" in training["tags"][tags.ERROR]
    assert training["id"] not in [version["run_id"] for version in registry.versions(here.home)]


@pytest.mark.timeout(600)
def test_the_laws_hold_after_a_failed_training(laws: Laws, failed: dict[str, str]) -> None:
    assert laws.broken() == []


@pytest.mark.timeout(600)
def test_a_column_that_the_champion_reads_cannot_be_taken_away(here: Installation) -> None:
    use_case = here.code / BIKE_SHARING / "use_case.py"
    with changed(use_case, '"trend_7d", "usual_trend"', '"trend_7d"'):
        states = here.through("column_removed", NIGHT, NIGHT)
    assert states == dict.fromkeys(states, "upstream_failed") | {"check": "failed"}
    assert here.tries("column_removed")["check"] == 1
    said = f"version {here.champion()} of bike_sharing reads usual_trend, which the use case no longer declares"
    assert said in here.log("column_removed", "check")
