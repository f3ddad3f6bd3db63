"""What every target's operator does with a job, and with what the job said."""

import json
import logging
import re
from collections.abc import Collection, Mapping
from typing import Any

from airflow.sdk import BaseOperator, BaseOperatorLink, Context

from nightshift import links
from nightshift.endings import failing_in_words, skip
from nightshift.plan import Kind, Plan
from nightshift.settings import settings
from spark_jobs.declare import Job, NightshiftError, Retrain, Stage

Result = dict[str, Any]

LOGGED = re.compile(r"\S+ \S+ (?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL) (?P<words>.*)")
ONLY_IF_TRAINING = (Stage.PROFILE, Stage.TRAIN)
AFTER_WHAT_IS_NEW = (Stage.REFINE, Stage.REPORT)
MAKE_REPORTS = (Stage.REPORT, Stage.SCORE)
MAY_SKIP = (*ONLY_IF_TRAINING, Stage.EVALUATE, Stage.SCORE)  # the others found nothing to do, and the night goes on


class JobFailed(NightshiftError):
    """A job that ended in another way than it should. Its own words stand in the log above."""


class JobOperator(BaseOperator):
    """One stage of one use case, over the window of the plan."""

    operator_extra_links: Collection[BaseOperatorLink] = (links.MlflowRun(),)

    def __init__(self, *, stage: Stage, use_case: str, needs: str = "", **arguments: Any) -> None:
        super().__init__(task_id=str(stage), **arguments)
        self.stage, self.use_case, self.needs = stage, use_case, needs
        if stage in MAKE_REPORTS:
            self.operator_extra_links = (*self.operator_extra_links, links.ReportPage())

    def execute(self, context: Context) -> Result:
        said = self.said(context)
        links.show(context, said["open_run"])
        if self.needs and not said.get(self.needs):
            skip(context, f"{self.needs} did not succeed, so there is nothing to {self.stage}")
        if self.stage in ONLY_IF_TRAINING and said["check"]["retrain"] == Retrain.NEVER:
            skip(context, "this run does not train")
        if self.stage in AFTER_WHAT_IS_NEW and (nothing := nothing_new(said)):
            skip(context, nothing)
        job = job_of(self.stage, self.use_case, said)
        with failing_in_words(context):
            result = self.run([*settings().place.argv(), *job.argv()])
        return self.handed_on(context, result)

    def handed_on(self, context: Context, result: Result) -> Result:
        """What the job said, once it is over."""
        if "run_id" in result:
            links.show(context, {**self.said(context)["open_run"], "run": result["run_id"]})
        if "page" in result:
            links.show_report(context, self.said(context)["open_run"], result["page"])
        if "skipped" in result and self.stage in MAY_SKIP:
            skip(context, result["skipped"])
        return result

    def said(self, context: Context) -> dict[str, Result]:
        """What the tasks before this one returned."""
        tasks = ("check", "open_run", Stage.INGEST, Stage.FEATURES, Stage.TRAIN)
        results = {str(task): context["ti"].xcom_pull(task_ids=str(task)) for task in tasks}
        return {task: result for task, result in results.items() if result}

    def run(self, argv: list[str]) -> Result:
        raise NotImplementedError

    @classmethod
    def end_left(cls, context: Context) -> None:
        """What a Dag run whose tasks are over has left at work: nothing, where a job ends with its task."""


def job_of(stage: Stage, use_case: str, said: Mapping[str, Result]) -> Job:
    """The same for every target."""
    plan = Plan.from_dict(said["check"])
    version = {Stage.EVALUATE: said.get("train", {}).get("version", ""), Stage.SCORE: plan.version}
    return Job(
        stage=stage,
        use_case=use_case,
        window=plan.window,
        run=said["open_run"]["run"],
        retrain=plan.retrain,
        version=version.get(stage, ""),
        also=plan.also if stage is Stage.TRAIN else "",
        parameters=plan.parameters if stage is Stage.TRAIN else {},
        search=plan.search if stage is Stage.TRAIN else "",
        until=plan.until,
    )


def nothing_new(said: Mapping[str, Result]) -> str:
    """Why a run that comes often ends here. What a person or a night asks for is made, new or not."""
    return str(said.get("ingest", {}).get("nothing", "")) if said["check"]["kind"] == Kind.FREQUENT else ""


def level_of(line: str) -> tuple[int, str]:
    """A job writes its level behind the time; Airflow has a time of its own."""
    found = LOGGED.fullmatch(line)
    return (logging.getLevelNamesMapping()[found["level"]], found["words"]) if found else (logging.INFO, line)


def result_of(line: str) -> Result:
    try:
        result = json.loads(line)
    except ValueError:
        result = None
    if not isinstance(result, dict) or result.pop("nightshift", None) != 1:
        raise JobFailed(f"the job's last line must be its result, one JSON object; it was {line[:200]!r}")
    return result
