"""One real installation that scenarios do bad things to."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from local.airflow_api import OVER
from local.first_nights import last_night
from local.processes import Process
from spark_jobs.declare import EVERY_NIGHT, Stage
from tests.campaign import registry
from tests.end_to_end.scheduler import DAG, Scheduler, speaks

DAY = timedelta(days=1)
DAYS = 14  # of the first range
NIGHT = last_night(datetime.now(UTC))  # the day that the first nightly run is about
FIRST = NIGHT - DAY * DAYS
BEFORE = NIGHT - DAY * 16  # from here on lie two days that the first range did not touch
NOT_TRAINED = ("train", "evaluate", "promote", "ask")

# What a stage has begun to write, but not finished, when it is killed.
WRITES = {
    Stage.INGEST: "lake/bike_sharing/bronze/rides/*.parquet",
    Stage.REFINE: "lake/bike_sharing/silver/rides/*.parquet",
    Stage.FEATURES: "lake/bike_sharing/gold/features/*.parquet",
    Stage.TRAIN: "mlflow/artifacts/**/MLmodel",
    Stage.EVALUATE: "mlflow/artifacts/**/verdict.json",
    Stage.SCORE: "lake/bike_sharing/gold/predictions/*.parquet",
}


def until(happens: Callable[[], Any], what: str, within: float = 240.0, every: float = 0.05) -> Any:
    """What it answers when it is first true."""
    deadline = time.monotonic() + within
    while not (answer := happens()):
        assert time.monotonic() < deadline, f"{what} did not happen within {within:.0f} s"
        time.sleep(every)
    return answer


def kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True)
class Installation(Scheduler):
    code: Path  # the copy of the checkout
    most_at_once: dict[Stage, int] = field(default_factory=dict)  # jobs of a stage, while somebody watched

    @property
    def raw(self) -> Path:
        return self.landing / DAG

    def champion(self) -> str:
        return registry.champion(self.home)

    def nights(self) -> list[str]:
        """Nightly runs, the newest first."""
        return [run["dag_run_id"] for run in self.airflow.runs(DAG) if run["run_type"] == "scheduled"]

    def start(self, run: str, first: date, last: date, *, retrain: str = "never", **form: str) -> None:
        """A range run, as from the form."""
        days = {"first_day": str(first), "last_day": str(last)}
        self.airflow.trigger(DAG, {**days, "retrain": retrain, **form}, run_id=run)

    def finish(self, run: str, within: float = 900.0) -> dict[str, str]:
        """Watches it to its end; the states of its tasks."""
        until(lambda: self._over(run), f"the end of {run}", within, every=0.5)
        return self.states(run)

    def through(self, run: str, first: date, last: date, **how: str) -> dict[str, str]:
        self.start(run, first, last, **how)
        return self.finish(run)

    def _over(self, run: str) -> bool:
        for stage in EVERY_NIGHT:
            self.most_at_once[stage] = max(self.most_at_once.get(stage, 0), len(self.jobs(stage)))
        return self.state(run) in OVER

    # Processes of jobs.
    def jobs(self, stage: Stage) -> list[Process]:
        """The jobs themselves, without what they have started."""
        found = self.job(stage)
        pids = {process.pid for process in found}
        return [process for process in found if process.parent not in pids]

    def begun(self, stage: Stage) -> Process:
        """Waits for a job of this stage."""
        job: Process = until(lambda: self.jobs(stage), f"the start of a job of {stage}", every=0.2)[0]
        return job

    @contextmanager
    def asking(self, stage: Stage) -> Iterator[Process]:
        """In the block, a job of this stage has just reached the engine."""
        job = self.begun(stage)
        until(lambda: speaks(job, self.home.engine_port), f"{stage} to reach the engine")
        yield job

    @contextmanager
    def writing(self, stage: Stage, pattern: str) -> Iterator[Process]:
        """In the block, a job of this stage has just begun a new file of this pattern."""
        known = set(self.home.root.glob(pattern))
        job = self.begun(stage)
        until(lambda: set(self.home.root.glob(pattern)) - known, f"a new {pattern} by {stage}")
        yield job
