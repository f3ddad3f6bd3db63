"""Job -> operator, one small class per target. The job's argv is the same for all of them."""

import json
import logging
import re
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from threading import Thread
from typing import IO, Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from nightshift import links, processes
from nightshift.endings import failing_in_words, skip
from nightshift.plan import Plan
from nightshift.settings import CHECKOUT, Target, job_environment, settings
from spark_jobs.declare import BadRequest, Job, NightshiftError, Retrain, Stage

Result = dict[str, Any]
Lines = deque[tuple[int, str]]

REFUSED = 3  # the exit status of a job that a retry cannot help
LOGGED = re.compile(r"\S+ \S+ (?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL) (?P<words>.*)")
ONLY_IF_TRAINING = (Stage.PROFILE, Stage.TRAIN)
MAY_SKIP = (*ONLY_IF_TRAINING, Stage.EVALUATE, Stage.SCORE)  # the others found nothing to do, and the night goes on


class JobFailed(NightshiftError):
    """A job that ended in another way than it should. Its own words stand in the log above."""


class JobOperator(BaseOperator):
    """One stage of one use case, over the window of the plan."""

    operator_extra_links = (links.MlflowRun(),)

    def __init__(self, *, stage: Stage, use_case: str, needs: str = "", **arguments: Any) -> None:
        super().__init__(task_id=str(stage), **arguments)
        self.stage, self.use_case, self.needs = stage, use_case, needs

    def execute(self, context: Context) -> Result:
        said = self.said(context)
        links.show(context, said["open_run"])
        if self.needs and not said.get(self.needs):
            skip(context, f"{self.needs} did not succeed, so there is nothing to {self.stage}")
        if self.stage in ONLY_IF_TRAINING and said["check"]["retrain"] == Retrain.NEVER:
            skip(context, "this run does not train")
        job = job_of(self.stage, self.use_case, said)
        with failing_in_words(context):
            result = self.run([*settings().place.argv(), *job.argv()])
        if "run_id" in result:
            links.show(context, {**said["open_run"], "run": result["run_id"]})
        if "skipped" in result and self.stage in MAY_SKIP:
            skip(context, result["skipped"])
        return result

    def said(self, context: Context) -> dict[str, Result]:
        """What the tasks before this one returned."""
        tasks = ("check", "open_run", Stage.FEATURES, Stage.TRAIN)
        results = {str(task): context["ti"].xcom_pull(task_ids=str(task)) for task in tasks}
        return {task: result for task, result in results.items() if result}

    def run(self, argv: list[str]) -> Result:
        raise NotImplementedError


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
    )


class LocalJob(JobOperator):
    """A process on this machine, which ends when we do: its stdin is a pipe we hold."""

    @property
    def mark(self) -> str:
        return f"{settings().home}:{self.use_case}:{self.stage}"

    def run(self, argv: list[str]) -> Result:
        if left := processes.end(self.mark):
            self.log.warning("Ended %s processes that a former try had left behind.", left)
        python = settings().python
        if not python.exists():
            raise BadRequest("NIGHTSHIFT_SPARK_PYTHON", f"there is no {python}: type `make install`, or name another")
        command = [str(python), "-m", "spark_jobs", *argv]
        self.log.info("Starting: %s", subprocess.list2cmdline(command))
        with subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=job_environment(self.mark),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # a job that sees its pipe close ends its own process group, not ours
        ) as process:
            return self.heard(process)

    def heard(self, process: "subprocess.Popen[str]") -> Result:
        """Everything the job says goes to the log at once; its result comes back."""
        said, complaints = self.listen(process.stdout), self.listen(process.stderr)
        try:
            status = process.wait()
        finally:  # also when Airflow's time-out interrupts us; and what the job started may still hold its pipes
            processes.end(self.mark)
        return outcome(status, said(), complaints())

    def listen(self, pipe: IO[str] | None) -> Callable[[], Lines]:
        """Logs a stream as it comes; what is returned waits for its end and gives its newest lines."""
        newest: Lines = deque(maxlen=20)
        listener = Thread(target=self.log_lines, args=(pipe, newest), daemon=True)
        listener.start()

        def heard() -> Lines:
            listener.join()
            return newest

        return heard

    def log_lines(self, lines: IO[str], newest: Lines) -> None:
        for line in filter(None, map(str.rstrip, lines)):
            level, words = level_of(line)
            self.log.log(level, "%s", words)
            newest.append((level, words))

    def on_kill(self) -> None:
        processes.end(self.mark, grace=2.0)


def level_of(line: str) -> tuple[int, str]:
    """A job writes its level behind the time; Airflow has a time of its own."""
    found = LOGGED.fullmatch(line)
    return (logging.getLevelNamesMapping()[found["level"]], found["words"]) if found else (logging.INFO, line)


def outcome(status: int, said: Lines, complaints: Lines) -> Result:
    """The job's last line, or the error its exit status stands for."""
    if status == REFUSED:
        raise AirflowFailException(newest_of(complaints, logging.ERROR) or newest_of(complaints))
    if status < 0:
        hint = " (out of memory, usually)" if -status == signal.SIGKILL else ""
        raise JobFailed(f"the job was ended by {signal.Signals(-status).name}{hint}")
    if status:
        raise JobFailed(f"the job ended with status {status}: {newest_of(complaints) or 'it said nothing'}")
    return result_of(newest_of(said))


def newest_of(lines: Lines, level: int = logging.NOTSET) -> str:
    """A library may add a line of its own behind a job's error."""
    return next((words for at, words in reversed(lines) if at >= level), "")


def result_of(line: str) -> Result:
    try:
        result = json.loads(line)
    except ValueError:
        result = None
    if not isinstance(result, dict) or result.pop("nightshift", None) != 1:
        raise JobFailed(f"the job's last line must be its result, one JSON object; it was {line[:200]!r}")
    return result


RUNNERS: dict[Target, type[JobOperator]] = {Target.LOCAL: LocalJob, Target.CLUSTER: LocalJob}
