"""`make bundle`: the nights as jobs that a workspace schedules itself, as a bundle for Databricks' own command line.

A night of the bundle promotes what its evaluate lets through, where the use case asks no person first: asking is
Airflow's. Acts of both are not kept apart, so a use case has its nights in one of the two. What else such a night does
not do stands in docs/databricks.md.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from local.commands import tell
from nightshift import often, serverless
from nightshift.databricks.runs import Name
from nightshift.databricks.wheel import NIGHT, PACKAGE, PROMOTE, Wheel
from nightshift.databricks.workspace import FOLDER, Workspace, workspace_of
from spark_jobs.declare import BadRequest, NightshiftError, Place, Stage, Tables, UseCase
from spark_jobs.declare.job import TRACKING, UNITY
from spark_jobs.use_cases import discover

NIGHTLY = "0 0 2 * * ?"  # as Airflow's schedule, in Quartz' words
HOURS = 3600
# As in Airflow: each waits for the one before, and score for features alone, whatever became of what comes between.
AFTER = {
    Stage.REFINE: (Stage.INGEST,),
    Stage.FEATURES: (Stage.REFINE,),
    Stage.TRAIN: (Stage.FEATURES,),
    Stage.EVALUATE: (Stage.TRAIN,),
    Stage.REPORT: (Stage.REFINE,),
}
PROMOTION = "promote"
DAYS = ("start", "end")  # of a job; left empty, they are those of yesterday
OWNER, JOB = "bundle", "night"  # in the name of a job


def write(folder: Path, told: Workspace) -> Iterator[str]:
    """JSON is YAML, too. Says what it cannot write, and why."""
    files: dict[str, Any] = {"databricks.yml": root(told)}
    for name, use_case in discover().items():
        try:
            if isinstance(use_case, UseCase):
                serverless.refuse(use_case, told)
        except BadRequest as error:
            (folder / resource(name)).unlink(missing_ok=True)
            yield f"  {name} is left out: {error}"
        else:
            if use_case.every:
                yield f"  {name} runs by night: {often.in_words(use_case.every)} is Airflow's"
            files[resource(name)] = {"resources": {"jobs": {name: job(use_case, told)}}}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    yield f"  {len(files)} files in {folder}."


def resource(use_case: str) -> str:
    return f"resources/{use_case}.yml"


def root(told: Workspace) -> dict[str, Any]:
    return {
        "bundle": {"name": "nightshift"},
        "include": ["resources/*.yml"],
        "variables": {name: {"description": f"The {name} of tables, models and files"} for name in variables(told)},
        "targets": {
            "dev": {"mode": "development", "default": True, "variables": variables(in_development(told))},
            # The same for whoever deploys: each of two copies would write the same tables.
            "prod": {
                "mode": "production",
                "workspace": {"root_path": f"/Workspace/Shared/.bundle/nightshift/{told.lake}"},
                "variables": variables(told),
            },
        },
    }


def variables(told: Workspace) -> dict[str, str]:
    return {"catalog": told.catalog, "schema": told.schema, "volume": told.volume}


def in_development(told: Workspace) -> Workspace:
    """Nothing of it is production's, files and wheels neither."""
    schema = f"{told.schema}_dev"
    return replace(told, schema=schema, volume=f"/Volumes/{told.catalog}/{schema}/{FOLDER}")


def job(use_case: Tables, told: Workspace) -> dict[str, Any]:
    wheel = f"${{var.volume}}/wheels/{Wheel().name}"
    return {
        "name": str(name_of(use_case)),
        "description": use_case.summary,
        "max_concurrent_runs": 1,  # one writer
        "schedule": {"quartz_cron_expression": NIGHTLY, "timezone_id": "UTC", "pause_status": "PAUSED"},
        "parameters": [{"name": name, "default": ""} for name in DAYS],
        "tasks": [
            *(task(use_case, stage, told, wheel) for stage in use_case.stages if stage is not Stage.PROFILE),
            *([promotion(use_case, told, wheel)] if _promotes(use_case) else []),
        ],
        **({"budget_policy_id": told.policy} if told.policy else {}),
        **told.compute.of_a_run(wheel),
    }


def _promotes(use_case: Tables) -> bool:
    return isinstance(use_case, UseCase) and not use_case.approval


def name_of(use_case: Tables) -> Name:
    """As runs of Airflow's are called, so that whoever removes wheels or a schema sees whose runs are at work."""
    return Name(
        stage=f"${{var.catalog}}.${{var.schema}} {use_case.name} night", owner=OWNER, wheel=Wheel().code, job=JOB
    )


def task(use_case: Tables, stage: Stage, told: Workspace, wheel: str) -> dict[str, Any]:
    last = PROMOTION if _promotes(use_case) else Stage.EVALUATE
    after = (Stage.FEATURES, last) if stage is Stage.SCORE else AFTER.get(stage, ())
    place = Place(
        lake="${var.catalog}.${var.schema}", landing="${var.volume}/landing", tracking=TRACKING, registry=UNITY
    )
    days = [f"--{name}={{{{job.parameters.{name}}}}}" for name in DAYS]
    return {
        **called(str(stage), NIGHT, [*place.argv(), str(stage), use_case.name, *days], after),
        # Where features failed, nothing behind them ran: so one success is theirs.
        **({"run_if": "AT_LEAST_ONE_SUCCESS"} if stage is Stage.SCORE else {}),
        "timeout_seconds": (6 if stage is Stage.TRAIN else 2) * HOURS,
        **told.compute.of_a_task(wheel, told.tags),
    }


def promotion(use_case: Tables, told: Workspace, wheel: str) -> dict[str, Any]:
    words = ["${var.catalog}.${var.schema}", use_case.name, "{{job.run_id}}"]
    return {
        **called(PROMOTION, PROMOTE, words, (Stage.EVALUATE,)),
        "timeout_seconds": HOURS,
        **told.compute.of_a_task(wheel, told.tags),
    }


def called(name: str, entry: str, words: Sequence[str], after: Sequence[str]) -> dict[str, Any]:
    return {
        "task_key": name,
        **({"depends_on": [{"task_key": str(one)} for one in after]} if after else {}),
        "python_wheel_task": {"package_name": PACKAGE, "entry_point": entry, "parameters": [*words]},
        "max_retries": 2,
    }


def asked(environment: Mapping[str, str]) -> Iterator[str]:
    folder, told = Path(environment.get("TO") or "bundle"), workspace_of(environment)
    yield from write(folder, told)
    dev = in_development(told)
    yield f"  For -t dev: NIGHTSHIFT_SCHEMA={dev.schema} NIGHTSHIFT_VOLUME={dev.volume} make databricks-up deploy"
    yield f"  For -t prod: make databricks-up deploy. Then in {folder}: databricks bundle deploy, with one of the two"


if __name__ == "__main__":
    try:
        for line in asked(os.environ):
            tell(line)
    except (NightshiftError, OSError) as error:
        sys.exit(f"\n{error}")
