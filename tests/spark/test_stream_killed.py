"""A stream whose client or engine is killed at any moment, again and again: the tables of one that nobody disturbed."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from engine.running import Engine, running
from spark_jobs.declare import Job, Place, Stage, Window
from tests.spark.clients import ROOT

DAY = date(2024, 3, 1)
EACH = 3  # files that come before each try
TABLES = {
    "bronze/readings": ("file", "hash", "record", "raw", "problem"),
    "bronze/readings_files": ("file", "hash", "records"),
    "silver/readings": ("device_id", "at", "file", "record"),
    "quarantine/readings": ("file", "record", "reasons"),
}

pytestmark = [pytest.mark.long, pytest.mark.timeout(7200)]


@dataclass
class Landed:
    """Files of readings, and an engine to take them with, which may have to be started again."""

    folder: Path
    engines: ExitStack
    engine: Engine | None = None
    count: int = 0
    told: dict[str, int] = field(default_factory=dict)

    def deliver(self, files: int) -> None:
        for _ in range(files):
            path = self.folder / "landing" / "iot_devices" / "readings" / str(DAY) / f"{self.count:05d}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".tmp")
            draft.write_text("".join(f"{line}\n" for line in lines(self.count)))
            draft.rename(path)
            self.count += 1

    def start(self, stage: Stage, lake: str = "lake") -> "subprocess.Popen[bytes]":
        if self.engine is None or self.engine.process.poll() is not None:
            self.engine = self.engines.enter_context(
                running(self.folder / "engine", self.folder / "lakes", memory="1g")
            )
        place = Place(
            lake=f"{self.folder}/lakes/{lake}",
            landing=f"{self.folder}/landing",
            tracking=f"sqlite:///{self.folder}/mlflow.db",
            registry=f"sqlite:///{self.folder}/mlflow.db",
            engine=self.engine.address,
            token=str(self.engine.token),
            source="own",
        )
        argv = [*place.argv(), *Job(stage=stage, use_case="iot_devices", window=Window.of(DAY)).argv()]
        with (self.folder / "jobs.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "spark_jobs", *argv],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def done(self, stage: Stage, lake: str = "lake") -> float:
        """Seconds that it took."""
        began, job = time.monotonic(), self.start(stage, lake)
        assert job.wait(300) == 0, (self.folder / "jobs.log").read_text()[-3000:]
        return time.monotonic() - began

    def killed(self, after: float, whom: str) -> None:
        job = self.start(Stage.INGEST)
        assert self.engine
        try:
            job.wait(after)
        except subprocess.TimeoutExpired:
            victim: Any = self.engine.process if whom == "engine" else job
            victim.kill()
            victim.wait()
            self.told[whom] = self.told.get(whom, 0) + 1
        if whom == "engine":
            job.wait(120)

    def rows(self, lake: str, table: str) -> list[tuple[Any, ...]]:
        found = DeltaTable(f"{self.folder}/lakes/{lake}/iot_devices/{table}").to_pyarrow_table().to_pylist()
        return sorted((tuple(row[name] for name in TABLES[table]) for row in found), key=repr)


def lines(number: int) -> Iterator[str]:
    for place in range(200):
        at = 1_709_251_200_000 + (number * 200 + place) * 1000
        battery = 11 if place == 7 else 5  # one is refused
        yield (
            f'{{"device_id": {place % 20 + 1}, "device_name": "d", "cca3": "NOR", "latitude": 1, "longitude": 1, '
            f'"scale": "Celsius", "temp": 1, "humidity": 1, "battery_level": {battery}, "c02_level": 900, '
            f'"lcd": "green", "timestamp": {at}}}'
        )
    if number % 3 == 0:
        yield "no line"


@pytest.fixture
def landed(tmp_path: Path) -> Iterator[Landed]:
    (tmp_path / "engine").mkdir()
    with ExitStack() as engines:
        yield Landed(folder=tmp_path, engines=engines)


def test_a_stream_that_is_killed_again_and_again_leaves_what_an_undisturbed_one_does(
    landed: Landed, kills: int, seed: int, record_property: Callable[[str, object], None]
) -> None:
    draw = random.Random(seed)
    landed.deliver(EACH)
    landed.done(Stage.INGEST)
    landed.deliver(EACH)
    usual = landed.done(Stage.INGEST)
    while sum(landed.told.values()) < 3 * kills:
        landed.deliver(EACH)
        landed.killed(draw.uniform(0.2, usual), draw.choice(["client", "client", "engine"]))
    landed.done(Stage.INGEST)
    for lake in ("lake", "undisturbed"):
        if lake == "undisturbed":
            landed.done(Stage.INGEST, lake)
        landed.done(Stage.REFINE, lake)
    for table in TABLES:
        assert landed.rows("lake", table) == landed.rows("undisturbed", table), table
    record_property("killed", f"{landed.told}, {landed.count} files, seed {seed}")
