"""From a task to its page in MLflow."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperator, BaseOperatorLink, Context, conf

from nightshift.settings import settings

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

log = logging.getLogger(__name__)
RUN, MODEL, APPROVAL, DATABRICKS = "mlflow_run", "mlflow_model", "approval", "databricks_run"
REPORT = "report_page"


class MlflowRun(BaseOperatorLink):
    """The button on a task's page."""

    name = "MLflow run"
    xcom_key = RUN

    def get_link(self, operator: BaseOperator, *, ti_key: "TaskInstanceKey") -> str:  # noqa: ARG002 - Airflow's signature
        """Asked once, in the task's own process, when it ends."""
        return str(getattr(operator, RUN, ""))


class MlflowModel(BaseOperatorLink):
    """The same, for what is done to a registered model outside of a night."""

    name = "MLflow model"
    xcom_key = MODEL

    def get_link(self, operator: BaseOperator, *, ti_key: "TaskInstanceKey") -> str:  # noqa: ARG002 - as above
        return str(getattr(operator, MODEL, ""))


class ReportPage(BaseOperatorLink):
    """Where people see what is in a use case's reports."""

    name = "Report"
    xcom_key = REPORT

    def get_link(self, operator: BaseOperator, *, ti_key: "TaskInstanceKey") -> str:  # noqa: ARG002 - as above
        return str(getattr(operator, REPORT, ""))


class Approval(BaseOperatorLink):
    """Where a person answers."""

    name = "Approval"
    xcom_key = APPROVAL

    def get_link(self, operator: BaseOperator, *, ti_key: "TaskInstanceKey") -> str:  # noqa: ARG002 - as above
        return str(getattr(operator, APPROVAL, ""))


class DatabricksRun(BaseOperatorLink):
    """The run of a job in its workspace."""

    name = "Databricks run"
    xcom_key = DATABRICKS

    def get_link(self, operator: BaseOperator, *, ti_key: "TaskInstanceKey") -> str:  # noqa: ARG002 - as above
        return str(getattr(operator, DATABRICKS, ""))


def show(context: Context, opened: Mapping[str, Any]) -> None:
    """In the log and as the task's link, both at once and not only when the task ends."""
    url = run_page(opened)
    log.info("MLflow run: %s", url)
    _show(context, RUN, url)


def show_report(context: Context, opened: Mapping[str, Any], name: str) -> None:
    url = f"{run_page(opened)}/artifacts/{quote(name)}"
    log.info("In pictures: %s", url)
    _show(context, REPORT, url)


def run_page(opened: Mapping[str, Any]) -> str:
    told = settings()
    way = "ml" if told.workspace else "#"
    return f"{pages()}/{way}/experiments/{opened['experiment']}/runs/{opened['run']}"


def show_model(context: Context, name: str) -> None:
    """Of a model that is known to exist."""
    _show(context, MODEL, model_page(name))


def model_page(name: str) -> str:
    """In a workspace a model is a page of its catalog."""
    return (
        f"{pages()}/explore/data/models/{name.replace('.', '/')}"
        if settings().workspace
        else f"{pages()}/#/models/{name}"
    )


def show_databricks_run(context: Context, url: str) -> None:
    log.info("Databricks run: %s", url)
    _show(context, DATABRICKS, url)


def pages() -> str:
    """Of a workspace, where its connection leads; asked while a task runs."""
    told = settings()
    if told.pages or not told.workspace:
        return told.pages
    from nightshift.databricks.credentials import address

    return address(told.workspace.connection)


def show_approval(context: Context, dag_id: str, run_id: str, task_id: str) -> None:
    """In the log, too: it can be sent to whoever is to answer."""
    url = airflow(f"/dags/{quote(dag_id)}/runs/{quote(run_id)}/tasks/{task_id}/required_actions")
    log.info("Answer here: %s", url)
    _show(context, APPROVAL, url)


def airflow(path: str) -> str:
    return conf.get("api", "base_url", fallback="http://localhost:8080").rstrip("/") + path


def _show(context: Context, key: str, url: str) -> None:
    setattr(context["task"], key, url)
    context["ti"].xcom_push(key=key, value=url)
