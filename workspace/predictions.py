"""Predictions of a laptop: its engine writes them as a file, and a run of the workspace takes what it has not yet."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from databricks.sdk.errors import OperationFailed
from databricks.sdk.service.jobs import RunResultState

from local.commands import CannotGoOn
from local.home import Home
from local.sql import opened
from nightshift.databricks.request import Request
from nightshift.databricks.wheel import TAKE, Wheel
from spark_jobs.declare.job import RESULT
from workspace.connected import Connected, name_of
from workspace.deploy import found

LONGEST = timedelta(hours=2)


@dataclass(frozen=True, kw_only=True)
class Predictions:
    to: Connected
    home: Home
    use_case: str
    numbers: Mapping[str, str]  # of model versions: here, there

    @property
    def table(self) -> Path:
        return self.home.lake / self.use_case / "gold" / "predictions"

    @property
    def stage(self) -> str:
        """That of scoring, so that a night waits until this is over."""
        return f"{self.to.told.lake} {self.use_case} score"

    def copied(self) -> int:
        """How many rows were new there."""
        if not self.numbers or not self.table.is_dir():
            return 0
        if Wheel().name not in found(self.to):
            raise CannotGoOn("The code that takes predictions is not in the workspace: type `make deploy` first.")
        scoring = (self.stage, self.stage.removesuffix("score") + "night")  # of Airflow's runs, and of a bundle's
        if any(name_of(run.run_name).stage in scoring for run in self.to.active()):
            raise CannotGoOn(f"{self.use_case} is being scored in the workspace: wait for its end, then type it again.")
        with self.sent() as folder:
            return self.taken(folder)

    @contextmanager
    def sent(self) -> Iterator[str]:
        """The folder over there, for as long as the block lasts."""
        files, folder = self.to.client.files, f"{self.to.told.volume}/import/{uuid4().hex}"
        files.create_directory(folder)
        try:
            with TemporaryDirectory(prefix="nightshift-") as here:
                for file in self.written(Path(here) / "rows"):
                    with file.open("rb") as content:
                        files.upload(f"{folder}/{file.name}", content, overwrite=True)
            yield folder
        finally:
            for entry in files.list_directory_contents(folder):
                files.delete(str(entry.path))
            files.delete_directory(folder)

    def written(self, folder: Path) -> list[Path]:
        """By the numbers that versions have there; what a version said that is gone stays here."""
        there = " ".join(f"WHEN {one} THEN {other}" for one, other in self.numbers.items())
        number = f"CAST(CASE model_version {there} END AS INT) AS model_version"
        with opened(self.home, f"predictions of {self.use_case}") as spark:
            rows = spark.sql(f"SELECT * FROM delta.`{self.table}`")
            ours = [number if name == "model_version" else f"`{name}`" for name in rows.columns]
            rows.selectExpr(*ours).where("model_version IS NOT NULL").coalesce(1).write.parquet(str(folder))
        return sorted(folder.glob("*.parquet"))

    def taken(self, folder: str) -> int:
        """By a run like those of a night; the number it says last."""
        told, jobs = self.to.told, self.to.client.jobs
        request = Request(
            workspace=told,
            stage=self.stage,
            argv=[told.lake, self.use_case, folder],
            owner="import",
            longest=LONGEST,
            entry=TAKE,
        )
        asked = self.to.client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body=request.body)
        number = int(dict(asked)["run_id"])  # type: ignore[call-overload, unused-ignore] # the SDK's own words
        try:
            ended = jobs.wait_get_run_job_terminated_or_skipped(number, timeout=LONGEST)
        except OperationFailed as error:
            raise self.failed(number, str(error)) from error
        except (KeyboardInterrupt, TimeoutError):
            jobs.cancel_run_and_wait(number)  # else its files would go while it reads them
            raise
        how = ended.state.result_state if ended.state else None
        if how is not RunResultState.SUCCESS:
            raise self.failed(number, how.value if how else "it did not end")
        (task,) = ended.tasks or []
        lines = str(jobs.get_run_output(int(task.run_id or 0)).logs).splitlines()
        if said := [line for line in lines if line.startswith(RESULT)]:
            return int(json.loads(said[-1])["rows"])
        raise self.failed(number, "it said no result")

    def failed(self, run: int, why: str) -> CannotGoOn:
        return CannotGoOn(f"Run {run} did not bring the predictions of {self.use_case}: {why}")
