"""Ctrl-C in a terminal where `make run` is in the middle of its first range."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from local.home import Home
from local.places import CHECKOUT
from nightshift.processes import marked
from spark_jobs.declare import Stage
from tests.campaign.installation import until
from tests.end_to_end.scheduler import DAG, belonging_to, typed

STARTED_WITHIN = 240.0
ENDED_WITHIN = 90.0


@dataclass(frozen=True, kw_only=True)
class Interrupted:
    status: int
    said: str
    seconds: float
    before: set[int]  # processes of the installation when Ctrl-C came
    after: set[int]
    recorded: bool  # the file that lists running processes was left behind


def interrupted(code: Path, home: Home, days: int) -> Interrupted:
    said = home.root.parent / "make_run.log"
    command = [sys.executable, str(CHECKOUT / "tests/campaign/make_run.py"), str(code), str(days)]
    environment = os.environ | typed(home) | {"PYTHONPATH": str(CHECKOUT)}
    with (
        said.open("w") as log,
        subprocess.Popen(
            command,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,  # as a terminal gives it a group
        ) as make_run,
    ):
        until(lambda: _writes(home, make_run, said), "the first range's first job", STARTED_WITHIN)
        before = set(belonging_to(home.root))
        began = time.monotonic()
        os.killpg(make_run.pid, signal.SIGINT)
        status = make_run.wait(ENDED_WITHIN)
        seconds = time.monotonic() - began
    return Interrupted(
        status=status,
        said=said.read_text(),
        seconds=seconds,
        before=before,
        after=set(belonging_to(home.root)),
        recorded=(home.root / "running.json").exists(),
    )


def _writes(home: Home, make_run: "subprocess.Popen[bytes]", said: Path) -> bool:
    assert make_run.poll() is None, f"make run ended by itself: {said.read_text()}"
    return any((home.root / "lake").rglob("*.parquet")) and bool(marked(f"{home.root}:{DAG}:{Stage.INGEST}"))
