"""A lake that cannot be written, a disk that is full while a job writes, and an engine's that is full."""

import pytest

from tests.campaign.disk import SmallDisk
from tests.campaign.installation import DAY, FIRST, NOT_TRAINED, Installation
from tests.campaign.laws import Laws

FIRST_DAY, LAST_DAY = FIRST - DAY * 12, FIRST - DAY * 11


@pytest.mark.timeout(1200)
def test_a_lake_that_cannot_be_written_fails_the_run_and_says_what_to_look_at(
    here: Installation, disk: SmallDisk
) -> None:
    with disk.closed():
        states = here.through("closed", FIRST_DAY, FIRST_DAY)
    assert here.state("closed") == "failed"
    assert (states["ingest"], states["refine"], states["score"]) == ("failed", "upstream_failed", "skipped")
    said = here.log("closed", "ingest")
    assert "a folder cannot be read or written: look at its owner and rights, then run again" in said
    assert str(here.lake) in said


@pytest.mark.timeout(1200)
def test_a_disk_that_is_full_while_a_job_writes_fails_the_run_and_says_so(here: Installation, disk: SmallDisk) -> None:
    with disk.full():
        states = here.through("full", FIRST_DAY, LAST_DAY)
    assert here.state("full") == "failed"
    [stage, *_] = [task for task in ("ingest", "refine", "features") if states[task] == "failed"]
    assert "the disk is full: free some space, then run again" in here.log("full", stage)


@pytest.mark.timeout(1200)
def test_an_engine_whose_temporary_folder_is_full_fails_the_run_and_says_so(
    here: Installation, temporary: SmallDisk
) -> None:
    with temporary.full():
        states = here.through("temporary_full", FIRST_DAY, LAST_DAY)
    assert here.state("temporary_full") == "failed"
    [stage, *_] = [task for task in ("ingest", "refine", "features") if states[task] == "failed"]
    assert "the disk is full: free some space, then run again" in here.log("temporary_full", stage)


@pytest.mark.timeout(1200)
def test_once_the_lake_can_be_written_again_the_next_run_makes_up_for_it_and_the_laws_hold(
    here: Installation, laws: Laws
) -> None:
    states = here.through("written_again", FIRST_DAY, LAST_DAY)
    assert {task for task, state in states.items() if state != "success"} == set(NOT_TRAINED)
    assert laws.broken() == []
