"""A right that is missing in a workspace: which one, on what, and what to grant."""

import pytest

from spark_jobs.declare import Place, Refused
from spark_jobs.failures import explained

PLACE = Place(lake="main.bikes", landing="/Volumes/main/bikes/nightshift/landing", tracking="databricks", registry="")


@pytest.mark.parametrize(
    ("told", "grant"),
    [
        (
            "[INSUFFICIENT_PERMISSIONS] Insufficient:\nUser does not have USE SCHEMA on Schema 'main.bikes'.",
            "GRANT USE SCHEMA ON SCHEMA main.bikes",
        ),
        (
            "PERMISSION_DENIED: User does not have CREATE_MODEL on Schema 'main.bikes'.",
            "GRANT CREATE MODEL ON SCHEMA main.bikes",
        ),
        (
            "PERMISSION_DENIED: User does not have EXECUTE on Registered Model 'main.bikes.bike_sharing'",
            "GRANT EXECUTE ON FUNCTION main.bikes.bike_sharing",
        ),
        (
            "[Errno 13] Permission denied: '/Volumes/main/bikes/nightshift/landing/rides'",
            "GRANT READ VOLUME, WRITE VOLUME ON VOLUME main.bikes.nightshift",
        ),
    ],
)
def test_a_missing_right_is_named_with_what_to_grant(told: str, grant: str) -> None:
    found = explained(RuntimeError(told), PLACE)
    assert isinstance(found, Refused)
    assert str(found) == f"whoever runs this job lacks a right: {grant} TO them, then run again"


def test_words_of_an_engine_are_not_used_where_there_is_none() -> None:
    assert explained(RuntimeError("Connection refused"), PLACE) is None
