"""A version into another registry, again and again the same: what is there is known again, what is half is finished.

A run first, with all its training left; then the version with all its tags at once; aliases last, so that whoever
follows one never sees less than a whole version.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from spark_jobs.declare import Place, Refused, tags
from spark_jobs.declare.job import UNITY
from spark_jobs.declare.unity import UnityClient, versions_of
from spark_jobs.publishing.taking import GONE, Taken

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

Result = dict[str, Any]
EXISTS = ("RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS")


def give(client: Any, place: Place, taken: Taken, move: Iterable[str] = ()) -> Result:
    """What became of it there. Of the aliases it has here, those that nobody has there; others only where told."""
    return _There(client=client, place=place, taken=taken).published(tuple(move))


@dataclass(frozen=True, kw_only=True)
class _There:
    client: Any
    place: Place
    taken: Taken

    @property
    def name(self) -> str:
        return self.place.model_name(self.taken.use_case)

    @property
    def where(self) -> str:
        return where(self.place)

    def published(self, move: tuple[str, ...]) -> Result:
        self.model()
        self.clear_halves()
        known = self.known()
        number = known or self.made()
        self.say(number)
        moved, left = self.alias(number, move)
        return {
            "model": self.name,
            "registry": self.where,
            "version": number,
            "from": str(self.taken.version.version),
            "new": not known,
            "aliases": moved,
            "left": left,
        }

    def model(self) -> None:
        """Made with its words, where nobody made it; what people say of it there stays."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.get_registered_model(self.name)
            return
        except MlflowException as error:
            if error.error_code not in GONE:
                raise
        try:
            self.client.create_registered_model(self.name, description=self.taken.about)
        except MlflowException as error:
            if error.error_code not in EXISTS:
                raise

    def clear_halves(self) -> None:
        """Of Unity Catalog, where files come after the version; elsewhere there is no half of one."""
        if isinstance(self.client, UnityClient):
            for one in self.client.unfinished_versions(self.name):
                if self.is_it(one):
                    self.client.delete_model_version(self.name, str(one.version))

    def known(self) -> str:
        """Its number there, of two the lower one. Versions that nights made there are nobody else's to add to."""
        found = versions_of(self.client, self.name)
        if any(str(one.run_id) == str(self.taken.version.run_id) for one in found):
            raise Refused(f"{self.where} is the registry that version {self.taken.version.version} is in already")
        if own := [one for one in found if tags.KIND in one.tags and tags.IMPORTED not in one.tags]:
            raise Refused(
                f"{self.where} has versions of {self.name} that were trained there, like {own[0].version}, and nights "
                "would take ours for theirs: publish to a registry, or a schema, in which no nights train it"
            )
        numbers = [int(one.version) for one in found if self.is_it(one)]
        return str(min(numbers)) if numbers else ""

    def is_it(self, one: "ModelVersion") -> bool:
        return (one.tags.get(tags.IMPORTED), one.tags.get(tags.FILES)) == (self.taken.origin, self.taken.files)

    def made(self) -> str:
        run = self.run()
        number = str(run.info.run_id)
        self.write(number)
        self.client.log_artifacts(number, str(self.taken.model), "model")
        self.client.set_terminated(number, self.taken.run.info.status, self.taken.run.info.end_time)
        made = self.client.create_model_version(
            self.name,
            f"{run.info.artifact_uri}/model",
            number,
            tags=self.taken.labels,
            description=self.taken.version.description,
        )
        return self.only_one(str(made.version))

    def only_one(self, made: str) -> str:
        """Who publishes the same in the same moment has the lower number, or this one has."""
        first = self.known()
        if first != made:
            self.client.delete_model_version(self.name, made)
        return first

    def run(self) -> "Run":
        """One that was begun and not ended is gone on with."""
        where = self.experiment()
        same = {tags.IMPORTED: self.taken.origin, tags.FILES: self.taken.files}
        begun = self.client.search_runs(
            [where], " AND ".join(f"tags.`{name}` = '{text}'" for name, text in same.items())
        )
        info = self.taken.run.info
        run: Run = (
            begun[0]
            if begun
            else self.client.create_run(where, info.start_time, tags=self.taken.labels_of_run, run_name=info.run_name)
        )
        root = urlsplit(str(run.info.artifact_uri))
        if urlsplit(self.place.tracking).scheme and root.scheme in ("", "file"):
            raise Refused(
                f"{self.where} keeps files in {root.path} of its own machine, where nobody else can write: start it so "
                "that it takes them itself, which is `mlflow server` without --no-serve-artifacts"
            )
        return run

    def experiment(self) -> str:
        """One of its own: nights that train there look at all runs of theirs."""
        from mlflow.exceptions import MlflowException

        name = f"/Shared/{self.name}.published" if self.place.registry == UNITY else f"{self.name}.published"
        if found := self.client.get_experiment_by_name(name):
            return str(found.experiment_id)
        try:
            return str(self.client.create_experiment(name))
        except MlflowException as error:
            if error.error_code not in EXISTS:
                raise
            return str(self.client.get_experiment_by_name(name).experiment_id)

    def write(self, run: str) -> None:
        """Said again, it is said once."""
        from mlflow.entities import Metric, Param

        data, info = self.taken.run.data, self.taken.run.info
        at = info.end_time or info.start_time
        metrics = [Metric(name, value, at, 0) for name, value in data.metrics.items()]
        self.client.log_batch(run, metrics, [Param(name, value) for name, value in data.params.items()])
        if (used := self.taken.run.inputs) and used.dataset_inputs:
            self.client.log_inputs(run, used.dataset_inputs)
        if any(self.taken.verdict.iterdir()):
            self.client.log_artifacts(run, str(self.taken.verdict))

    def say(self, number: str) -> None:
        """What was said of it since; the verdict before the tags, which say that it is there."""
        there, here = self.client.get_model_version(self.name, number), self.taken.version
        new = {name: text for name, text in self.taken.labels.items() if there.tags.get(name) != text}
        if new:
            self.write(str(there.run_id))
        for name, text in new.items():
            self.client.set_model_version_tag(self.name, number, name, text)
        if (here.description or "") != (there.description or ""):
            self.client.update_model_version(self.name, number, here.description)

    def alias(self, number: str, move: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
        """Those it has now, and those of its aliases here that another version has there."""
        held = {one: str(other) for one, other in self.client.get_registered_model(self.name).aliases.items()}
        # What was to be judged here is not to be judged there.
        free = [one for one in self.taken.aliases if one not in held and one != tags.CHALLENGER]
        for one in {*move, *free}:
            if held.get(one) != number:
                self.client.set_registered_model_alias(self.name, one, number)
                held[one] = number
        left = {one: held[one] for one in self.taken.aliases if held.get(one, number) != number}
        return sorted(one for one, other in held.items() if other == number), left


def where(place: Place) -> str:
    """As a person typed it."""
    return f"{UNITY}:{place.lake}" if place.registry == UNITY else place.tracking


def in_words(told: Result) -> str:
    """What became of it, in a sentence or two."""
    what = "is now" if told["new"] else "was there already as"
    said = f"Version {told['from']} {what} version {told['version']} of {told['model']} in {told['registry']}"
    if told["aliases"]:
        said += f", called {', '.join(told['aliases'])}"
    stay = [f"{alias} stays with version {other} there" for alias, other in told["left"].items()]
    return f"{said}." + (f" {', '.join(stay)}; ALIASES={','.join(told['left'])} would move it." if stay else "")
