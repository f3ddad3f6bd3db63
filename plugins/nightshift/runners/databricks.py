"""A job as a run of a Databricks workspace. While it lasts, the task is deferred and holds no worker."""

import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NoReturn

from airflow.sdk import Context, get_current_context
from airflow.sdk.exceptions import TaskDeferralError, TaskDeferralTimeout

from nightshift import links
from nightshift.beginnings import run_key
from nightshift.databricks.request import Request
from nightshift.databricks.runs import ENDING, Name, Run, Runs, digest
from nightshift.databricks.workspace import Workspace
from nightshift.endings import failing_in_words
from nightshift.runners.job import JobFailed, JobOperator, Result, level_of, result_of
from nightshift.settings import settings
from spark_jobs.declare import BadRequest, NightshiftError, Refused, Stage, Unreachable
from spark_jobs.declare.job import RESULT

log = logging.getLogger(__name__)
POLLS_EVERY = 5  # seconds
QUEUED = timedelta(minutes=15)  # a run may wait so long for its compute before its own time begins
TOLD = re.compile(r"[\w.]+: (?P<how>refused|failed): (?P<words>.*)", re.DOTALL)  # as spark_jobs/wheel.py ends


class DatabricksJob(JobOperator):
    """At most one run of a stage at any time, whoever dies when: it is found by its name, and never remembered."""

    operator_extra_links = (links.MlflowRun(), links.DatabricksRun())

    def run(self, argv: list[str]) -> NoReturn:
        runs, request = Runs(_workspace()), self.request(argv)
        runs.require(request.wheel.name)
        for run in runs.active(request.name.stage):
            if Name.of(run).owner != request.name.owner:
                self.wait_for_another(run)
            if Name.of(run) == request.name and run["state"]["life_cycle_state"] not in ENDING:
                self.log.info("A former try began run %s: it is taken up.", run["run_id"])
                self.wait_for(run["run_id"], taken_up=True)
            self.log.warning("Run %s of a former try is still there: it is ended first.", run["run_id"])
            runs.end(run["run_id"])
        self.begin(runs, request)

    def request(self, argv: list[str]) -> Request:
        return Request(
            workspace=_workspace(),
            stage=stage_of(self.use_case, self.stage),
            argv=argv,
            owner=owner_of(get_current_context()),
            longest=self.execution_timeout or timedelta(days=1),
        )

    def begin(self, runs: Runs, request: Request) -> NoReturn:
        """Two may have asked in the same moment, of this Dag run, too: a try may stand still, and go on later."""
        number = runs.submit(request.body)
        first = runs.first(request.name.stage, number)
        if first is None or first["run_id"] == number:
            self.wait_for(number)
        runs.end(number)
        if Name.of(first) == request.name:
            self.wait_for(first["run_id"], taken_up=True)
        self.wait_for_another(first)

    def wait_for(self, run: int, *, taken_up: bool = False) -> NoReturn:
        from nightshift.databricks.trigger import RunEnded

        page = str(Runs(_workspace()).get(run)["run_page_url"])
        links.show_databricks_run(get_current_context(), page)
        self.put_off(RunEnded, run, "ended", {"page": page, "taken_up": taken_up})

    def wait_for_another(self, run: Run) -> NoReturn:
        from nightshift.databricks.trigger import AnotherEnded

        number = run["run_id"]
        self.log.warning("Run %s of another try, Dag run or Airflow does this stage: it is waited for.", number)
        self.put_off(AnotherEnded, number, "again", {})

    def put_off(self, trigger: Any, run: int, then: str, kwargs: dict[str, Any]) -> NoReturn:
        watch = trigger(run, _workspace().connection, polling_period_seconds=POLLS_EVERY, caller="Nightshift")
        longest = (self.execution_timeout or timedelta(days=1)) + QUEUED
        self.defer(trigger=watch, method_name=then, kwargs=kwargs, timeout=longest)

    def again(self, context: Context, event: Mapping[str, Any]) -> Result:  # noqa: ARG002 - Airflow brings it
        return self.execute(context)

    def ended(self, context: Context, event: Mapping[str, Any], page: str, *, taken_up: bool) -> Result:
        if taken_up and event["state"].get("result_state") == "CANCELED":
            return self.again(context, event)  # whoever cleared the former try ended it, after we had taken it up
        links.show(context, self.said(context)["open_run"])
        links.show_databricks_run(context, page)
        with failing_in_words(context):
            result = self.outcome(event)
        return self.handed_on(context, result)

    def outcome(self, event: Mapping[str, Any]) -> Result:
        """All that the job said goes to the log; its result comes back, or the error it ended with."""
        succeeded = event["state"].get("result_state") == "SUCCESS"
        output = self.output_of(event["tasks"][-1], needed=succeeded)
        lines = str(output.get("logs") or "").splitlines()
        if output.get("logs_truncated"):
            self.log.warning("The workspace kept the last 5 MB of what this job said; all of it is on the run's page.")
        for level, words in map(level_of, filter(None, map(str.rstrip, lines))):
            self.log.log(level, "%s", words)
        if succeeded:
            return _result(lines)
        if trace := output.get("error_trace"):
            self.log.error("%s", trace)
        raise _failure(event["state"], str(output.get("error") or ""))

    def output_of(self, task: int, *, needed: bool) -> Mapping[str, Any]:
        """A run that was ended before it began may have none, and says by its state what became of it."""
        try:
            return Runs(_workspace()).output(task)
        except NightshiftError as error:
            if needed:
                raise JobFailed(
                    f"the run succeeded, and its output, which holds its result, is not there: {error}"
                ) from error
            self.log.warning("Of this run there is no output: %s", error)
            return {}

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """A watch that ended without an answer."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except TaskDeferralTimeout:
            self.end_all(context)
            raise
        except TaskDeferralError as error:
            if context["ti"].try_number > context["ti"].max_tries:
                self.end_all(context)
            raise Unreachable(f"the run could not be watched to its end; a next try takes it up. {error}") from error

    def on_kill(self) -> None:
        """Also between the moment a run was asked for and the one it was written down."""
        self.end_all(get_current_context())

    def end_all(self, context: Context) -> None:
        """Whatever runs for this task."""
        _end(stage_of(self.use_case, self.stage), context)

    @classmethod
    def end_left(cls, context: Context) -> None:
        """A task that somebody fails before a triggerer has looked at it, is cancelled by nobody else."""
        _end("", context)


def _end(stage: str, context: Context) -> None:
    """Of this Dag run; all its stages where none is named."""
    runs, owner = Runs(_workspace()), owner_of(context)
    for run in runs.active(stage):
        if Name.of(run).owner == owner:
            log.info("Cancelling run %s.", run["run_id"])
            runs.cancel(run["run_id"])


def owner_of(context: Context) -> str:
    """This Dag run, in few letters: another Airflow may have one of the same name, and the same address."""
    opened = context["ti"].xcom_pull(task_ids="open_run")
    return digest(run_key(context["dag_run"]), opened["owner"])[:10]


def stage_of(use_case: str, stage: Stage) -> str:
    return f"{_workspace().lake} {use_case} {stage}"


def _workspace() -> Workspace:
    if (found := settings().workspace) is None:
        raise BadRequest("SPARK_TARGET", "is not databricks any more, since this task began: clear it")
    return found


def _result(lines: list[str]) -> Result:
    """A workspace writes lines of its own behind a job's last one, so it is found by what it is."""
    said = [line for line in lines if line.startswith(RESULT)]
    if len(said) > 1:
        raise JobFailed(f"the job must say one result; it said {len(said)}")
    return result_of((said or lines or [""])[-1])


def _failure(state: Mapping[str, Any], error: str) -> Exception:
    """What the job's own error says, or the workspace's reason."""
    told = TOLD.fullmatch(error)
    if told and told["how"] == "refused":
        return Refused(told["words"])
    how, why = state.get("result_state") or state["life_cycle_state"], state.get("state_message") or "no reason given"
    if how == "CANCELED":
        return Refused(f"the run was cancelled in the workspace: {why.rstrip('.')}. Clear this task to run it again")
    if how == "TIMEDOUT":
        return JobFailed("the run took longer than this task may, and was ended")
    return JobFailed(told["words"] if told else f"the run ended as {how}: {error or why}")
