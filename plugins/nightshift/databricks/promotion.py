"""The act of promoting, in a night that a workspace schedules itself. It travels in the wheel: no Airflow is there."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from nightshift import registry
from spark_jobs.declare import Place
from spark_jobs.declare.job import TRACKING, UNITY
from spark_jobs.declare.tags import WITHDRAWN
from spark_jobs.declare.unity import UnityClient, versions_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

WHO = "a night of the workspace"
VERDICT = "verdict.json"  # of the run that trained a version


def promote() -> None:
    """Lake, use case, and the number of the job's run: asked again in the same one, nothing changes."""
    from mlflow import MlflowClient

    lake, use_case, run = sys.argv[1:]
    place = Place(lake=lake, landing="", tracking=TRACKING, registry=UNITY)
    said = promoted(UnityClient(MlflowClient(TRACKING, UNITY)), place.model_name(use_case), f"bundle/{run}")
    sys.stdout.write(said + "\n")


def promoted(client: Any, name: str, run_key: str) -> str:
    """What became of the newest version. Its verdict may be of an earlier night, and much may have happened since."""
    found = versions_of(client, name)
    if not found:
        return "Not promoted: there is no version yet"
    newest = max(found, key=lambda one: int(one.version))
    verdict = verdict_of(client, newest.run_id)
    if verdict.get("verdict") != "PROMOTE":
        return f"Not promoted: {'; '.join(verdict.get('reasons', ['nobody has judged it']))}"
    model, version = registry.Model.read(client, name), str(newest.version)
    if model.held:
        return f"Not promoted: {model.held}"
    if WITHDRAWN in newest.tags:
        return f"Not promoted: version {version} was withdrawn"
    if model.champion not in (version, verdict["champion"]):
        against, now = (one or "(none)" for one in (verdict["champion"], model.champion))
        return f"Not promoted: version {version} was judged against champion {against}, which is now {now}"
    act = registry.Act(by=WHO, why="it passed the gate", run_key=run_key)
    entry = registry.promote(client, name, version, act, judged_against=verdict["champion"])
    return f"Champion of {name} is version {entry['to']} (before: {entry['from'] or 'none'})"


def verdict_of(client: "MlflowClient", run: str) -> dict[str, Any]:
    if VERDICT not in [file.path for file in client.list_artifacts(run)]:
        return {}
    with TemporaryDirectory() as folder:
        found: dict[str, Any] = json.loads(Path(client.download_artifacts(run, VERDICT, folder)).read_text())
    return found
