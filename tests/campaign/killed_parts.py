"""`make run` in a process of its own, one of whose parts is killed while a night runs; or it itself is."""

import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from local import airflow_config, parts
from local.airflow_api import Airflow
from local.home import USER, Home
from local.places import CHECKOUT
from local.processes import running
from local.supervision import recorded
from tests.campaign.installation import until
from tests.end_to_end.scheduler import DAG, typed

MAKE_RUN = "make run"
STAGES = ("ingest", "refine", "features", "score")
UP_WITHIN = 400.0


def victims(home: Home, kills: int, seed: int) -> list[tuple[str, str]]:
    """Whom, and while which task runs: each part once before any is killed twice."""
    draw = random.Random(seed)
    everyone: list[str] = []
    while len(everyone) < kills:
        everyone += draw.sample([*parts.commands(home), MAKE_RUN], len(parts.commands(home)) + 1)
    return [(name, draw.choice(STAGES)) for name in everyone[:kills]]


@dataclass
class Killed:
    """An installation, and the `make run` that keeps it up."""

    code: Path
    home: Home
    days: int
    make_run: "subprocess.Popen[bytes] | None" = None
    said: Path = field(init=False)

    def __post_init__(self) -> None:
        self.said = self.home.root.parent / "kills.log"

    @property
    def airflow(self) -> Airflow:
        return Airflow(self.home.airflow_url, USER, airflow_config.password(self.home), self._lives)

    def type_make_run(self) -> None:
        """Until it has shown its table: the first range and the last night are done then."""
        before = self._words().count("Ctrl-C ends everything")
        command = [sys.executable, str(CHECKOUT / "tests/campaign/make_run.py"), str(self.code), str(self.days)]
        surroundings = os.environ | typed(self.home) | {"PYTHONPATH": str(CHECKOUT)}
        with self.said.open("ab") as log:
            self.make_run = subprocess.Popen(command, env=surroundings, stdout=log, stderr=log, start_new_session=True)
        until(lambda: self._lives() and self._words().count("Ctrl-C ends everything") > before, "make run", UP_WITHIN)

    def end(self) -> None:
        if self.make_run and self.make_run.poll() is None:
            self.make_run.send_signal(signal.SIGINT)
            self.make_run.wait(90)

    def night(self, run: str, day: date, victim: str = "", during: str = "") -> dict[str, str]:
        """A run about a day; what its tasks came to. The victim, if any, is killed while a task runs."""
        airflow, form = self.airflow, {"first_day": str(day), "last_day": str(day), "retrain": "never"}
        airflow.trigger(DAG, form, run_id=run)
        if victim:
            until(lambda: airflow.states(DAG, run).get(during) in ("running", "success"), f"{during} of {run}")
            self.kill(victim)
        for _ in airflow.watch(DAG, run):
            pass
        return airflow.states(DAG, run)

    def kill(self, victim: str) -> None:
        if victim == MAKE_RUN and self.make_run:
            self.make_run.kill()
            self.make_run.wait()
            self.type_make_run()
        else:
            former = recorded(self.home)[victim]
            os.kill(former.pid, signal.SIGKILL)
            until(lambda: self._lives() and self._back(victim, former.pid), f"the return of {victim}", 60)

    def _back(self, victim: str, former: int) -> bool:
        now = recorded(self.home).get(victim)
        return now is not None and now.pid != former and now.pid in running()

    def _lives(self) -> bool:
        assert self.make_run is not None
        assert self.make_run.poll() is None, f"make run has ended: {self._words()}"
        return True

    def _words(self) -> str:
        return self.said.read_text() if self.said.exists() else ""
