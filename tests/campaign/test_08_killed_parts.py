"""SIGKILL of any part of `make run`, and of itself, while a night runs."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local.commands import tell
from tests.campaign import registry
from tests.campaign.installation import DAY, DAYS, FIRST, Installation
from tests.campaign.killed_parts import Killed, victims
from tests.end_to_end.scheduler import DAG, belonging_to

UNTOUCHED = FIRST - DAY * 40  # it and the days before it were in no scenario's window


@pytest.fixture(scope="module")
def there(here: Installation, opened: ExitStack) -> Iterator[Killed]:
    """The installation of all scenarios, at their end: from now on a `make run` of its own keeps it up."""
    opened.close()
    installation = Killed(here.code, here.home, DAYS)
    try:
        installation.type_make_run()
        yield installation
    finally:
        installation.end()
    assert belonging_to(installation.home.root) == []


@pytest.mark.timeout(7200)
def test_it_comes_up_every_time_and_the_night_ends_as_an_undisturbed_one(there: Killed, kills: int, seed: int) -> None:
    undisturbed = there.night("undisturbed", UNTOUCHED)
    for number, (victim, during) in enumerate(victims(there.home, kills, seed), 1):
        began, run = time.monotonic(), f"kill_{number}"
        tell(f"\n{number} of {kills}, SEED={seed}: SIGKILL of {victim} during {during}", end="")
        states = there.night(run, UNTOUCHED - DAY * number, victim, during)
        tell(f": {time.monotonic() - began:.0f} s", end="")
        assert (there.airflow.state(DAG, run), states) == ("success", undisturbed), victim
        rides = there.airflow.xcom(DAG, run, "refine")["rows"]["rides"]
        assert rides["in"] == rides["kept"] + rides["superseded"] + rides["quarantined"] >= 24
        assert registry.run_of(there.home, run)["status"] == "FINISHED"
