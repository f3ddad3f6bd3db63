"""Ctrl-C in the middle."""

import pytest

from tests.campaign.conftest import FIRST_RANGE
from tests.campaign.installation import Installation
from tests.campaign.interrupted import Interrupted


@pytest.mark.timeout(400)
def test_ctrl_c_ends_every_process_that_make_run_started(ctrl_c: Interrupted) -> None:
    assert len(ctrl_c.before) > 8, ctrl_c.said  # make run, seven services, a job
    assert (ctrl_c.status, ctrl_c.after) == (130, set()), ctrl_c.said
    assert not ctrl_c.recorded


@pytest.mark.timeout(1200)
def test_started_again_it_carries_on_with_the_range_that_was_interrupted(here: Installation) -> None:
    assert here.state(FIRST_RANGE) == here.state(here.nights()[0]) == "success"
    assert here.champion() == "1"
