"""A job as a process beside Airflow."""

import logging
import signal
import subprocess
from collections import deque
from collections.abc import Callable
from threading import Thread
from typing import IO

from airflow.sdk.exceptions import AirflowFailException

from nightshift import processes
from nightshift.runners.job import JobFailed, JobOperator, Result, level_of, result_of
from nightshift.settings import CHECKOUT, job_environment, settings
from spark_jobs.declare import BadRequest

Lines = deque[tuple[int, str]]

REFUSED = 3  # the exit status of a job that a retry cannot help


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
