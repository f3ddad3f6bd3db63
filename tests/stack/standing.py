"""The stack as its users and its enemies see it."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from configparser import ConfigParser
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from pyarrow.fs import FileSelector, S3FileSystem

from containers import up
from containers.compose import Stack
from local.airflow_api import OVER, Airflow
from local.first_nights import last_night

LONG = 420.0
BIKES = "bike_sharing"
DAY = timedelta(days=1)
NIGHT = last_night(datetime.now(UTC))
FIRST, LAST = NIGHT - DAY * 80, NIGHT - DAY  # of the first range
Said = subprocess.CompletedProcess[str]


def until(happens: Callable[[], Any], what: str, within: float = LONG, every: float = 0.2) -> Any:
    """What it answers when it is first true."""
    deadline = time.monotonic() + within
    while not (answer := happens()):
        assert time.monotonic() < deadline, f"{what} did not happen within {within:.0f} s"
        time.sleep(every)
    return answer


@dataclass(frozen=True)
class Standing:
    stack: Stack

    @cached_property
    def airflow(self) -> Airflow:
        return Airflow(f"http://127.0.0.1:{self.stack.ports['AIRFLOW_PORT']}", "admin", self.secret("airflow-admin"))

    @property
    def store(self) -> str:
        return f"http://127.0.0.1:{self.stack.ports['STORE_PORT']}"

    def secret(self, name: str) -> str:
        return (self.stack.secrets / name).read_text(encoding="utf-8").strip()

    def keys(self, name: str) -> dict[str, str]:
        """Of one of the store's users, as programs for S3 take them."""
        file = ConfigParser()
        file.read_string(self.secret(f"store-{name}"))
        found = file["default"]
        return {
            "AWS_ACCESS_KEY_ID": found["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": found["aws_secret_access_key"],
            "AWS_ENDPOINT_URL": self.store,
            "AWS_REGION": "us-east-1",
        }

    def table(self, use_case: str, layer: str, table: str) -> pa.Table:
        """As somebody outside reads it."""
        return self.delta(use_case, layer, table).to_pyarrow_table()

    def delta(self, use_case: str, layer: str, table: str) -> DeltaTable:
        options = self.keys("engine") | {"AWS_ALLOW_HTTP": "true"}
        return DeltaTable(f"s3://lake/{use_case}/{layer}/{table}", storage_options=options)

    def drop(self, name: str, content: bytes) -> None:
        """A raw file, by the key that people have for it."""
        with self.opened("jobs").open_output_stream(f"landing/{name}") as file:
            file.write(content)

    def opened(self, user: str) -> S3FileSystem:
        """The store, as one of its users."""
        keys = self.keys(user)
        return S3FileSystem(
            access_key=keys["AWS_ACCESS_KEY_ID"],
            secret_key=keys["AWS_SECRET_ACCESS_KEY"],
            endpoint_override=self.store,
            region=keys["AWS_REGION"],
        )

    def raw(self, use_case: str, table: str, day: date) -> list[bytes]:
        """The lines of a raw file of this day, its header first."""
        files = self.opened("jobs").get_file_info(FileSelector(f"landing/{use_case}/{table}/{day}"))
        with self.opened("jobs").open_input_stream(files[0].path) as file:
            return bytes(file.read()).splitlines()

    # Runs.
    def start(self, use_case: str, first: date, last: date, *, run: str, retrain: str = "never") -> str:
        conf = {"first_day": str(first), "last_day": str(last)} | ({"retrain": retrain} if retrain else {})
        return self.airflow.trigger(use_case, conf, run_id=run)

    def finish(self, use_case: str, run: str, within: float = LONG) -> dict[str, str]:
        until(lambda: self.airflow.state(use_case, run) in OVER, f"the end of {run}", within, every=1.0)
        return self.airflow.states(use_case, run)

    def through(self, use_case: str, first: date, last: date, *, run: str, retrain: str = "never") -> dict[str, str]:
        self.start(use_case, first, last, run=run, retrain=retrain)
        return self.finish(use_case, run)

    def running(self, use_case: str, run: str, task: str) -> bool:
        return self.airflow.states(use_case, run).get(task) == "running"

    # Containers.
    def container(self, service: str, number: int = 1) -> str:
        """By its labels: the two generations of compose name containers differently."""
        wanted = {"project": self.stack.name, "service": service, "container-number": str(number), "oneoff": "False"}
        labels = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in wanted.items()]
        [found] = self.stack.docker("ps", "-aq", *labels).split()
        return found

    def inside(self, service: str, *command: str) -> Said:
        given = ["docker", "exec", self.container(service), *command]
        return subprocess.run(given, capture_output=True, text=True, check=False)

    def kill(self, service: str, number: int = 1) -> None:
        """Its own process, as an accident would: Docker starts it again. `docker kill` would be a person's wish."""
        pid = self.inspect(service, number)["State"]["Pid"]
        subprocess.run(["kill", "-KILL", str(pid)], check=True)

    def inspect(self, service: str, number: int = 1) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.stack.docker("inspect", self.container(service, number)))[0]
        return found

    def log(self, service: str) -> str:
        """All that its container has said since it was made."""
        given = ["docker", "logs", self.container(service)]
        said = subprocess.run(given, capture_output=True, text=True, check=True)
        return said.stdout + said.stderr

    def migrations(self) -> list[str]:
        """Every step that starts of this stack have done to its databases."""
        return [line for line in self.log("prepare").splitlines() if "Running upgrade" in line]

    def well(self) -> bool:
        return bool(self.stack.containers()) and not up.unwell(self.stack)

    def champion(self, model: str) -> str:
        found = self.mlflow(f"/api/2.0/mlflow/registered-models/alias?name={model}&alias=champion")
        return str(found["model_version"]["version"])

    def versions(self, model: str) -> list[dict[str, Any]]:
        """One by one: who searches is told no aliases."""
        found = self.mlflow(f"/api/2.0/mlflow/model-versions/search?filter=name%3D%27{model}%27")
        numbers = sorted(int(one["version"]) for one in found.get("model_versions", []))
        asked = (f"/api/2.0/mlflow/model-versions/get?name={model}&version={number}" for number in numbers)
        return [self.mlflow(path)["model_version"] for path in asked]

    def mlflow(self, path: str, user: str = "admin", password: str = "") -> Any:
        word = b64encode(f"{user}:{password or self.secret('mlflow-admin')}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.stack.ports['MLFLOW_PORT']}{path}", headers={"Authorization": f"Basic {word}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def status(url: str, **headers: str) -> int:
    """What an answer begins with."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
