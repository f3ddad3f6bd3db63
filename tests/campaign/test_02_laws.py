"""The laws, after Ctrl-C and a start, and after bad files where those came before."""

import pytest

from tests.campaign.laws import Laws


@pytest.mark.timeout(1200)
def test_the_laws_hold_after_an_interruption_and_bad_files(laws: Laws) -> None:
    assert laws.broken() == []
