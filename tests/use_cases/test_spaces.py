"""Spaces are declared apart from the candidates they are for."""

import pytest

from spark_jobs import use_cases
from spark_jobs.kinds import kind
from spark_jobs.learning.model_part import model_part


@pytest.mark.parametrize("name", use_cases.names())
def test_each_space_is_of_a_candidate_that_can_be_searched(name: str) -> None:
    searched = {candidate.name for candidate in model_part(name).candidates if kind(candidate.kind).IN_MEMORY}
    assert set(use_cases.load(name).search.spaces) <= searched
