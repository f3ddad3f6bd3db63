"""`make databricks-import`: models with their history, predictions and raw files of a laptop; again and again the same.

Predictions come along, for nothing makes them again as they were. Other tables are not copied: bronze, silver, features
and labels are functions of the files delivered, so a range of the Dag makes them there as they are here, with commits
that say what they were made from.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from databricks.sdk.errors import NotFound

from local.commands import CannotGoOn, tell
from local.home import from_environment
from spark_jobs.declare import Place
from spark_jobs.declare.job import TRACKING, UNITY
from spark_jobs.declare.tags import CHAMPION, HISTORY, IMPORTED
from spark_jobs.declare.unity import UnityClient
from spark_jobs.use_cases import names
from workspace.connected import Connected, started
from workspace.predictions import Predictions

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

KEPT = "nightshift."  # what of a run's tags is ours


def bring(to: Connected) -> None:
    home = from_environment()
    of = os.environ.get("FROM") or home.mlflow_url
    place = Place(lake=to.told.lake, landing=to.told.landing, tracking=TRACKING, registry=UNITY)
    for name in names():
        carried, numbers = carry(clients(of), name, place)
        tell(f"  {name}: {carried or 'no'} versions are new there.")
        if not os.environ.get("FROM"):  # of a stack the lake is behind its own door
            copied = Predictions(to=to, home=home, use_case=name, numbers=numbers).copied()
            tell(f"  {name}: {copied or 'no'} predictions are new there.")
    sent = sum(1 for _ in send(to, Path(os.environ.get("LANDING") or home.root / "landing")))
    tell(f"  {sent} raw files are new there. A range of each Dag makes their tables.")


def clients(of: str) -> "tuple[MlflowClient, Any]":
    import mlflow

    mlflow.set_tracking_uri(TRACKING)  # the registry reads the files of a run by it
    mlflow.set_registry_uri(UNITY)
    return mlflow.MlflowClient(of, of), UnityClient(mlflow.MlflowClient(TRACKING, UNITY))


def carry(between: "tuple[MlflowClient, Any]", use_case: str, place: Place) -> tuple[int, dict[str, str]]:
    """Returns how many versions were not there yet, and the number there of each here."""
    here, there = between
    found = here.search_model_versions(f"name = '{use_case}'")
    if not found:
        return 0, {}
    model = Carried(here=here, there=there, name=use_case, other=place.model_name(use_case))
    model.refuse_a_champion_of_its_own()
    before = len(model.known)
    for version in sorted(found, key=lambda one: int(one.version)):
        model.version(here.get_model_version(use_case, version.version), place.experiment(use_case))
    model.what_is_said_of_it()
    return len(model.known) - before, model.numbers


@dataclass
class Carried:
    """One model, here and there; versions are known again by the run that made them."""

    here: "MlflowClient"
    there: Any
    name: str
    other: str
    known: dict[str, str] = field(default_factory=dict)  # by run: the number there
    numbers: dict[str, str] = field(default_factory=dict)  # of versions: here, there

    def __post_init__(self) -> None:
        for version in self.there.search_model_versions(f"name = '{self.other}'"):
            if IMPORTED in version.tags:
                self.known[version.tags[IMPORTED]] = str(version.version)

    def refuse_a_champion_of_its_own(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            champion = self.there.get_registered_model(self.other).aliases.get(CHAMPION)
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
                raise
            self.there.create_registered_model(self.other)
            return
        if champion and str(champion) not in self.known.values() and os.environ.get("REPLACE") != "yes":
            raise CannotGoOn(
                f"{self.other} has a champion of its own, version {champion}: with REPLACE=yes ours takes its place."
            )

    def version(self, one: "ModelVersion", experiment: str) -> None:
        run = str(one.run_id)
        if run not in self.known:
            self.known[run] = self.made(one, experiment)
        self.numbers[str(one.version)] = number = self.known[run]
        there = self.there.get_model_version(self.other, number).tags
        for key, value in one.tags.items():
            if there.get(key) != value:
                self.there.set_model_version_tag(self.other, number, key, value)

    def made(self, one: "ModelVersion", experiment: str) -> str:
        run = self.run(str(one.run_id), experiment)
        with TemporaryDirectory(prefix="nightshift-") as folder:
            self.here.download_artifacts(str(one.run_id), "model", folder)
            self.there.log_artifacts(run, f"{folder}/model", "model")
        source = f"{self.there.get_run(run).info.artifact_uri}/model"
        labels = dict(one.tags) | {IMPORTED: str(one.run_id)}
        made = self.there.create_model_version(self.other, source, run, tags=labels, description=one.description)
        return str(made.version)

    def run(self, number: str, experiment: str) -> str:
        """What a training wrote down, as a run over there."""
        from mlflow.entities import Metric, Param, RunTag

        data, info = self.here.get_run(number).data, self.here.get_run(number).info
        labels = {key: value for key, value in data.tags.items() if key.startswith(KEPT)}
        found = self.there.get_experiment_by_name(experiment)
        where = found.experiment_id if found else self.there.create_experiment(experiment)
        made = str(self.there.create_run(where, tags=labels, run_name=info.run_name).info.run_id)
        metrics = [Metric(name, value, info.end_time or info.start_time, 0) for name, value in data.metrics.items()]
        params = [Param(name, value) for name, value in data.params.items()]
        self.there.log_batch(made, metrics[:800], params[:100], [RunTag(IMPORTED, number)])
        self.there.set_terminated(made, info.status)
        return made

    def what_is_said_of_it(self) -> None:
        """Aliases last, as everywhere: what they name is whole."""
        model = self.here.get_registered_model(self.name)
        there = self.there.get_registered_model(self.other)
        for key, value in sorted(model.tags.items()):
            text = self.renumbered(value) if key.startswith(HISTORY) else value
            if there.tags.get(key) != text:
                self.there.set_registered_model_tag(self.other, key, text)
        for alias, version in model.aliases.items():
            if str(there.aliases.get(alias)) != self.numbers[str(version)]:
                self.there.set_registered_model_alias(self.other, alias, self.numbers[str(version)])

    def renumbered(self, text: str) -> str:
        """An entry of the history: where versions were deleted here, numbers there are lower."""
        entry = json.loads(text)
        return json.dumps(entry | {one: self.numbers.get(entry[one], entry[one]) for one in ("from", "to")})


def send(to: Connected, landing: Path) -> Iterator[str]:
    """Files that are not there yet, or not in this size."""
    for file in sorted(path for path in landing.rglob("*") if path.is_file()):
        target = f"{to.told.landing}/{file.relative_to(landing).as_posix()}"
        if size_of(to, target) != file.stat().st_size:
            with file.open("rb") as content:
                to.client.files.upload(target, content, overwrite=True)
            yield target


def size_of(to: Connected, path: str) -> int | None:
    try:
        return to.client.files.get_metadata(path).content_length
    except NotFound:
        return None


if __name__ == "__main__":
    started(bring)
