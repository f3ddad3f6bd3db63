"""The way to MLflow. It is imported here, and only while a task runs."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, cast

from nightshift.databricks import credentials
from nightshift.settings import prepare_mlflow, settings
from spark_jobs.declare import Refused, Unreachable
from spark_jobs.declare.rights import lacking
from spark_jobs.declare.unity import UnityClient

if TYPE_CHECKING:
    from mlflow import MlflowClient


@contextmanager
def mlflow_client() -> "Iterator[MlflowClient]":
    """Whatever the block asks for, a server that does not answer is one clear error, and so is a right it lacks."""
    prepare_mlflow()
    import requests
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    place, workspace = settings().place, settings().workspace
    try:
        with credentials.known(workspace.connection) if workspace else nullcontext():
            client = MlflowClient(tracking_uri=place.tracking, registry_uri=place.registry)
            yield cast("MlflowClient", UnityClient(client)) if workspace else client
    except (MlflowException, requests.RequestException) as error:
        causes = (error, error.__cause__, error.__context__)
        if says := lacking(str(error)):
            raise Refused(says) from error
        if not any(isinstance(cause, requests.ConnectionError | requests.Timeout) for cause in causes):
            raise
        raise Unreachable(f"MLflow at {place.tracking} does not answer: start it, then clear this task") from error
