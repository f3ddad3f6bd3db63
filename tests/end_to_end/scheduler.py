"""The real services with ports and a folder of their own, and the hands of a person who watches, starts and kills."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from engine.running import free_port
from local import services
from local.airflow_api import OVER, Airflow
from local.home import Home
from local.processes import Process, family, running
from local.supervision import Services
from nightshift.processes import marked
from spark_jobs.declare import Window

DAG = "bike_sharing"
LONG = 600.0
ESTABLISHED, LISTEN = "01", "0A"  # as /proc/net/tcp writes it
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}  # 127.0.0.1 as Linux lists it, and as Java binds it


def home_at(root: Path) -> Home:
    return Home(root=root, airflow_port=free_port(), mlflow_port=free_port(), engine_port=free_port())


def typed(home: Home) -> dict[str, str]:
    """What a person exports to have this home."""
    ports = {"AIRFLOW_PORT": home.airflow_port, "MLFLOW_PORT": home.mlflow_port, "ENGINE_PORT": home.engine_port}
    return {"NIGHTSHIFT_HOME": str(home.root)} | {name: str(port) for name, port in ports.items()}


@contextmanager
def scheduler_at(root: Path, environment: Mapping[str, str] | None = None) -> Iterator["Scheduler"]:
    """`make run` without its two first runs; `environment` is what a person would have exported."""
    before = dict(os.environ)
    os.environ.update(environment or {})
    try:
        with services.started(home_at(root)) as up:
            up.wait(lambda: up.airflow.knows(DAG), f"Reading dags/{DAG}.py")
            yield Scheduler(up)
    finally:
        os.environ.clear()
        os.environ.update(before)


@dataclass(frozen=True)
class Scheduler:
    services: Services

    @property
    def airflow(self) -> Airflow:
        return self.services.airflow

    @property
    def home(self) -> Home:
        return self.services.home

    @property
    def lake(self) -> Path:
        return self.home.root / "lake"

    @property
    def landing(self) -> Path:
        return self.home.root / "landing"

    def trigger(self, conf: Mapping[str, Any] | None = None, dag: str = DAG) -> str:
        self.airflow.pause(dag, paused=False)
        return self.airflow.trigger(dag, dict(conf or {}))

    def finished(self, run: str, dag: str = DAG, within: float = LONG) -> str:
        """Waits for the end of a run; returns its state."""
        self.until(lambda: self.state(run, dag) in OVER, f"the end of {run}", within)
        return self.state(run, dag)

    def state(self, run: str, dag: str = DAG) -> str:
        return str(self.airflow.run(dag, run)["state"])

    def states(self, run: str, dag: str = DAG) -> dict[str, str]:
        return self.airflow.states(dag, run)

    def tries(self, run: str, dag: str = DAG) -> dict[str, int]:
        return {task["task_id"]: task["try_number"] for task in self.airflow.tasks(dag, run)}

    def result(self, run: str, task: str, dag: str = DAG) -> Any:
        return self.airflow.xcom(dag, run, task)

    def log(self, run: str, task: str, attempt: int = 1, dag: str = DAG) -> str:
        return self.airflow.log(dag, run, task, attempt)

    def until(self, true: Callable[[], bool], what: str, within: float = LONG) -> None:
        self.services.wait(true, what, within)

    def job(self, stage: str, use_case: str = DAG) -> list[Process]:
        """The living processes of a stage's job, by the mark they carry; the one Airflow started comes first."""
        alive = running()
        found = [alive[pid] for pid in marked(f"{self.home.root}:{use_case}:{stage}") if pid in alive]
        pids = {process.pid for process in found}
        return sorted(found, key=lambda process: (process.parent in pids, process.pid))

    def window(self, run: str, dag: str = DAG) -> Window:
        """What the run's plan says."""
        days = self.result(run, "check", dag)["window"]
        return Window(start=date.fromisoformat(days["start"]), end=date.fromisoformat(days["end"]))

    def everything(self) -> set[Process]:
        """All that the services have started, and they themselves."""
        alive = running()
        return family(alive[part.pid] for part in self.services.parts.values())

    def kill_job(self, run: str, stage: str, after: str = "", use_case: str = DAG) -> Process:
        """SIGKILL for the job of a stage: once it lives, and its log says `after`."""
        self.until(lambda: self.states(run, use_case).get(stage) == "running", f"{stage} to run")
        self.until(lambda: self.job(stage, use_case) != [], f"the job of {stage}")
        if after:
            self.until(lambda: after in self.log(run, stage, dag=use_case), f"{after!r} in the log of {stage}")
        job = self.job(stage, use_case)[0]
        os.kill(job.pid, signal.SIGKILL)
        return job


def belonging_to(root: Path) -> list[int]:
    """Every process that was started for this folder, services and jobs alike."""
    wanted = {f"NIGHTSHIFT_HOME={root}".encode(), f"--landing={root}/landing".encode()}
    return [pid for pid in running() if pid != os.getpid() and _told(pid) & wanted]


def listening(processes: Iterable[Process]) -> set[str]:
    """The addresses on which these accept connections, as Linux lists them."""
    return {row[1].partition(":")[0] for row in _connections(processes) if row[3] == LISTEN}


def speaks(process: Process, port: int) -> bool:
    """Whether it is connected to this port."""
    return any(row[2].endswith(f":{port:04X}") and row[3] == ESTABLISHED for row in _connections([process]))


def _connections(processes: Iterable[Process]) -> list[list[str]]:
    """The kernel's rows: number, own address, the other's, state and more."""
    sockets = {name for process in processes for name in _open_files(process)}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [row for row in rows if f"socket:[{row[9]}]" in sockets]


def _open_files(process: Process) -> Iterator[str]:
    for link in Path(f"/proc/{process.pid}/fd").glob("*"):
        with suppress(FileNotFoundError):  # closed meanwhile
            yield link.readlink().name


def gone(pids: Callable[[], list[int]], within: float = 30.0) -> bool:
    deadline = time.monotonic() + within
    while left := pids():
        if time.monotonic() > deadline:
            raise AssertionError(f"processes {left} are still there after {within:.0f} s")
        time.sleep(0.1)
    return True


def _told(pid: int) -> set[bytes]:
    """Environment and arguments of a process; nothing where it has just ended."""
    words: set[bytes] = set()
    for name in ("environ", "cmdline"):
        try:
            words.update(Path(f"/proc/{pid}/{name}").read_bytes().split(b"\0"))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return words
