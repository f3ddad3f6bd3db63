"""`make predict` as it is typed: a process of its own, which finds or starts what it needs, and leaves nothing."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from engine.running import answers, free_port, running
from local import postgres
from local.airflow_api import answers as serves
from local.at_hand import registry_of
from local.home import Home
from tests.spark.cellar import Cellar
from tests.spark.clients import until
from tests.spark.wine_files import as_csv, learn, read, some_wines

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def home(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """As `make run` leaves it: all has ended, and there is a champion."""
    found = Home(root=tmp_path_factory.mktemp("home"), mlflow_port=free_port(), engine_port=free_port())
    postgres.make(found)
    with registry_of(found) as url:
        learn(Cellar(spark, found.root, registry=url))
    return found


def command(home: Home, file: Path) -> "subprocess.Popen[str]":
    typed = {"MODEL": "wine_quality", "FILE": str(file), "OUT": str(file.with_name("scored.csv"))}
    where = {"NIGHTSHIFT_HOME": str(home.root), "TMPDIR": str(file.parent), "PYTHONPATH": str(ROOT)}
    ports = {"MLFLOW_PORT": str(home.mlflow_port), "ENGINE_PORT": str(home.engine_port), "ENGINE_MEMORY": "1g"}
    return subprocess.Popen(
        [sys.executable, "-m", "local.predict"],
        cwd=ROOT,
        env=os.environ | where | ports | typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def nothing_is_left(home: Home, folder: Path) -> bool:
    told = subprocess.run(["/bin/ps", "-axww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    hidden = [path for path in folder.iterdir() if path.name.startswith((".", "nightshift-"))]
    return not any((str(home.root) in told, str(folder) in told, (home.root / "running.json").exists(), hidden))


def lake_of(home: Home) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in home.lake.rglob("*")}


def test_without_anything_running_a_file_is_predicted_and_nothing_is_left(home: Home, tmp_path: Path) -> None:
    file, before = tmp_path / "wines.csv", lake_of(home)
    wines = [row | {"cellar": "7"} for row in some_wines()]
    file.write_text(as_csv([wines[0] | {"pH": "no"}, *wines[1:]], list(wines[0])))
    process = command(home, file)
    words, complaints = process.communicate(timeout=120)
    assert (process.returncode, complaints) == (0, "")
    said = [
        re.sub(r" \d+ s$", "", line) for line in words.splitlines() if "%" not in line
    ]  # how far it is, if it takes long
    assert said == [
        "  Starting MLflow ...",
        "  Not read, for wine_quality does not know them: cellar",
        "  Opening an engine ...",
        "  60 rows, by version 1 of wine_quality; 1 cannot be scored, and the column problem says why: "
        f"{tmp_path}/scored.csv",
    ]
    assert [row["problem"] for row in read(tmp_path / "scored.csv")] == ["ph is not a number", *[""] * 59]
    assert lake_of(home) == before
    until(lambda: nothing_is_left(home, tmp_path), "the end of all it had started", within=30)


def test_what_is_up_is_used_and_stays_up(home: Home, tmp_path: Path) -> None:
    home.engine.mkdir(exist_ok=True)
    (tmp_path / "wines.csv").write_text(as_csv(some_wines()))
    with running(home.engine, home.lake, memory="1g") as engine, registry_of(home) as url:
        up = replace(home, engine_port=int(engine.address.rpartition(":")[2]))
        process = command(up, tmp_path / "wines.csv")
        words, complaints = process.communicate(timeout=120)
        assert (process.returncode, complaints) == (0, "")
        assert words.splitlines()[-1] == f"  60 rows, by version 1 of wine_quality: {tmp_path}/scored.csv"
        assert "Starting" not in words
        assert answers(up.engine_port)
        assert serves(f"{url}/health")
    assert len(read(tmp_path / "scored.csv")) == 60


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_one_leaves_nothing_half_written(home: Home, tmp_path: Path, how: signal.Signals) -> None:
    header, _, lines = as_csv(some_wines()).partition("\n")
    file = tmp_path / "wines.csv"
    file.write_text(f"{header}\n{lines * 20_000}")
    process = command(home, file)
    try:
        until(lambda: any(path.suffix == ".tmp" for path in tmp_path.iterdir()), "a first row", within=120)
        process.send_signal(how)
        words, complaints = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, complaints) == (130, "")
    assert words.splitlines()[-1] == "Interrupted: nothing was written."
    assert [path.name for path in tmp_path.iterdir()] == ["wines.csv"]
    until(lambda: nothing_is_left(home, tmp_path), "the end of all it had started", within=30)
