"""How a task ends, other than well."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from spark_jobs.declare import BadDeclaration, BadRequest, NightshiftError, Refused

log = logging.getLogger(__name__)
SKIPPED, FAILED = "skipped", "failed"  # the XComs that say why


def skip(context: Context, reason: str) -> NoReturn:
    """Airflow shows no reason of its own, so it goes to the log and an XCom."""
    log.info("Skipped: %s", reason)
    context["ti"].xcom_push(key=SKIPPED, value=reason)
    raise AirflowSkipException(reason)


@contextmanager
def failing_in_words(context: Context) -> Iterator[None]:
    """The sentence alone is an XCom; the log frames it. What is refused now is refused in half a minute, too."""
    try:
        yield
    except (NightshiftError, AirflowFailException) as error:
        context["ti"].xcom_push(key=FAILED, value=str(error))
        if isinstance(error, BadRequest | BadDeclaration | Refused):
            raise AirflowFailException(str(error)) from None
        raise
