"""Clients of an engine in processes of their own: to be killed, stopped, and looked at."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from engine.running import Engine
from spark_jobs.declare import Place

ROOT = Path(__file__).parents[2]

BEGIN = """
import sys, time
from pathlib import Path
from spark_jobs.declare import Place
from spark_jobs.session import spark_session
place = Place(lake=sys.argv[1], landing="", tracking="", registry="", engine=sys.argv[2], token=sys.argv[3])
folder = Path(sys.argv[4])
"""

# A Python function that leaves a sign of life in a file five times a second; then a row is written.
IN_PYTHON = """
def slowly(batches):
    for batch in batches:
        for _ in range(int(seconds * 5)):
            with open(sign, "a") as file:
                file.write(f"{time.time()}\\n")
            time.sleep(0.2)
        yield batch
sign, seconds = str(folder / "signs"), {seconds}
with spark_session(place, "{name}") as spark:
    (folder / "begun").touch()
    spark.range(1).mapInPandas(slowly, "id long").write.format("delta").mode("append").save(f"{{place.lake}}/numbers")
    (folder / "written").touch()
"""

IN_JAVA = """
with spark_session(place, "{name}") as spark:
    (folder / "begun").touch()
    spark.sql("SELECT count(*) FROM range(1000000000000) WHERE hash(id, id * 7) = 5").collect()
"""


def place_of(engine: Engine, lake: Path) -> Place:
    return Place(lake=str(lake), landing="", tracking="", registry="", engine=engine.address, token=str(engine.token))


def client(engine: Engine, folder: Path, code: str, *, lake: Path | None = None) -> "subprocess.Popen[str]":
    folder.mkdir(parents=True, exist_ok=True)
    words = [str(lake or folder / "lake"), engine.address, str(engine.token), str(folder)]
    return subprocess.Popen(
        [sys.executable, "-c", BEGIN + code, *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(true: Callable[[], bool], what: str, within: float = 60.0) -> float:
    """Seconds until it was so."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > within:
            raise AssertionError(f"{what} did not happen within {within} s")
        time.sleep(0.05)
    return time.monotonic() - began


def last_sign(folder: Path) -> float:
    lines = (folder / "signs").read_text().split() if (folder / "signs").exists() else []
    return float(lines[-1]) if lines else 0.0
