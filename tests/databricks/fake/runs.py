"""Runs: submitted once for each token, really executed, cancelled by ending all their processes."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.databricks.fake.answers import Answer, Asked, malformed
from tests.databricks.fake.bodies import check_submit
from tests.databricks.fake.files import Files
from tests.databricks.fake.wheels import Environments, NotInstalled

RUNS = "/api/2.2/jobs/runs/"
LAUNCHER = Path(__file__).with_name("launcher.py")
KEPT = 5 << 20  # bytes of what a task said
ACTIVE = ("PENDING", "RUNNING", "TERMINATING")
PAGE = 25
WORKLOAD_FAILED = "Workload failed, see run output for details"
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass
class Run:
    number: int
    task: int
    body: dict[str, Any]
    began: float
    ended: float = 0.0
    life: str = "PENDING"
    result: str = ""
    message: str = ""
    error: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    wanted: str = ""  # how it is to end, once somebody or its time has ended it
    deleted: bool = False
    by: str = ""

    @property
    def state(self) -> dict[str, str]:
        ended = {"result_state": self.result} if self.result else {}
        return {"life_cycle_state": self.life, "state_message": self.message, **ended}

    @property
    def task_state(self) -> dict[str, str]:
        if self.life != "INTERNAL_ERROR":
            return self.state
        return {
            **self.state,
            "life_cycle_state": "TERMINATED",
            "state_message": "Workload failed, see run output for details",
        }


@dataclass
class Runs:
    folder: Path
    files: Files
    environment: Mapping[str, str]  # what each run finds, beside its own token
    slow_start: float = 0.0  # seconds until a run has its compute
    all: dict[int, Run] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    polls: dict[int, list[float]] = field(default_factory=dict)
    address: str = ""
    groups: dict[str, set[str]] = field(default_factory=dict)  # of people
    hands: threading.RLock = field(default_factory=threading.RLock)
    numbers: Iterator[int] = field(default_factory=lambda: count(7_001_000_000_017, 37))

    def __post_init__(self) -> None:
        self.environments = Environments(self.folder / "environments")

    def answer(self, asked: Asked) -> Answer:
        what = asked.path.rpartition("/")[2]
        if what == "submit":
            return Answer(json={"run_id": self.submit(asked.json, asked.who)})
        if what == "list":
            return Answer(json=self.listed(asked.given, asked.who))
        if what == "cancel":
            self.end(self.one(asked.given), "CANCELED")
            return Answer(json={})
        if what == "delete":
            self.one(asked.given).deleted = True
            return Answer(json={})
        if what == "get-output":
            return Answer(json=self.output(asked.given))
        run = self.one(asked.given)
        self.polls.setdefault(run.number, []).append(time.monotonic())
        return Answer(json=self.seen(run))

    def one(self, given: Mapping[str, Any]) -> Run:
        number = int(given.get("run_id", 0))
        run = self.all.get(number)
        if run is None or run.deleted:
            raise malformed(f"Run {number} does not exist.")
        return run

    def submit(self, body: dict[str, Any], who: str) -> int:
        check_submit(body)
        with self.hands:
            token = body.get("idempotency_token", "")
            if token in self.tokens:
                return self.tokens[token]
            run = Run(next(self.numbers), next(self.numbers), body, time.time(), by=who)
            self.all[run.number] = run
            if token:
                self.tokens[token] = run.number
        threading.Thread(target=self.execute, args=(run,), daemon=True).start()
        return run.number

    def seen(self, run: Run, *, tasks: bool = True) -> dict[str, Any]:
        (task,) = run.body["tasks"]
        seen = {
            "run_id": run.number,
            "job_id": run.number,
            "run_name": run.body.get("run_name", "Untitled"),
            "run_type": "SUBMIT_RUN",
            "start_time": int(run.began * 1000),
            "state": run.state,
            "run_page_url": f"{self.address}/jobs/{run.number}/runs/{run.number}",
        }
        shown = {**task, "run_id": run.task, "attempt_number": 0, "state": run.task_state, "start_time": int(run.began)}
        return seen | ({"tasks": [shown]} if tasks else {})

    def sees(self, who: str, run: Run) -> bool:
        """Whoever began it does, and the groups it names."""
        named = [one.get("group_name", "") for one in run.body.get("access_control_list", [])]
        return run.by in ("", who) or any(who in self.groups.get(group, ()) for group in named)

    def listed(self, given: Mapping[str, Any], who: str) -> dict[str, Any]:
        """What they may see, the newest first, in pages."""
        active = str(given.get("active_only", "false")).lower() == "true"
        limit, first = int(given.get("limit", PAGE)), int(given.get("page_token") or 0)
        if not 1 <= limit <= PAGE:
            raise malformed(f"limit must be from 1 to {PAGE}, got {limit}")
        there = [run for run in self.all.values() if not run.deleted and self.sees(who, run)]
        found = [run for run in there if run.life in ACTIVE or not active]
        newest = sorted(found, key=lambda run: -run.began)
        more = {"next_page_token": str(first + limit)} if len(newest) > first + limit else {}
        page = [self.seen(run, tasks=False) for run in newest[first : first + limit]]
        return {"has_more": bool(more), **more, **({"runs": page} if page else {})}

    def output(self, given: Mapping[str, Any]) -> dict[str, Any]:
        number = int(given.get("run_id", 0))
        if number in self.all:
            raise malformed(
                "Retrieving the output of runs with multiple tasks is not supported. Use the run of a task."
            )
        run = next((run for run in self.all.values() if run.task == number and not run.deleted), None)
        if run is None:
            raise malformed(f"Run {number} does not exist.")
        said = self.said(run).read_bytes() if self.said(run).exists() else b""
        logs = said[-KEPT:].decode(errors="replace")
        return {"metadata": self.seen(run), "logs": logs, "logs_truncated": len(said) > KEPT, **run.error}

    def said(self, run: Run) -> Path:
        return self.folder / f"{run.number}.log"

    def execute(self, run: Run) -> None:
        (task,) = run.body["tasks"]
        seconds = run.body.get("timeout_seconds") or task.get("timeout_seconds")
        if seconds:
            timer = threading.Timer(seconds, self.end, args=(run, "TIMEDOUT"))
            timer.daemon = True
            timer.start()
        deadline = time.monotonic() + self.slow_start
        while time.monotonic() < deadline and not run.wanted:
            time.sleep(0.05)
        try:
            self.start(run, task)
        except NotInstalled as error:
            self.over(run, "FAILED", f"Library installation failed: {error}")

    def start(self, run: Run, task: Mapping[str, Any]) -> None:
        work, (wheel,) = task["python_wheel_task"], self.wheels_of(run)
        if not self.files.place(wheel).is_file():
            raise NotInstalled(f"{wheel}: no such file")
        python = self.environments.of(self.files.place(wheel), work["package_name"])
        told = self.folder / f"{run.number}.error"
        command = [
            str(python),
            str(LAUNCHER),
            str(told),
            work["package_name"],
            work["entry_point"],
            *work["parameters"],
        ]
        with self.said(run).open("wb") as log, self.hands:
            if run.wanted:
                return self.over(run, run.wanted, "")
            run.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={n: os.environ[n] for n in PASSED_ON if n in os.environ} | dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            run.life = "RUNNING"
        status = run.process.wait()
        self.kill(run)  # and what it has left behind
        if told.exists():
            run.error = json.loads(told.read_text())
        self.over(run, run.wanted or ("FAILED" if status else "SUCCESS"), "")
        return None

    def wheels_of(self, run: Run) -> list[str]:
        (task,) = run.body["tasks"]
        libraries = [one["whl"] for one in task.get("libraries", []) if "whl" in one]
        specs = [one["spec"] for one in run.body.get("environments", [])]
        return libraries + [one for spec in specs for one in spec.get("dependencies", []) if one.endswith(".whl")]

    def over(self, run: Run, result: str, message: str) -> None:
        (task,) = run.body["tasks"]
        with self.hands:
            if result == "FAILED":
                why = message or WORKLOAD_FAILED
                run.message = f"Task {task['task_key']} failed with message: {why}."
            else:
                run.message = {"CANCELED": "Run cancelled.", "TIMEDOUT": "Run timed out."}.get(result, "")
            run.result, run.ended = result, time.time()
            run.life = "INTERNAL_ERROR" if result == "FAILED" else "TERMINATED"

    def end(self, run: Run, how: str) -> None:
        """What is over stays as it is."""
        with self.hands:
            if run.life not in ACTIVE or run.wanted:
                return
            run.wanted, run.life = how, "TERMINATING"
        self.kill(run)

    def kill(self, run: Run) -> None:
        if run.process:
            with suppress(ProcessLookupError):
                os.killpg(run.process.pid, signal.SIGKILL)

    def close(self) -> None:
        for run in self.all.values():
            self.end(run, "CANCELED")
