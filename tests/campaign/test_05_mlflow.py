"""MLflow down for a minute, and for good."""

import time
from pathlib import Path

import pytest

from local.airflow_api import answers
from spark_jobs.declare import Stage, tags
from tests.campaign import registry
from tests.campaign.installation import NIGHT, NOT_TRAINED, Installation, until
from tests.campaign.laws import Laws
from tests.end_to_end.checkout import changed
from tests.end_to_end.scheduler import DAG

MINUTE = 60.0
MOVES = "    remember(client, model, entry)\n    _move(client, name, version)\n"
PATIENT = '"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5"'


def back_again(here: Installation) -> None:
    here.services.start("mlflow")
    until(lambda: answers(f"{here.home.mlflow_url}/health"), "MLflow's start", within=120, every=0.3)


STOPS = """    remember(client, model, entry)
    from pathlib import Path
    from time import sleep
    between = Path("{between}")
    if not between.exists():
        between.touch()
        while not between.stat().st_size:
            sleep(0.1)
    _move(client, name, version)
"""


@pytest.fixture(scope="module")
def twice_away(here: Installation, folder: Path) -> str:
    """A run that loses MLflow for a minute while it trains, and in promote between what that remembers and changes.

    Nobody is champion before, so its version is sure to be promoted.
    """
    run, between, act = "mlflow_twice_away", folder / "between", here.code / "plugins/nightshift/registry.py"
    registry.dismiss_champion(here.home)
    with changed(act, MOVES, STOPS.format(between=between)):
        here.start(run, NIGHT, NIGHT, retrain="always")
        here.begun(Stage.TRAIN)
        here.services.end("mlflow")
        time.sleep(MINUTE)  # the scenario itself
        back_again(here)
        until(between.exists, "the middle of promote", within=600)
        here.services.end("mlflow")
        between.write_text("go on")
        back_again(here)
        here.finish(run)
    return run


@pytest.mark.timeout(1800)
def test_a_training_waits_for_an_mlflow_that_is_down_for_a_minute(here: Installation, twice_away: str) -> None:
    assert here.state(twice_away) == "success"
    assert here.result(twice_away, "evaluate")["verdict"] in ("PROMOTE", "REJECT")
    [took] = [task["duration"] for task in here.airflow.tasks(DAG, twice_away) if task["task_id"] == "train"]
    assert took > MINUTE / 2 or here.tries(twice_away)["train"] > 1


@pytest.mark.timeout(60)
def test_an_mlflow_that_ends_in_the_middle_of_promote_leaves_one_champion_and_one_entry(
    here: Installation, twice_away: str
) -> None:
    assert here.state(twice_away) == "success"
    version = here.result(twice_away, "train")["version"]
    assert (here.champion(), here.result(twice_away, "score")["version"]) == (version, version)
    history = [entry for entry in registry.history(here.home) if entry["run"] == f"{DAG}/{twice_away}"]
    assert [(entry["what"], entry["to"]) for entry in history] == [("promote", version)]


@pytest.fixture(scope="module")
def down(here: Installation) -> dict[str, str]:
    """From the start of evaluate on. Only the waits for it are shorter than a person has them."""
    settings, tracking = here.code / "plugins/nightshift/settings.py", here.code / "spark_jobs/tracking/__init__.py"
    with changed(settings, PATIENT, PATIENT.replace("5", "1")), changed(tracking, PATIENT, PATIENT.replace("5", "1")):
        here.start("mlflow_down_for_good", NIGHT, NIGHT, retrain="always")
        before = here.champion()
        here.begun(Stage.EVALUATE)
        here.services.end("mlflow")
        states = here.finish("mlflow_down_for_good", within=900)
    back_again(here)
    return states | {"champion before": before}


@pytest.mark.timeout(1200)
def test_an_mlflow_that_stays_down_fails_the_run_in_clear_words(here: Installation, down: dict[str, str]) -> None:
    assert here.state("mlflow_down_for_good") == "failed"
    failed = {task for task, state in down.items() if state == "failed"}
    assert failed == {"evaluate", "score", "close_run"}
    for task in failed:
        assert f"MLflow at {here.home.mlflow_url} does not answer: start it" in here.log("mlflow_down_for_good", task)


@pytest.mark.timeout(120)
def test_nothing_is_half_promoted_when_mlflow_stays_down(here: Installation, down: dict[str, str]) -> None:
    assert down["promote"] == "upstream_failed"
    assert here.champion() == down["champion before"]
    newest = registry.versions(here.home)[-1]
    assert newest["version"] == here.result("mlflow_down_for_good", "train")["version"]
    assert tags.VERDICT not in registry.tags_of(newest)


@pytest.mark.timeout(900)
def test_the_next_run_closes_what_was_left_open_and_the_laws_hold(
    here: Installation, down: dict[str, str], laws: Laws
) -> None:
    assert registry.run_of(here.home, "mlflow_down_for_good")["status"] == "RUNNING"
    states = here.through("after_mlflow", NIGHT, NIGHT)
    assert {task for task, state in states.items() if state != "success"} == set(NOT_TRAINED)
    left = registry.run_of(here.home, "mlflow_down_for_good")
    assert (left["status"], left["tags"][tags.ERROR]) == ("FAILED", "left open by a Dag run that is over")
    assert laws.broken() == []
