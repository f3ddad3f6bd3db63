"""The act that tells another registry of the champion. It comes when the night is scored: its failure takes nothing."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from airflow.sdk import Context

from nightshift import links, registry
from nightshift.acts import Result, model_name, planned, said
from nightshift.databricks import credentials
from nightshift.endings import skip
from nightshift.mlflow_server import mlflow_client
from nightshift.settings import settings
from spark_jobs.declare import BadRequest, Elsewhere, UseCase
from spark_jobs.declare.job import UNITY

log = logging.getLogger(__name__)
SETTING = "publish_to"  # where a connection is named


def publish(use_case: UseCase, to: Elsewhere, context: Context) -> Result:
    """The champion of this moment, so that what one night failed to publish the next one does."""
    from spark_jobs.publishing import elsewhere, giving, taking

    links.show(context, said(context, "open_run"))
    if not (plan := planned(context)).may_promote:
        skip(context, f"this {plan.kind} run may not promote, so it publishes nothing either")
    with TemporaryDirectory(prefix="nightshift-") as folder:
        with mlflow_client() as client:
            if not (champion := registry.Model.read(client, model_name(use_case)).champion):
                skip(context, "no champion yet")
            taken = taking.take(client, settings().place, use_case.name, champion, Path(folder))
        login = f"the connection {to.connection} of Airflow" if to.connection else "connection= of publish_to"
        with signed_in(to), elsewhere.registry_of(to.place, login) as there:
            told = giving.give(there, to.place, taken, to.aliases)
    log.info("%s", giving.in_words(told))
    return told


@contextmanager
def signed_in(to: Elsewhere) -> Iterator[None]:
    """For as long as the block lasts, and there alone."""
    from spark_jobs.publishing.elsewhere import known_as

    if to.place.registry == UNITY:
        with credentials.known(to.connection, SETTING):
            yield
    else:
        with known_as(login_of(to) if to.connection else {}):
            yield


def login_of(to: Elsewhere) -> dict[str, str]:
    """As MLflow's client looks for it: name and password, or a token."""
    found, field = credentials.connection(to.connection, SETTING), f"connection {to.connection}"
    host = str(found.host or "").rpartition("//")[2].partition("/")[0].partition(":")[0]
    if host and host != urlsplit(to.to).hostname:
        raise BadRequest(field, f"is of {host}, and its login is not sent to {to.to}: name another one in {SETTING}")
    if not found.password:
        raise BadRequest(field, "has no login: its login and password are those of MLflow, or its password is a token")
    if not found.login:
        return {"MLFLOW_TRACKING_TOKEN": str(found.password)}
    return {"MLFLOW_TRACKING_USERNAME": str(found.login), "MLFLOW_TRACKING_PASSWORD": str(found.password)}
