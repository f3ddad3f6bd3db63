"""A job as the body of one request."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import uuid4

from nightshift.databricks.runs import Name, digest
from nightshift.databricks.wheel import ENTRY, PACKAGE, Wheel
from nightshift.databricks.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Request:
    """Asked again after a lost answer, the workspace returns the run it already has."""

    workspace: Workspace
    stage: str  # lake, use case and stage
    argv: list[str]
    owner: str  # the Dag run
    longest: timedelta
    entry: str = ENTRY
    # A used token returns its run for ever, also when that has failed: so no two requests may have the same.
    attempt: str = field(default_factory=lambda: uuid4().hex)

    @cached_property
    def wheel(self) -> Wheel:
        return Wheel()

    @property
    def name(self) -> Name:
        return Name(stage=self.stage, owner=self.owner, wheel=self.wheel.code, job=digest(*self.argv)[:10])

    @property
    def body(self) -> dict[str, Any]:
        workspace, wheel = self.workspace, f"{self.workspace.wheels}/{self.wheel.name}"
        seconds = int(self.longest.total_seconds())
        task = {
            "task_key": self.stage.rpartition(" ")[2],
            "python_wheel_task": {"package_name": PACKAGE, "entry_point": self.entry, "parameters": self.argv},
            "timeout_seconds": seconds,
            "max_retries": 0,  # Airflow tries again, and knows when it helps
            **workspace.compute.of_a_task(wheel, workspace.tags),
        }
        return {
            "run_name": str(self.name),
            "idempotency_token": self.attempt,
            "timeout_seconds": seconds,
            "tasks": [task],
            **workspace.compute.of_a_run(wheel),
            **({"budget_policy_id": workspace.policy} if workspace.policy else {}),
            **({"access_control_list": [_may_see(workspace.viewers)]} if workspace.viewers else {}),
        }


def _may_see(group: str) -> dict[str, str]:
    """Else only whoever began a run, and admins, find it by its name."""
    return {"group_name": group, "permission_level": "CAN_VIEW"}
