"""The only package that knows MLflow: runs, registered models and what is written on them."""

import json
import logging
import os
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from getpass import getuser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from spark_jobs.declare import Place, Refused, Tables, Unreachable, tags
from spark_jobs.declare.job import UNITY
from spark_jobs.declare.unity import UnityClient, versions_of
from spark_jobs.tracking.digest import digest
from spark_jobs.tracking.inputs import Used, as_input

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

LOG = logging.getLogger(__name__)

# A server that is away for a minute is waited for; these waits add up to about a minute and a half.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "3"}
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
for _name, _value in (PATIENCE | QUIET).items():
    os.environ.setdefault(_name, _value)  # read when mlflow is imported and later
CURVE_POINTS = 100
AT_ONCE = 800  # metrics: a request takes a thousand things
PARENT, TABLES, NOTE = "mlflow.parentRunId", "mlflow.loggedArtifacts", "mlflow.note.content"  # names of MLflow's own
USER, STARTER, COMMIT = "mlflow.user", "mlflow.source.name", "mlflow.source.git.commit"
OF_A_NIGHT = (USER, STARTER, "mlflow.source.type", COMMIT, tags.CODE)  # what its runs have in common


@dataclass(frozen=True)
class Tracking:
    """One use case's experiment and registered model."""

    client: "MlflowClient"
    experiment: str
    model: str

    # Runs.
    def children(self, parent: str, stage: str) -> "list[Run]":
        """The runs a stage left below another run, oldest first."""
        wanted = f"tags.`{PARENT}` = '{parent}' AND tags.`{tags.STAGE}` = '{stage}'"
        found: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment], wanted, max_results=1000, order_by=["attributes.start_time ASC"], page_token=token
            )
            found += page
            token = page.token
            if not token:
                return found

    def of_stage(self, stage: str) -> "list[Run]":
        """The newest runs that a stage left, newest first."""
        newest_first = ["attributes.start_time DESC"]
        return list(
            self.client.search_runs([self.experiment], f"tags.`{tags.STAGE}` = '{stage}'", order_by=newest_first)
        )

    def former_training(self, parent: str, due: str) -> str:
        """The run that another try of the same training left; one by hand that finished was no try of this one."""
        wanted = f"tags.`{tags.STAGE}` = 'train' AND tags.`{tags.DUE}` = '{due}'"
        newest_first = ["attributes.start_time DESC"]
        for run in self.client.search_runs([self.experiment], wanted, order_by=newest_first):
            if run.data.tags.get(PARENT, "") == parent and (parent or run.info.status != "FINISHED"):
                return str(run.info.run_id)
        return ""

    def end(self, run: str, status: str) -> None:
        self.client.set_terminated(run, status)

    def begun_by(self, parent: str) -> dict[str, str]:
        """Who and what started a run, and with which code: as its parent says, else the person who typed the job."""
        if not parent:
            return {USER: getuser(), STARTER: "python -m spark_jobs", "mlflow.source.type": "LOCAL"}
        said = self.client.get_run(parent).data.tags
        return {name: said[name] for name in OF_A_NIGHT if name in said}

    def start(self, name: str, parent: str, labels: Mapping[str, str]) -> str:
        nested = {PARENT: parent} if parent else {}
        return str(self.client.create_run(self.experiment, tags={**labels, **nested}, run_name=name).info.run_id)

    @contextmanager
    def running(self, run: str) -> Iterator[None]:
        """The run ends as its block does, and a failed one carries the error."""
        self.client.update_run(run, status="RUNNING")
        if tags.ERROR in self.client.get_run(run).data.tags:
            self.client.delete_tag(run, tags.ERROR)  # of a former try
        try:
            yield
        except BaseException as error:
            if _answered(error):  # else it cannot be told; the next night closes the run
                self.client.set_tag(run, tags.ERROR, f"{type(error).__name__}: {error}"[:4000])
                self.client.log_text(run, "".join(traceback.format_exception(error)), "error.txt")
                self.end(run, "FAILED" if isinstance(error, Exception) else "KILLED")
            raise
        self.end(run, "FINISHED")

    def write(
        self,
        run: str,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        curves: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        """Everything in one request, as far as MLflow takes it."""
        from mlflow.entities import Metric, Param, RunTag

        now = int(time.time() * 1000)
        points = [Metric(name, float(value), now, 0) for name, value in (metrics or {}).items()]
        for name, values in (curves or {}).items():
            stride = -(-len(values) // CURVE_POINTS)
            points += [Metric(name, float(values[i]), now, i) for i in range(0, len(values), stride or 1)]
        for first in range(AT_ONCE, len(points), AT_ONCE):
            self.client.log_batch(run, metrics=points[first : first + AT_ONCE])
        self.client.log_batch(
            run,
            metrics=points[:AT_ONCE],
            params=[Param(name, str(value)[:6000]) for name, value in (params or {}).items()],
            tags=[RunTag(name, value) for name, value in (labels or {}).items()],
        )

    def name_data(self, run: str, used: Sequence[Used]) -> None:
        """What a run read, on its page in MLflow. Said again, it is said once."""
        self.client.log_inputs(run, [as_input(one) for one in used])

    def show_table(self, run: str, rows: "pd.DataFrame", name: str) -> None:
        """As log_table does, which would add to the table of a former try."""
        self.client.log_text(run, rows.to_json(orient="split", index=False, date_format="iso"), name)
        shown = json.loads(self.client.get_run(run).data.tags.get(TABLES, "[]"))
        entry = {"path": name, "type": "table"}
        if entry not in shown:
            self.client.set_tag(run, TABLES, json.dumps([*shown, entry]))

    def read_json(self, run: str, name: str) -> "dict[str, Any] | None":
        """One small artifact, None where there is none."""
        if name not in [file.path for file in self.client.list_artifacts(run)]:
            return None
        with TemporaryDirectory() as folder:
            text = Path(self.client.download_artifacts(run, name, folder)).read_text()
        return dict(json.loads(text))

    # Registered versions.
    def version_of(self, run: str) -> "ModelVersion | None":
        """The version a training run has registered already."""
        return min(versions_of(self.client, self.model, run), key=lambda version: int(version.version), default=None)

    def versions(self) -> "list[ModelVersion]":
        """All versions, newest first."""
        return sorted(versions_of(self.client, self.model), key=lambda version: -int(version.version))

    def version(self, number: str) -> "ModelVersion":
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_model_version(self.model, number)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise Refused(f"model {self.model} has no version {number}; {self.model} lists what there is") from error

    def champion(self) -> "ModelVersion | None":
        """By the model, not by its alias: a server with logins says "denied" of the alias of a model not yet made."""
        from mlflow.exceptions import MlflowException

        try:
            aliases = self.client.get_registered_model(self.model).aliases
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        return self.version(aliases[tags.CHAMPION]) if tags.CHAMPION in aliases else None

    def champion_since(self, version: str) -> str:
        """When it was promoted, as the model's history tells it; of one that a person named so, nothing."""
        told = self.client.get_registered_model(self.model).tags
        entries = [json.loads(told[name]) for name in sorted(told) if name.startswith(tags.HISTORY)]
        return next((str(one["at"]) for one in reversed(entries) if str(one.get("to")) == version), "")

    def describe(self, description: str) -> None:
        self.client.update_registered_model(self.model, description)

    def register(self, run: str, folder: Path, labels: Mapping[str, str], description: str) -> str:
        """Artifacts first, then the version with all its tags at once, the alias last: no half version is ever seen."""
        from mlflow.exceptions import MlflowException

        self.client.log_artifacts(run, str(folder), "model")
        try:
            self.client.create_registered_model(self.model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        source = f"{self.client.get_run(run).info.artifact_uri}/model"
        told = {**labels, tags.FILES: digest(folder)}
        version = self.client.create_model_version(self.model, source, run, tags=told, description=description).version
        return str(version)

    def challenge(self, version: str) -> None:
        self.client.set_registered_model_alias(self.model, tags.CHALLENGER, version)

    def label(self, version: str, labels: Mapping[str, str], description: str = "") -> None:
        for name, value in labels.items():
            self.client.set_model_version_tag(self.model, version, name, value)
        if description:
            self.client.update_model_version(self.model, version, description)

    @contextmanager
    def files_of(self, version: str) -> Iterator[Path]:
        """The version's model on this machine, for as long as the block lasts."""
        from mlflow.artifacts import download_artifacts

        source = self.client.get_model_version_download_uri(self.model, version)
        with TemporaryDirectory() as folder:
            yield Path(download_artifacts(artifact_uri=source, dst_path=folder))


@contextmanager
def tracking(place: Place, use_case: Tables) -> Iterator[Tracking]:
    """Speaks to the place's MLflow; whatever the block does, a silent server is one clear error."""
    with registry(place, use_case) as book:
        yield replace(book, experiment=_experiment(book.client, place.experiment(use_case.name)))


@contextmanager
def registry(place: Place, use_case: Tables) -> Iterator[Tracking]:
    """The same for who only reads what is registered: it knows no experiment, and makes none."""
    import mlflow
    import requests

    for chatty in ("mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    try:
        mlflow.set_tracking_uri(place.tracking)
        mlflow.set_registry_uri(place.registry)
        client = mlflow.MlflowClient(place.tracking, place.registry)
        if place.registry == UNITY:
            client = cast("MlflowClient", UnityClient(client))
        yield Tracking(client, "", place.model_name(use_case.name))
    except (mlflow.exceptions.MlflowException, requests.RequestException) as error:
        if _answered(error):
            raise
        raise Unreachable(
            f"MLflow at {place.tracking} does not answer: start it (`make run` or `make stack` does) and run "
            "this job again"
        ) from error


def _answered(error: BaseException) -> bool:
    import requests

    causes = (error, error.__cause__, error.__context__)
    return not any(isinstance(cause, requests.ConnectionError | requests.Timeout) for cause in causes)


def _experiment(client: "MlflowClient", name: str) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return _experiment(client, name)


def as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
