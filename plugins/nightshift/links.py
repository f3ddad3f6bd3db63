"""From a task to its MLflow run."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, BaseOperatorLink, Context

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

log = logging.getLogger(__name__)
KEY = "mlflow_run"


class MlflowRun(BaseOperatorLink):
    """The button on a task's page."""

    name = "MLflow run"
    xcom_key = KEY

    def get_link(self, operator: BaseOperator, *, ti_key: "TaskInstanceKey") -> str:  # noqa: ARG002 - Airflow's signature
        """Asked once, in the task's own process, when it ends."""
        return str(getattr(operator, KEY, ""))


def show(context: Context, opened: Mapping[str, Any]) -> None:
    """In the log and as the task's link, both at once and not only when the task ends."""
    url = f"{opened['tracking']}/#/experiments/{opened['experiment']}/runs/{opened['run']}"
    log.info("MLflow run: %s", url)
    setattr(context["task"], KEY, url)
    context["ti"].xcom_push(key=KEY, value=url)
