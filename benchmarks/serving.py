"""A champion over real HTTP, beside MLflow's own server and bare XGBoost: `make bench BENCH=serving`.

Client, services and model share the machine, and take turns.
"""

import io
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from benchmarks.load import Load, load
from benchmarks.measured import alternated, asked, tell, timed
from engine.running import free_port
from local.places import SPARK
from serving.bodies import JSON
from serving.tables import ARROW
from spark_jobs import use_cases
from spark_jobs.kinds import Columns, Params, kind
from tests.elsewhere import mlflow_server
from tests.serving.malformed import TOLD, bodies, send
from tests.serving.shelf import CENSUS, Shelf, gold
from tests.serving.standing import standing

TREES: Params = {"objective": "binary:logistic", "rounds": 300, "max_depth": 6, "eta": 0.1}
OURS = f"/v1/models/{CENSUS}:predict"
CLIENTS, SECONDS, TIMES, ROWS, MALFORMED = 16, 5.0, 3, 1000, 10_000


@dataclass(frozen=True)
class Line:
    """One connection, which stays open."""

    port: int
    path: str
    headers: dict[str, str]

    def taken(self, body: bytes, times: int) -> list[float]:
        """How long each request took, one after another."""
        line, found = HTTPConnection("127.0.0.1", self.port, timeout=120), list[float]()
        while len(found) < times:
            began = time.perf_counter()
            line.request("POST", self.path, body, self.headers)
            answer = line.getresponse()
            said = answer.read()
            found.append(time.perf_counter() - began)
            if answer.status != 200:
                raise SystemExit(f"{self.path} answered {answer.status}: {said[:500]!r}")
        line.close()
        return found

    def by(self, clients: int, body: bytes) -> Load:
        found = load(f"http://127.0.0.1:{self.port}{self.path}", self.headers, body, clients=clients, seconds=SECONDS)
        if found.failed:
            raise SystemExit(f"{self.path} failed {found.failed} of its clients")
        return found


def people(count: int) -> list[dict[str, Any]]:
    rows = gold(CENSUS)
    table = use_cases.learning(CENSUS).tables[0]
    names = {own: head for head, own in zip(table.header, table.column_names, strict=True) if own != "income"}
    some = rows[list(names)].rename(columns=names).to_dict("records")
    found = [{k: None if v is None or v != v else v for k, v in row.items()} for row in some]  # noqa: PLR0124 - NaN
    return (found * (count // len(found) + 1))[:count]


@contextmanager
def mlflow_serves(model: str) -> Iterator[int]:
    port = free_port()
    command = [str(SPARK / "bin" / "mlflow"), "models", "serve", "-m", model, "--env-manager", "local", "-p", str(port)]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    path = f"{SPARK / 'bin'}{os.pathsep}{os.environ['PATH']}"  # it starts uvicorn by its name
    process = subprocess.Popen(command, start_new_session=True, env=os.environ | {"PATH": path}, **quiet)
    try:
        while True:
            if process.poll() is not None:
                raise SystemExit(f"this failed: {subprocess.list2cmdline(command)}")
            try:
                line = HTTPConnection("127.0.0.1", port, timeout=5)
                line.request("GET", "/ping")
                if line.getresponse().status == 200:
                    break
            except OSError:
                time.sleep(0.2)
        yield port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def main() -> None:
    tell("Serving: people of census_income, 300 boosted trees")
    with TemporaryDirectory() as folder, ExitStack() as context:
        shelf, use_case = Shelf(Path(folder)), use_cases.learning(CENSUS)
        model = kind("xgboost").fit(gold(CENSUS), TREES, Columns.of(use_case))
        shelf.crown(CENSUS, shelf.register(CENSUS, "xgboost", model))
        there = context.enter_context(mlflow_server(shelf.folder, "mlflow.db"))
        with standing(shelf, SERVE_REGISTRY=there) as service:
            service.wait()
            service.end()
        with standing(shelf, SERVE_REGISTRY=there) as service:
            asked("seconds from its start to the first answer", service.wait(), at_most=4)
            port = int(service.client.address.rpartition(":")[2])
            ours = Line(
                port, OURS, {"Authorization": str(service.client.headers["Authorization"]), "Content-Type": JSON}
            )
            _one_row(ours)
            _many_rows(ours, model)
            _beside_mlflow(ours, shelf)
            _malformed(service)


def _one_row(ours: Line) -> None:
    body = json.dumps({"rows": people(1)}).encode()
    ours.by(1, body)
    found = ours.by(1, body)
    asked("one row, one client: milliseconds, p50", found.p50, at_most=2)
    asked("the same, p99", found.p99, at_most=6)


def _many_rows(ours: Line, model: Any) -> None:
    rows, sink = people(ROWS), io.BytesIO()
    table = pa.Table.from_pylist(rows)
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    in_json = json.dumps({"rows": rows}).encode()
    arrow = Line(ours.port, ours.path, ours.headers | {"Content-Type": ARROW})
    features = gold(CENSUS)[list(use_cases.learning(CENSUS).features.read)]
    matrix = model._matrix(features.iloc[[place % len(features) for place in range(ROWS)]])
    sides = {
        "json": lambda: median(ours.taken(in_json, times=15)),
        "arrow": lambda: median(arrow.taken(sink.getvalue(), times=15)),
        "bare": lambda: median(timed(lambda: model.predicted(matrix)) for _ in range(15)),
    }
    found = alternated(sides, TIMES)
    asked("1,000 rows in one JSON request: rows a second", ROWS / found["json"], at_least=100_000)
    asked("the same as an Arrow body, of bare XGBoost's speed", found["bare"] / found["arrow"], at_least=0.6)


def _beside_mlflow(ours: Line, shelf: Shelf) -> None:
    raw = json.dumps({"rows": people(1)}).encode()
    read = list(use_cases.learning(CENSUS).features.read)
    split = json.loads(gold(CENSUS)[read].head(1).to_json(orient="split", index=False))
    body = json.dumps({"dataframe_split": split}).encode()
    with mlflow_serves(str(shelf.client.get_model_version(CENSUS, "1").source)) as port:
        theirs = Line(port, "/invocations", {"Content-Type": JSON})
        theirs.taken(body, times=50)
        pairs = [(ours.by(CLIENTS, raw), theirs.by(CLIENTS, body)) for _ in range(TIMES)]
    mine, its = (median(one.a_second for one in side) for side in zip(*pairs, strict=True))
    tell(f"  16 clients: {mine:,.0f} requests a second, and of mlflow models serve {its:,.0f}")
    asked("times the requests of mlflow models serve, 16 clients", mine / its, at_least=5)
    slowest, of_theirs = (median(one.p99 for one in side) for side in zip(*pairs, strict=True))
    asked("p99, as a share of its p99", slowest / of_theirs, at_most=0.2)


def _malformed(service: Any) -> None:
    statuses = [send(service.client, path, kind, body) for path, kind, body in bodies(7, MALFORMED)]
    asked("of 10,000 malformed bodies, not told in a sentence", sum(one not in TOLD for one in statuses), at_most=0)
