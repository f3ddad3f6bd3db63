"""Address and credentials of a workspace, from the connection that Airflow keeps; never written anywhere."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from spark_jobs.declare import BadRequest

if TYPE_CHECKING:
    from airflow.sdk import Connection

SETTING = "NIGHTSHIFT_DATABRICKS_CONNECTION"
SEEN = ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET")  # by every client


def of(name: str, named_in: str = SETTING) -> dict[str, str]:
    """As Databricks' own clients look for them: a token, or id and secret of a service principal."""
    found = connection(name, named_in)
    token = str(found.extra_dejson.get("token") or (found.password if not found.login else "") or "")
    principal = ("", "") if token else (str(found.login or ""), str(found.password or ""))
    if not token and not all(principal):
        raise BadRequest(
            f"connection {name}",
            "has no credentials: its password is a token, or its login and password are id and secret of a service "
            'principal, with {"service_principal_oauth": true} in its extra',
        )
    given = zip(SEEN, (_address(found), token, *principal), strict=True)
    return {name: value for name, value in given if value}


def address(name: str) -> str:
    return _address(connection(name))


@contextmanager
def known(name: str, named_in: str = SETTING) -> Iterator[None]:
    """For as long as the block lasts, and in this process only."""
    before = {seen: os.environ.pop(seen) for seen in SEEN if seen in os.environ}
    os.environ.update(of(name, named_in))
    try:
        yield
    finally:
        for seen in SEEN:
            os.environ.pop(seen, None)
        os.environ.update(before)


def connection(name: str, named_in: str = SETTING) -> "Connection":
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(name)
    except AirflowNotFoundException:
        says = f"is not in this Airflow: make it there, or name another one in {named_in}"
        raise BadRequest(f"connection {name}", says) from None


def _address(found: "Connection") -> str:
    """Put together as the provider does."""
    host = str(found.extra_dejson.get("host") or found.host or "").rstrip("/").rpartition("//")[2]
    if not host:
        raise BadRequest(f"connection {found.conn_id}", "names no host: it is the address of the workspace")
    return f"{found.schema or 'https'}://{host}" + (f":{found.port}" if found.port else "")
