"""Operator, trigger and the provider's hook against the fake workspace, without a scheduler: what runs is tiny."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import Any

import pytest

from tests.databricks.alone.authority import AUTHORITY

os.environ |= {
    "AIRFLOW_HOME": mkdtemp(prefix="nightshift-alone-"),
    "REQUESTS_CA_BUNDLE": str(AUTHORITY.known),
    "SSL_CERT_FILE": str(AUTHORITY.known),
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
}

from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import TaskDeferred

from nightshift.databricks import runs as runs_of
from nightshift.databricks.runs import Runs
from nightshift.runners import databricks as operator
from nightshift.runners.databricks import DatabricksJob
from nightshift.settings import settings
from spark_jobs.declare import Stage
from tests.databricks.address import TOKEN, told
from tests.databricks.fake.server import Workspace, workspace
from tests.databricks.tiny import deployed
from workspace.connected import Connected, connected

# The provider's, of Airflow and aiohttp.
THIRD_PARTY = (
    "ignore:GitWildMatchPattern:DeprecationWarning",
    "ignore:ProvidersManager.hooks is deprecated",
    "ignore::DeprecationWarning:airflow.providers.databricks",
)
PLAN = {
    "kind": "form",
    "window": {"start": "2024-01-01", "end": "2024-01-02"},
    "retrain": "if due",
    "may_promote": True,
    "version": "",
    "reason": "",
    "run_key": "bike_sharing/manual__1",
    "by": "ann",
    "also": "",
    "parameters": {},
}
JOB = ["ingest", "bike_sharing", "--start=2024-01-01", "--end=2024-01-02"]


@dataclass
class Task:
    """A try of a task in a Dag run, as Airflow would make it."""

    run: str = "manual__1"
    airflow: str = "ours"
    attempt: int = 1
    last: int = 3  # of its tries
    stage: Stage = Stage.INGEST
    use_case: str = "bike_sharing"
    minutes: float = 10
    xcoms: dict[str, Any] = field(default_factory=dict)

    @property
    def operator(self) -> DatabricksJob:
        longest = timedelta(minutes=self.minutes)
        return DatabricksJob(stage=self.stage, use_case=self.use_case, retries=2, execution_timeout=longest)

    @property
    def context(self) -> Any:
        owner = f"{self.airflow} {self.run}"
        opened = {"run": "abc", "experiment": "1", "tracking": "databricks", "owner": owner}
        plan = PLAN
        known = {"open_run": opened, "check": plan}
        ti = SimpleNamespace(
            try_number=self.attempt,
            max_tries=self.last - 1,  # as Airflow counts them
            xcom_pull=lambda task_ids: known.get(task_ids),  # noqa: PLW0108 - Airflow names it
            xcom_push=lambda key, value: self.xcoms.update({key: value}),
        )
        dag_run = SimpleNamespace(dag_id=self.use_case, run_id=self.run)
        return {"ti": ti, "dag_run": dag_run, "task": SimpleNamespace()}

    def begin(self, argv: list[str] | None = None) -> Any:
        """What it defers with: trigger, method and arguments."""
        made, context = self.operator, self.context
        with as_task(context), pytest.raises(TaskDeferred) as deferred:
            made.run([*settings().place.argv(), *(argv or JOB)])
        return deferred.value

    def resume(self, deferred: Any) -> Any:
        """The trigger in a loop of its own, and then the rest of the task."""
        event = asyncio.run(watched(deferred.trigger))
        context = self.context
        with as_task(context):
            method = getattr(self.operator, deferred.method_name)
            return method(context, event=event, **deferred.kwargs)

    def again(self, deferred: Any) -> Any:
        """The rest of a task that waited for somebody else's run: it defers once more."""
        event = asyncio.run(watched(deferred.trigger))
        made, context = self.operator, self.context
        with as_task(context), pytest.raises(TaskDeferred) as put_off:
            ExecutorSafeguard.tracker.set(made)
            made.again(context, event=event, **deferred.kwargs)
        return put_off.value

    def kill(self) -> None:
        with as_task(self.context):
            self.operator.on_kill()


async def watched(trigger: Any) -> Any:
    async for event in trigger.run():
        return event.payload
    raise AssertionError("a trigger ended without an event")


class as_task:  # noqa: N801 - reads as a word of the block
    def __init__(self, context: Any) -> None:
        from airflow.sdk.execution_time.context import set_current_context

        self.block = set_current_context(context)

    def __enter__(self) -> None:
        self.block.__enter__()

    def __exit__(self, *error: Any) -> None:
        self.block.__exit__(*error)


def pytest_configure(config: pytest.Config) -> None:
    for line in THIRD_PARTY:
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def fake(tmp_path: Path, environments: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    volume = tmp_path / "workspace" / "volume"
    with workspace(tmp_path / "workspace") as found:
        for name in list(os.environ):
            if name.startswith("NIGHTSHIFT_"):
                monkeypatch.delenv(name)
        for name, value in told(found.address, volume).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(operator, "POLLS_EVERY", 0.2)
        monkeypatch.setattr(runs_of, "LOOKS_EVERY", 0.1)
        monkeypatch.setattr(runs_of, "TRIES", 3)
        deployed(found, volume / "wheels", environments)
        yield found


@pytest.fixture
def tell(fake: Workspace) -> Callable[..., None]:
    """`tell(wait=60)`: what the job of ingest will do."""
    landing = fake.files.root / "volume" / "landing"
    landing.mkdir(parents=True, exist_ok=True)

    def tell(stage: str = "ingest", **what: Any) -> None:
        (landing / f"{stage}.json").write_text(json.dumps(what))

    return tell


@pytest.fixture
def began(fake: Workspace) -> Callable[[], list[dict[str, Any]]]:
    """The jobs that really began."""

    def began() -> list[dict[str, Any]]:
        with suppress(FileNotFoundError):
            told = (fake.files.root / "volume/landing/began.jsonl").read_text()
            return [json.loads(line) for line in told.splitlines()]
        return []

    return began


@pytest.fixture
def runs(fake: Workspace) -> Runs:
    found = settings().workspace
    assert found is not None
    return Runs(found)


@pytest.fixture
def signed_in(fake: Workspace, monkeypatch: pytest.MonkeyPatch) -> Connected:
    monkeypatch.setenv("DATABRICKS_HOST", fake.address)
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
    return connected()
