"""A version with what its training left, on this machine: the other registry is asked once this one is not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spark_jobs.declare import Place, Refused, tags
from spark_jobs.declare.job import UNITY
from spark_jobs.tracking.digest import digest

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

OURS = "nightshift."  # how names of our tags begin
VERDICTS = ("verdict.json", "verdict.md")
COMMIT, NOTE = "mlflow.source.git.commit", "mlflow.note.content"  # names of MLflow's own
GONE = ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND")


@dataclass(frozen=True, kw_only=True)
class Taken:
    """All that another registry is told of a version."""

    use_case: str
    version: "ModelVersion"
    run: "Run"
    model: Path  # the files of it
    verdict: Path  # a folder, with the verdict as a file and in words
    aliases: tuple[str, ...]  # that it has
    about: str  # the model, in words
    registry: str

    @property
    def origin(self) -> str:
        """The run that made it, wherever that was: by that and its files it is known again."""
        return str(self.version.tags.get(tags.IMPORTED) or self.version.run_id)

    @property
    def files(self) -> str:
        return str(self.version.tags[tags.FILES])

    @property
    def labels(self) -> dict[str, str]:
        """Of the version there."""
        return _ours(self.version.tags) | self._published()

    @property
    def labels_of_run(self) -> dict[str, str]:
        said = self.run.data.tags
        return _ours(said) | {name: said[name] for name in (COMMIT, NOTE) if name in said} | self._published()

    def _published(self) -> dict[str, str]:
        version = self.version
        told = {"registry": self.registry, "model": version.name, "version": str(version.version)}
        told |= {"run": str(version.run_id), "files": self.files}
        return {tags.IMPORTED: self.origin, tags.FILES: self.files, tags.PUBLISHED: json.dumps(told, sort_keys=True)}


def take(client: "MlflowClient", place: Place, use_case: str, number: str, folder: Path) -> Taken:
    """The champion, where no number is given. Files other than those it was registered with are refused."""
    name = place.model_name(use_case)
    about, aliases = _model(client, name)
    wanted = number or aliases.get(tags.CHAMPION, "")
    if not wanted:
        raise Refused(f"{use_case} has no champion yet: promote a version, or name one, VERSION=...")
    version = _version(client, name, wanted)
    _refuse(version)
    run = client.get_run(str(version.run_id))
    taken = Taken(
        use_case=use_case,
        version=version,
        run=run,
        model=_files(client, place, version, folder / "model"),
        verdict=_verdict(client, str(version.run_id), folder / "verdict"),
        aliases=tuple(sorted(alias for alias, other in aliases.items() if other == wanted)),
        about=about,
        registry=place.registry,
    )
    if digest(taken.model) != taken.files:
        raise Refused(
            f"the files of version {wanted} of {use_case} are not those it was registered with, so nobody gets them: "
            "train again with `retrain: always`, and look who may write to the store of MLflow's files"
        )
    return taken


def _model(client: "MlflowClient", name: str) -> tuple[str, dict[str, str]]:
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code not in GONE:
            raise
        return "", {}
    return str(found.description or ""), {alias: str(version) for alias, version in found.aliases.items()}


def _version(client: "MlflowClient", name: str, number: str) -> "ModelVersion":
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version(name, number)
    except MlflowException as error:
        if error.error_code not in GONE:
            raise
        raise Refused(f"model {name} has no version {number}; {name} lists what there is") from error


def _refuse(version: "ModelVersion") -> None:
    which = f"version {version.version} of {version.name}"
    if tags.WITHDRAWN in version.tags:
        raise Refused(f"{which} was withdrawn: a person may bring it back with model_rollback, or publish another one")
    if tags.FILES not in version.tags or not version.run_id:
        raise Refused(
            f"{which} does not say which files it is made of, or which run made it: train again with `retrain: always`"
        )


def _files(client: "MlflowClient", place: Place, version: "ModelVersion", folder: Path) -> Path:
    import mlflow
    from mlflow.artifacts import download_artifacts

    if place.registry == UNITY:
        mlflow.set_tracking_uri(place.tracking)  # else a client in there makes a database in this folder
    source = client.get_model_version_download_uri(version.name, version.version)
    told = {"tracking_uri": place.tracking, "registry_uri": place.registry}
    return Path(download_artifacts(artifact_uri=source, dst_path=str(folder), **told))


def _verdict(client: "MlflowClient", run: str, folder: Path) -> Path:
    folder.mkdir()
    for name in {file.path for file in client.list_artifacts(run)} & {*VERDICTS}:
        client.download_artifacts(run, name, str(folder))
    return folder


def _ours(found: Mapping[str, str]) -> dict[str, str]:
    """But for the history, which a catalog hands down to versions: it is of the other registry's life."""
    return {name: text for name, text in found.items() if name.startswith(OURS) and not name.startswith(tags.HISTORY)}
