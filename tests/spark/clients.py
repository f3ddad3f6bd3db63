"""Clients of an engine in processes of their own: to be killed, stopped, and looked at."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

# A Python function leaves a sign of life five times a second; then a row is written.
SLOWLY = """
def slowly(batches):
    for batch in batches:
        for _ in range(int({seconds} * 5)):
            with open(signs, "a") as file:
                print(time.time(), file=file)
            time.sleep(0.2)
        yield batch
signs = str(folder / "signs")
"""

IN_PYTHON = (
    SLOWLY
    + """
with spark_session(place, "{name}") as spark:
    (folder / "begun").touch()
    spark.range(1).mapInPandas(slowly, "id long").write.format("delta").mode("append").save(f"{{place.lake}}/numbers")
    (folder / "written").touch()
"""
)

IN_A_STREAM = (
    SLOWLY
    + """
(folder / "source").mkdir(exist_ok=True)
(folder / "source" / "file").write_text("a line")
with spark_session(place, "{name}") as spark:
    (folder / "begun").touch()
    lines = spark.readStream.format("text").load(str(folder / "source")).selectExpr("1L AS id")
    written = lines.mapInPandas(slowly, "id long").writeStream.format("delta").trigger(availableNow=True)
    query = written.option("checkpointLocation", str(folder / "checkpoint")).start(f"{{place.lake}}/numbers")
    while not query.awaitTermination(2):
        pass
    (folder / "written").touch()
"""
)

IN_JAVA = """
with spark_session(place, "{name}") as spark:
    (folder / "begun").touch()
    spark.sql("SELECT count(*) FROM range(1000000000000) WHERE hash(id, id * 7) = 5").collect()
"""


@dataclass(frozen=True)
class Signs:
    """What a client leaves in its folder."""

    folder: Path

    @property
    def begun(self) -> bool:
        return (self.folder / "begun").exists()

    @property
    def written(self) -> bool:
        return (self.folder / "written").exists()

    @property
    def last(self) -> str:
        """The newest sign of life, empty before the first."""
        file = self.folder / "signs"
        return file.read_text().rpartition("\n")[0].rpartition("\n")[2] if file.exists() else ""


def place_of(engine: Engine, lake: Path) -> Place:
    return Place(lake=str(lake), landing="", tracking="", registry="", engine=engine.address, token=str(engine.token))


@contextmanager
def client(
    engine: Engine, lake: Path, folder: Path, code: str, *, root: Path = ROOT
) -> Iterator["subprocess.Popen[str]"]:
    """Runs `code` with the project's own that lies in `root`; killed where it outlives the block."""
    folder.mkdir(parents=True, exist_ok=True)
    where = [str(lake), engine.address, str(engine.token), str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", BEGIN + code, *where],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    except subprocess.TimeoutExpired:
        raise AssertionError(where_both_are(engine, process)) from None
    finally:
        process.kill()
        process.communicate()


def where_both_are(engine: Engine, process: "subprocess.Popen[str]") -> str:
    """Of a client that does not end: where its threads are, and those of the engine that work for clients."""
    engine.process.send_signal(signal.SIGQUIT)
    process.send_signal(signal.SIGABRT)
    complaints = process.communicate(timeout=10)[1]
    time.sleep(2)  # Java writes its threads down
    threads = (engine.token.parent / "engine.log").read_text(errors="replace").rpartition("Full thread dump")[2]
    busy = [one for one in threads.split("\n\n") if one.startswith(('"Executor task', '"SparkConnectExecute'))]
    return "\n\n".join(["the client does not end", complaints, *busy])


def said(process: "subprocess.Popen[str]", within: float = 60.0) -> tuple[int, str, str]:
    """Waits for its end: status, words and complaints."""
    words, complaints = process.communicate(timeout=within)
    return process.returncode, words.strip(), complaints


def until(happens: Callable[[], bool], what: str, within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while not happens():
        assert time.monotonic() < deadline, f"{what} did not happen within {within} s"
        time.sleep(0.05)
