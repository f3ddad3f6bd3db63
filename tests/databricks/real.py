"""A workspace that is really there, for whoever says REAL=yes: in a schema of its own, which goes with all it holds."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

from databricks.sdk import WorkspaceClient

from nightshift.databricks.compute import FIELD
from nightshift.databricks.workspace import workspace_of
from spark_jobs.declare import BadRequest
from tests.databricks.address import connection
from workspace.connected import Connected
from workspace.down import Removal
from workspace.up import up

NEEDED = ("DATABRICKS_HOST", "NIGHTSHIFT_CATALOG", FIELD)
PRINCIPAL = ("DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET")
ENDED_WITHIN = 120.0  # seconds


def is_wanted() -> bool:
    return os.environ.get("REAL") == "yes"


@contextmanager
def real() -> Iterator[Mapping[str, str]]:
    """What Airflow is to be told of it."""
    told = settings_of(os.environ)
    of = Connected(WorkspaceClient(), workspace_of(told))
    up(of)
    try:
        yield told
    finally:
        leave_nothing(of)


def settings_of(given: Mapping[str, str]) -> dict[str, str]:
    lacking = [name for name in NEEDED if not given.get(name)]
    if not given.get("DATABRICKS_TOKEN"):
        lacking += [name for name in PRINCIPAL if not given.get(name)]
    if lacking:
        raise BadRequest("REAL", f"is yes, so tests want a workspace that is there: set {', '.join(lacking)}")
    token = given.get("DATABRICKS_TOKEN", "")
    login, secret = ("", token) if token else (given[name] for name in PRINCIPAL)
    return {
        "SPARK_TARGET": "databricks",
        "NIGHTSHIFT_CATALOG": given["NIGHTSHIFT_CATALOG"],
        "NIGHTSHIFT_SCHEMA": f"nightshift_test_{uuid4().hex[:12]}",
        FIELD: given[FIELD],
        "AIRFLOW_CONN_DATABRICKS_DEFAULT": connection(given["DATABRICKS_HOST"], secret, login),
    }


def leave_nothing(of: Connected) -> None:
    """Also after a test that failed in the middle of a run."""
    deadline = time.monotonic() + ENDED_WITHIN
    while (active := of.active()) and time.monotonic() < deadline:
        for run in active:
            of.client.jobs.cancel_run(int(run.run_id or 0))
        time.sleep(1)
    Removal.planned(of, drop=True).carry_out()
