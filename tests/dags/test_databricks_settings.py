"""What is told of a workspace: checked when Dags load, and an error says what to set."""

import pytest

from nightshift.settings import settings
from spark_jobs.declare import BadRequest, Place
from tests.dags.test_dags import IN_A_WORKSPACE


def test_everything_follows_from_catalog_and_schema() -> None:
    told = settings(IN_A_WORKSPACE)
    assert told.place == Place(
        lake="main.bikes",
        landing="/Volumes/main/bikes/nightshift/landing",
        tracking="databricks",
        registry="databricks-uc",
    )
    assert told.workspace
    assert (told.workspace.connection, told.workspace.wheels) == (
        "databricks_default",
        "/Volumes/main/bikes/nightshift/wheels",
    )
    assert told.place.model_name("bike_sharing") == "main.bikes.bike_sharing"
    assert told.place.experiment("bike_sharing") == "/Shared/nightshift/main.bikes/bike_sharing"


def test_every_setting_is_heard() -> None:
    own = {
        "NIGHTSHIFT_DATABRICKS_CONNECTION": "ours",
        "NIGHTSHIFT_VOLUME": "/Volumes/main/raw/files/nights/",
        "NIGHTSHIFT_COMPUTE": "serverless:5",
        "NIGHTSHIFT_USAGE_POLICY": "1-2-3",
        "NIGHTSHIFT_VIEWERS": "nights",
    }
    found = settings(IN_A_WORKSPACE | own).workspace
    assert found
    assert (found.connection, found.landing) == ("ours", "/Volumes/main/raw/files/nights/landing")
    assert (found.compute.serverless, found.policy, found.viewers) == ("5", "1-2-3", "nights")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("NIGHTSHIFT_CATALOG", "", "NIGHTSHIFT_CATALOG: is a name of letters, digits and _, got ''"),
        ("NIGHTSHIFT_SCHEMA", "my-bikes", "NIGHTSHIFT_SCHEMA: is a name of letters, digits and _, got 'my-bikes'"),
        ("NIGHTSHIFT_VOLUME", "landing", "NIGHTSHIFT_VOLUME: is a path like /Volumes/main/bikes/nightshift"),
        ("NIGHTSHIFT_COMPUTE", "", "NIGHTSHIFT_COMPUTE: says what jobs run on, and is not guessed"),
        ("NIGHTSHIFT_COMPUTE", "big", "NIGHTSHIFT_COMPUTE: is 'serverless'"),
        ("NIGHTSHIFT_TAGS", "team=bikes", "NIGHTSHIFT_TAGS: are put on new clusters"),
        ("NIGHTSHIFT_USAGE_POLICY", "x", "NIGHTSHIFT_USAGE_POLICY: is for serverless"),
        ("NIGHTSHIFT_LAKE", "/lake", "NIGHTSHIFT_LAKE: is not for SPARK_TARGET=databricks: unset it"),
        ("NIGHTSHIFT_MLFLOW", "http://x", "NIGHTSHIFT_MLFLOW: is not for SPARK_TARGET=databricks"),
    ],
)
def test_what_cannot_be_is_refused_and_never_guessed(name: str, value: str, says: str) -> None:
    with pytest.raises(BadRequest) as refused:
        settings(IN_A_WORKSPACE | {name: value})
    assert str(refused.value).startswith(says)


def test_tags_are_pairs() -> None:
    new = '{"spark_version": "x", "num_workers": 1, "node_type_id": "m", "data_security_mode": "SINGLE_USER"}'
    with pytest.raises(BadRequest, match="are written like team=bikes"):
        settings(IN_A_WORKSPACE | {"NIGHTSHIFT_COMPUTE": new, "NIGHTSHIFT_TAGS": "bikes"})
