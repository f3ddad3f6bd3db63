"""The workspace that the settings name, and the person's own way into it."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.jobs import BaseRun

from local.commands import CannotGoOn
from nightshift.databricks.runs import Name
from nightshift.databricks.workspace import FOLDER, Workspace, workspace_of
from spark_jobs.declare import NightshiftError
from spark_jobs.declare.job import WORKSPACE_FOLDER


@dataclass(frozen=True)
class Connected:
    client: "WorkspaceClient"
    told: Workspace

    @property
    def volume(self) -> str:
        """Its name in the catalog; the setting may name a folder in it, or another one."""
        parts = self.told.volume.strip("/").split("/")
        return ".".join(parts[1:4]) if parts[0] == "Volumes" else f"{self.told.lake}.{FOLDER}"

    @property
    def experiments(self) -> str:
        return f"{WORKSPACE_FOLDER}/{self.told.lake}"

    def active(self) -> "list[BaseRun]":
        """Runs of this lake that are not over."""
        runs = self.client.jobs.list_runs(active_only=True)
        return [run for run in runs if name_of(run.run_name).stage.startswith(f"{self.told.lake} ")]


def name_of(called: str | None) -> Name:
    """Of a run, or of a bundle's job: while it is developed, Databricks' command line writes a person's name before."""
    _, ours, more = (called or "").partition("nightshift ")
    return Name.of({"run_name": ours + more})


def connected() -> Connected:
    """By the machine's own sign-in, as every tool of Databricks finds it."""
    told = workspace_of(os.environ)
    try:
        return Connected(WorkspaceClient(), told)
    except ValueError as error:
        raise CannotGoOn(
            f"No way into a workspace: {error}\nSet DATABRICKS_HOST and DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and "
            "DATABRICKS_CLIENT_SECRET, or DATABRICKS_CONFIG_PROFILE."
        ) from None


def started(command: Callable[[Connected], None]) -> None:
    """From the terminal: whatever is refused ends in one sentence."""
    try:
        command(connected())
    except (NightshiftError, DatabricksError, OSError) as error:
        sys.exit(f"\n{error}")
