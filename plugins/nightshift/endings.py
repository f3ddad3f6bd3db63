"""How a task ends, other than well."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from spark_jobs.declare import BadDeclaration, BadRequest, Refused

log = logging.getLogger(__name__)
SKIPPED = "skipped"  # the XCom that says why


def skip(context: Context, reason: str) -> NoReturn:
    """Airflow shows no reason of its own, so it goes to the log and an XCom."""
    log.info("Skipped: %s", reason)
    context["ti"].xcom_push(key=SKIPPED, value=reason)
    raise AirflowSkipException(reason)


@contextmanager
def retry_only_what_it_helps() -> Iterator[None]:
    """What is refused now is refused in half a minute, too."""
    try:
        yield
    except (BadRequest, BadDeclaration, Refused) as error:
        raise AirflowFailException(str(error)) from None
