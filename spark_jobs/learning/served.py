"""The last question before a promotion: a real service with the challenger is asked about judge rows over HTTP.

Answers must be those of the batch, to the last bit, in time and in memory as declared. Whatever else happens is a
reason to reject.
"""

import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from spark_jobs.declare import NightshiftError, Place, Serving, UseCase
from spark_jobs.declare.job import UNITY
from spark_jobs.learning import memory

if TYPE_CHECKING:
    import pandas as pd

LOG = logging.getLogger(__name__)
CODE = Path(__file__).parents[2]  # where `serving` lies beside `spark_jobs`
OF_A_JOB = "--of-a-job"  # it ends when who started it does
LOOPBACK, NOTICE, LONGEST, SOON = "127.0.0.1", 0.05, 60.0, 10.0
CLIENT = "judge"


class NotServed(NightshiftError):
    """Why a version cannot be promoted, though it is good enough."""


@dataclass(frozen=True, kw_only=True)
class Served:
    objections: list[str]
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Service:
    process: "subprocess.Popen[bytes]"
    port: int
    key: str
    log: Path

    def ask(self, rows: "pd.DataFrame") -> tuple[list[dict[str, Any]], float]:
        """What is predicted of each, and how long that took."""
        began = time.perf_counter()
        line = HTTPConnection(LOOPBACK, self.port, timeout=LONGEST)
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
            line.request("POST", "/invocations", _body(rows), headers)
            answer = line.getresponse()
            told = answer.read()
        except (OSError, HTTPException) as error:
            raise NotServed(f"the service gave no answer ({error}){self.last_words()}") from None
        finally:
            line.close()
        if answer.status != 200:
            raise NotServed(f"the service answered {answer.status}: {told[:500].decode(errors='replace')}")
        return json.loads(told)["predictions"], time.perf_counter() - began

    def wait(self, longest: float) -> float:
        """Until it answers: how long that took."""
        began = time.monotonic()
        while (taken := time.monotonic() - began) < longest:
            if self.process.poll() is not None:
                raise NotServed(f"a service does not start with it{self.last_words()}")
            if self._is_up():
                return time.monotonic() - began
            time.sleep(NOTICE)
        raise NotServed(f"a service does not answer {taken:.0f} s after its start, allowed are {longest:g} s")

    def _is_up(self) -> bool:
        line = HTTPConnection(LOOPBACK, self.port, timeout=LONGEST)
        try:
            line.request("GET", "/health")
            return line.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            line.close()

    def last_words(self) -> str:
        said = self.log.read_text(errors="replace").strip().splitlines()
        return f": {said[-1][:1000]}" if said else ""


def served(place: Place, use_case: UseCase, version: str, features: Sequence[str], judged: "pd.DataFrame") -> Served:
    """`judged`: judge rows with what the batch predicts of them."""
    wanted = use_case.serving or Serving()
    rows = judged.sample(min(wanted.rows, len(judged)), random_state=0)
    try:
        with _service(place, use_case, version) as service:
            starts = service.wait(wanted.starts_within.total_seconds())
            together, _ = service.ask(rows[list(features)])
            one_by_one = [service.ask(rows[list(features)].iloc[[at]]) for at in range(len(rows))]
            gigabytes = memory.peak(service.process.pid)
    except NotServed as error:
        return Served(objections=[str(error)])
    answers = median(seconds for _, seconds in one_by_one)
    expected = rows[list(use_case.predictions[: len(use_case.labels.columns)])].to_dict("records")
    numbers = {"rows": len(rows), "starts": starts, "answers": answers, "gigabytes": gigabytes}
    alone = [answer for (answer,), _ in one_by_one]
    objections = [*_unlike(expected, together, "together"), *_unlike(expected, alone, "one by one")]
    return Served(objections=objections + _beyond(wanted, answers, gigabytes), numbers=numbers)


def _unlike(expected: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]], how: str) -> list[str]:
    if len(answers) != len(expected):
        return [f"asked {how}, the service gave {len(answers)} answers to {len(expected)} rows"]
    pairs = [(one, other) for one, other in zip(expected, answers, strict=True) if dict(one) != dict(other)]
    if not pairs:
        return []
    (one, other), which = pairs[0], f"{len(pairs)} of {len(expected)} rows"
    return [f"asked {how}, the service answers {which} otherwise than the batch: {other}, not {dict(one)}"]


def _beyond(wanted: Serving, answers: float, gigabytes: float) -> list[str]:
    found, allowed = [], wanted.answers_within.total_seconds()
    if answers > allowed:
        found.append(f"the service takes {1000 * answers:.3g} ms for a row, allowed are {1000 * allowed:.3g}")
    if gigabytes > wanted.gigabytes:
        found.append(f"the service takes {gigabytes:.3g} GB, allowed are {wanted.gigabytes:g}")
    return found


def _body(rows: "pd.DataFrame") -> str:
    """To the last bit, and JSON knows no NaN: what is missing is null."""
    values = rows.astype(object).where(rows.notna(), None).to_numpy().tolist()
    return json.dumps({"dataframe_split": {"columns": list(rows.columns), "data": values}})


@contextmanager
def _service(place: Place, use_case: UseCase, version: str) -> Iterator[Service]:
    with TemporaryDirectory(prefix="nightshift-") as folder:
        keys, log, port = Path(folder) / "keys", Path(folder) / "log", _free_port()
        told = {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(CODE), os.environ.get("PYTHONPATH")])),
            "MODEL": use_case.name,
            "VERSION": version,
            "NIGHTSHIFT_HOME": folder,
            "SERVE_KEYS": str(keys),
            "SERVE_REGISTRY": place.registry,
            "SERVE_CATALOG": place.lake if place.registry == UNITY else "",
            "SERVE_WATCH": "",  # judges are no questions of anybody
            "SERVE_HOST": LOOPBACK,
            "SERVE_PORT": str(port),
        }
        key, command = _key(keys, os.environ | told), [sys.executable, "-m", "serving", OF_A_JOB]
        said = log.open("wb")
        with (
            said,
            subprocess.Popen(
                command, env=os.environ | told, stdin=subprocess.PIPE, stdout=said, stderr=said
            ) as process,
        ):
            try:
                yield Service(process=process, port=port, key=key, log=log)
            finally:
                _end(process)


def _key(keys: Path, env: Mapping[str, str]) -> str:
    command = [sys.executable, "-m", "serving.keys", str(keys), CLIENT]
    made = subprocess.run(command, env=dict(env), capture_output=True, check=False)
    if made.returncode:
        raise NotServed(f"there is no service to start: {made.stderr.decode(errors='replace').strip()[-500:]}")
    return made.stdout.decode().split()[0]


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(SOON)
    except subprocess.TimeoutExpired:
        process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
