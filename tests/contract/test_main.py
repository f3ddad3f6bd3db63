"""A job started as its own process: what it says, how it ends, and that it never outlives its starter."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spark_jobs.declare import NightshiftError, Place
from spark_jobs.failures import cause, explained

ROOT = Path(__file__).parents[2]
PLACE = Place(lake="/lake", landing="/landing", tracking="t", registry="r")
# Starts a child of its own, says both process ids and waits to be ended.
STARTED = """
import os, subprocess, time
from spark_jobs.life import end_with_parent
end_with_parent()
print(os.getpid(), subprocess.Popen(["sleep", "60"]).pid, flush=True)
time.sleep(60)
"""


def job(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spark_jobs", *PLACE.argv(), *argv]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (
            ["ingest", "nothing_such", "--start=2024-01-01", "--end=2024-01-02"],
            "use_case: 'nothing_such' is not one of",
        ),
        (
            ["train", "iot_devices", "--start=2024-01-01", "--end=2024-01-02"],
            "stage: of iot_devices is one of ingest, refine, report, got train",
        ),
        (["ingest", "bike_sharing", "--start=2024-01-01"], "job: the following arguments are required: --end"),
    ],
)
def test_a_bad_request_ends_with_3_and_its_reason_alone(argv: list[str], says: str) -> None:
    done = job(*argv)
    assert (done.returncode, done.stdout) == (3, "")
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


WITHDRAWN = """
import sys
from dataclasses import replace
from spark_jobs.__main__ import main
from spark_jobs.use_cases.wine_quality import use_case as owner
(table,) = owner.USE_CASE.tables
labels = replace(owner.USE_CASE.labels, clock="wines")
owner.USE_CASE = replace(owner.USE_CASE, tables=(replace(table, name="wines"),), labels=labels)
sys.exit(main(sys.argv[1:]))
"""


def test_a_job_on_a_table_that_its_owner_withdrew_ends_with_3_and_names_both() -> None:
    argv = [*PLACE.argv(), "score", "wine_score", "--start=2024-01-01", "--end=2024-01-02"]
    command = [sys.executable, "-c", WITHDRAWN, *argv]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (3, "")
    assert "wine_score reads samples of wine_quality, which declares wines: put it back" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@contextmanager
def started(stdin: int) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A job and the ids of its two processes."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTED], cwd=ROOT, stdin=stdin, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, [int(pid) for pid in process.stdout.readline().split()]


def alive(pid: int) -> bool:
    """A zombie is dead: nobody may have fetched its status yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    end = time.monotonic() + 10
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(pid)


def test_a_job_ends_with_all_it_started_when_its_starter_is_gone() -> None:
    with started(subprocess.PIPE) as (process, pids):
        assert process.stdin is not None
        assert all(map(alive, pids))
        process.stdin.close()
        assert process.wait(timeout=10) == -signal.SIGKILL
        assert gone(pids[1])


def test_a_job_started_by_hand_needs_no_pipe() -> None:
    with started(subprocess.DEVNULL) as (_, pids):
        assert all(map(alive, pids))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(28, "No space left on device", "/lake/x"), "the disk is full: free some space"),
        (PermissionError(13, "Permission denied", "/lake/x"), "a folder cannot be read or written"),
        (NotADirectoryError(20, "Not a directory", "/landing/x"), "a folder cannot be read or written"),
    ],
)
def test_a_failing_machine_is_told_in_plain_words_with_its_folders(error: Exception, says: str) -> None:
    told = explained(error, PLACE)
    assert isinstance(told, NightshiftError)
    assert str(told).startswith(says)
    assert "(lake /lake, landing /landing)" in str(told)
    assert str(error) in str(told)


def test_other_failures_are_named_by_what_began_them() -> None:
    try:
        try:
            raise KeyError("amount")
        except KeyError as error:
            raise ValueError("later") from error
    except ValueError as error:
        assert explained(error, PLACE) is None
        assert cause(error) == "KeyError: 'amount'"


def test_what_the_way_to_the_engine_says_is_not_what_began_a_failure() -> None:
    class OfGrpc(Exception):
        __module__ = "grpc._channel"

    try:
        raise ValueError("the session is gone") from OfGrpc("<RPC that terminated with:\n\tstatus = ...>")
    except ValueError as error:
        assert cause(error) == "ValueError: the session is gone"
        assert cause(OfGrpc("alone")) == "OfGrpc: alone"


def test_a_failure_in_java_or_on_a_worker_is_named_by_its_own_line() -> None:
    java = RuntimeError("An error occurred while calling o1.save.\n: java.lang.IllegalStateException: too late\n\tat x")
    assert cause(java) == "RuntimeError: java.lang.IllegalStateException: too late"
    worker = RuntimeError(
        "[UDF_ERROR] Traceback (most recent call last):\n  File x\nValueError: odd\n\nJVM stacktrace:\n"
    )
    assert cause(worker) == "RuntimeError: ValueError: odd"
