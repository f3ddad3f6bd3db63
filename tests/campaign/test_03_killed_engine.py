"""An engine that is killed in every stage, alone or with its job, that is gone for a minute, and for good."""

import time

import pytest

from spark_jobs.declare import EVERY_NIGHT, Stage
from tests.campaign.installation import BEFORE, DAY, NIGHT, NOT_TRAINED, WRITES, Installation, kill
from tests.campaign.laws import Laws
from tests.end_to_end.checkout import changed

MINUTE = 60.0
EARLIER = BEFORE - DAY * 2  # two more days that nothing touched
LEARNING = (Stage.TRAIN, Stage.EVALUATE)  # when they write, they need no engine any more
WITH_ITS_JOB = (Stage.REFINE, Stage.SCORE)
# What a job meets depends on the moment: an engine that is not there, or the one that has taken its place already.
GONE, NEW = "the engine ended while this job worked", "or the engine was started anew"


@pytest.fixture(scope="module")
def without_engine(here: Installation) -> dict[str, str]:
    """A run that trains, and loses the engine in each stage; refine and score lose their job with it."""
    here.services.pauses = (0.5,) * 20  # who falls this often is not given up on here
    here.start("engine_killed", EARLIER, NIGHT, retrain="always")
    for stage, pattern in WRITES.items():
        with here.asking(stage) if stage in LEARNING else here.writing(stage, pattern) as job:
            job_too = (job.pid,) if stage in WITH_ITS_JOB else ()
            kill(here.services.parts["engine"].pid, *job_too)
    return here.finish("engine_killed")


@pytest.mark.timeout(1800)
def test_a_run_whose_engine_was_killed_in_every_stage_succeeds_and_says_what_happened(
    here: Installation, without_engine: dict[str, str]
) -> None:
    assert here.state("engine_killed") == "success"
    assert {stage: here.tries("engine_killed")[stage] for stage in EVERY_NIGHT} == dict.fromkeys(EVERY_NIGHT, 2)
    for stage in EVERY_NIGHT:
        says = ("the job was ended by SIGKILL",) if stage in WITH_ITS_JOB else (GONE, NEW)
        log = here.log("engine_killed", stage)
        assert any(words in log for words in says), f"{stage}: {log}"


@pytest.fixture(scope="module")
def without(here: Installation) -> dict[str, str]:
    """A run that finds no engine, which is still away afterwards. Only the wait for it is shorter than a person's."""
    here.services.end("engine")
    with changed(here.code / "spark_jobs/session.py", "UP_WITHIN = 120.0", "UP_WITHIN = 2.0"):
        return here.through("engine_gone", NIGHT, NIGHT)


@pytest.mark.timeout(1200)
def test_an_engine_that_stays_away_fails_the_run_in_clear_words(here: Installation, without: dict[str, str]) -> None:
    assert here.state("engine_gone") == "failed"
    assert (without["ingest"], without["refine"], without["score"]) == ("failed", "upstream_failed", "skipped")
    said = f"the engine at {here.home.engine_url} does not answer since 2 s: start it (`make run` or `make stack` does)"
    assert said in here.log("engine_gone", "ingest", here.tries("engine_gone")["ingest"])


@pytest.mark.timeout(1200)
def test_an_engine_that_comes_back_after_a_minute_was_waited_for_and_the_run_makes_up_for_the_one_before(
    here: Installation, without: dict[str, str], laws: Laws
) -> None:
    here.start("engine_away", NIGHT, NIGHT)
    here.begun(Stage.INGEST)
    time.sleep(MINUTE)  # the scenario itself
    here.services.start("engine")
    states = here.finish("engine_away")
    assert {task for task, state in states.items() if state != "success"} == set(NOT_TRAINED)
    assert here.tries("engine_away")["ingest"] == 1
    assert f"The engine at {here.home.engine_url} does not answer yet" in here.log("engine_away", "ingest")
    assert laws.broken() == []
