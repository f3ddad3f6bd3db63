"""The client of another registry, and its failures in one sentence each."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from spark_jobs.declare import NightshiftError, Place, Refused, Unreachable
from spark_jobs.declare.job import UNITY
from spark_jobs.declare.rights import lacking
from spark_jobs.declare.unity import UnityClient
from spark_jobs.publishing.giving import where

# What MLflow sends to whichever server it asks; that of a workspace is Databricks' own.
LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
NOT_LET_IN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
NO_LOGIN = "Databricks credential configuration"  # which failed, before anybody was asked
NO_SCHEMA = re.compile(r"(Schema|Catalog) '(?P<name>[^']+)' does not exist", re.IGNORECASE)


@contextmanager
def known_as(login: Mapping[str, str]) -> Iterator[None]:
    """A login is for the server it belongs to: here and there have their own, for as long as a block lasts."""
    before = {name: os.environ.pop(name) for name in LOGIN if name in os.environ}
    os.environ.update(login)
    try:
        yield
    finally:
        for name in LOGIN:
            os.environ.pop(name, None)
        os.environ.update(before)


@contextmanager
def registry_of(place: Place, login_is: str) -> Iterator[Any]:
    """`login_is` says where its login is kept, to whoever has to mend it."""
    import mlflow
    import requests

    try:
        if place.registry == UNITY:
            _knock()
            mlflow.set_tracking_uri(place.tracking)  # its registry reads the files of a run by it
        client = mlflow.MlflowClient(place.tracking, place.registry)
        yield UnityClient(client) if place.registry == UNITY else client
    except (mlflow.exceptions.MlflowException, requests.RequestException, ImportError) as error:
        said = _explained(error, where(place), login_is)
        if said is None:
            raise
        raise said from error


def _knock() -> None:
    """Any answer will do: the workspace's own client would ask one that is away for five minutes."""
    import requests

    if host := os.environ.get("DATABRICKS_HOST"):
        address = host if "//" in host else f"https://{host}"
        requests.get(f"{address.rstrip('/')}/.well-known/databricks-config", timeout=30)


def _explained(error: Exception, there: str, login_is: str) -> NightshiftError | None:
    """What its server said, or that it said nothing; None for what nobody foresaw."""
    import requests

    causes = [one for one in (error, error.__cause__, error.__context__) if one is not None]
    if any(isinstance(one, requests.ConnectionError | requests.Timeout) for one in causes):
        return Unreachable(f"{there} does not answer: see that it is up and reached from here, then publish again")
    says = _refused(error, "\n".join(map(str, causes)), login_is)
    return Refused(f"{there} {says}") if says else None


def _refused(error: Exception, told: str, login_is: str) -> str:
    if isinstance(error, ImportError):
        return f"keeps files where this machine cannot write ({error}): let its server take them itself"
    if found := NO_SCHEMA.search(told):
        return f"has no {found[1].lower()} {found['name']}: make it there, or name another one"
    if says := lacking(told):
        return f"refuses this: {says}"
    status = _status(error)
    if status in NOT_LET_IN or NO_LOGIN in told:
        return f"does not let us in, or not do this: look at {login_is}, and at the rights of whom it is"
    if status == HTTPStatus.NOT_FOUND and "Response body" in told:
        return "answers, but not as MLflow does: give the address that its pages have in a browser"
    return ""


def _status(error: Exception) -> int:
    import requests
    from mlflow.exceptions import MlflowException

    if isinstance(error, MlflowException):
        return int(error.get_http_status_code())  # type: ignore[no-untyped-call]  # MLflow's own gap
    response = error.response if isinstance(error, requests.RequestException) else None
    return response.status_code if response is not None else 0
