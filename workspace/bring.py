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
from nightshift.databricks.promotion import VERDICT as VERDICT_FILE
from spark_jobs.declare import Place
from spark_jobs.declare.job import TRACKING, UNITY
from spark_jobs.declare.tags import CHAMPION, HISTORY, IMPORTED, VERDICT
from spark_jobs.declare.unity import UnityClient, versions_of
from spark_jobs.use_cases import names
from workspace.connected import Connected, started
from workspace.plan import principal_of
from workspace.predictions import Predictions
from workspace.up import hand_over

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

KEPT = "nightshift."  # what of a run's tags is ours


def bring(to: Connected) -> None:
    home = from_environment()
    stack, landing = os.environ.get("FROM"), os.environ.get("LANDING")
    place = Place(lake=to.told.lake, landing=to.told.landing, tracking=TRACKING, registry=UNITY)
    for name in names():
        carried, numbers = carry(clients(stack or home.mlflow_url), name, place)
        tell(f"  {name}: {carried or 'no'} versions are new there.")
        if not stack:  # whose lake is behind its own door
            copied = Predictions(to=to, home=home, use_case=name, numbers=numbers).copied()
            tell(f"  {name}: {copied or 'no'} predictions are new there.")
    if stack and not landing:
        tell("  Raw files of a stack are in its object store: copy them into a folder, and give it as LANDING.")
    else:
        sent = sum(1 for _ in send(to, Path(landing or home.root / "landing")))
        tell(f"  {sent} raw files are new there. A range of each Dag makes their tables.")
    if os.environ.get("PRINCIPAL"):
        hand_over(to, principal_of(to))
    else:
        tell("  Models are yours: with PRINCIPAL=<whoever runs nights>, here or for databricks-up, they become theirs.")


def clients(of: str) -> "tuple[MlflowClient, Any]":
    import mlflow

    mlflow.set_tracking_uri(TRACKING)  # the registry reads the files of a run by it
    mlflow.set_registry_uri(UNITY)
    return mlflow.MlflowClient(of, of), UnityClient(mlflow.MlflowClient(TRACKING, UNITY))


def carry(between: "tuple[MlflowClient, Any]", use_case: str, place: Place) -> tuple[int, dict[str, str]]:
    """Returns how many versions were not there yet, and the number there of each here."""
    here, there = between
    found = versions_of(here, use_case)
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
        for version in versions_of(self.there, self.other):
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
        there = self.there.get_model_version(self.other, number)
        new = {key: value for key, value in one.tags.items() if there.tags.get(key) != value}
        if new:
            self.verdict(run, str(there.run_id))
        for key, value in new.items():
            self.there.set_model_version_tag(self.other, number, key, value)

    def made(self, one: "ModelVersion", experiment: str) -> str:
        """All that its training left, and then the version; that it was judged is said once its verdict is there."""
        run = self.run(str(one.run_id), experiment)
        with TemporaryDirectory(prefix="nightshift-") as folder:
            self.here.download_artifacts(str(one.run_id), "", folder)
            self.there.log_artifacts(run, folder)
        source = f"{self.there.get_run(run).info.artifact_uri}/model"
        labels = {key: value for key, value in one.tags.items() if key != VERDICT} | {IMPORTED: str(one.run_id)}
        made = self.there.create_model_version(self.other, source, run, tags=labels, description=one.description)
        return str(made.version)

    def run(self, number: str, experiment: str) -> str:
        """What a training wrote down, as a run over there; one that was begun and not ended is written again."""
        from mlflow.entities import Metric, Param

        found = self.here.get_run(number)
        data, info = found.data, found.info
        labels = {key: value for key, value in data.tags.items() if key.startswith(KEPT)} | {IMPORTED: number}
        known = self.there.get_experiment_by_name(experiment)
        where = known.experiment_id if known else self.there.create_experiment(experiment)
        begun = self.there.search_runs([where], f"tags.`{IMPORTED}` = '{number}'")
        run = begun[0] if begun else self.there.create_run(where, tags=labels, run_name=info.run_name)
        made = str(run.info.run_id)
        at = info.end_time or info.start_time
        metrics = [Metric(name, value, at, 0) for name, value in data.metrics.items()]
        params = [Param(name, value) for name, value in data.params.items()]
        self.there.log_batch(made, metrics, params)  # MLflow's client cuts it into requests
        self.there.set_terminated(made, info.status)
        return made

    def verdict(self, run: str, there: str) -> None:
        """As a later night reads it: by the numbers that versions have there."""
        kept = {file.path for file in self.here.list_artifacts(run)} & {VERDICT_FILE, "verdict.md"}
        with TemporaryDirectory(prefix="nightshift-") as folder:
            for name in kept:
                self.here.download_artifacts(run, name, folder)
            if (file := Path(folder) / VERDICT_FILE).exists():
                file.write_text(self.renumbered(file.read_text(), "version", "champion"))
                self.there.log_artifacts(there, folder)

    def what_is_said_of_it(self) -> None:
        """Aliases last, as everywhere: what they name is whole."""
        model = self.here.get_registered_model(self.name)
        there = self.there.get_registered_model(self.other)
        for key, value in sorted(model.tags.items()):
            text = self.renumbered(value, "from", "to") if key.startswith(HISTORY) else value
            if there.tags.get(key) != text:
                self.there.set_registered_model_tag(self.other, key, text)
        for alias, version in model.aliases.items():
            if str(there.aliases.get(alias)) != self.numbers[str(version)]:
                self.there.set_registered_model_alias(self.other, alias, self.numbers[str(version)])

    def renumbered(self, text: str, *names: str) -> str:
        """Where versions were deleted here, numbers there are lower."""
        entry = json.loads(text)
        return json.dumps(entry | {one: self.numbers.get(entry[one], entry[one]) for one in names})


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
