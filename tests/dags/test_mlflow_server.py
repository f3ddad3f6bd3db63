"""A server that does not answer is one clear error; one that answers with an error is its own."""

import pytest

from nightshift.mlflow_server import mlflow_client
from spark_jobs.declare import Refused, Unreachable

pytestmark = pytest.mark.usefixtures("home")


def test_a_silent_server_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTSHIFT_MLFLOW", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with (
        pytest.raises(Unreachable, match="does not answer: start it"),
        mlflow_client() as client,
    ):
        client.search_experiments()


def test_a_right_that_an_act_lacks_is_named_with_what_to_grant() -> None:
    from mlflow.exceptions import MlflowException

    told = "PERMISSION_DENIED: User does not have MANAGE on Registered Model 'main.bikes.bike_sharing'"
    with pytest.raises(Refused, match=r"GRANT MANAGE ON FUNCTION main\.bikes\.bike_sharing TO them"), mlflow_client():
        raise MlflowException(told)


def test_what_a_server_refuses_is_told_as_it_is(mlflow: object) -> None:
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match="bikes not found"), mlflow_client() as client:
        client.get_registered_model("bikes")
