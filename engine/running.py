"""An engine for as long as a block lasts: for tests, benchmarks and `make sql` without `make run`."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.__main__ import CHECKOUT
from engine.settings import LOOPBACK, MEMORY
from spark_jobs import token
from spark_jobs.declare import NightshiftError

UP_WITHIN = 90.0


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Where it answers, and how it opens."""

    address: str
    token: Path
    process: "subprocess.Popen[bytes]"


@contextmanager
def running(folder: Path, lake: Path, *, cores: str = "*", memory: str = MEMORY) -> Iterator[Engine]:
    """`folder` holds its token, its log and its temporary files."""
    word, port = folder / "token", free_port()
    token.make(word)
    options = [f"--port={port}", f"--token={word}", f"--lake={lake}", f"--folder={folder / 'work'}"]
    options += [f"--cores={cores}", f"--memory={memory}", "--with-starter"]
    log = folder / "engine.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "engine", *options],
            cwd=CHECKOUT,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,  # Ctrl-C is for whoever runs the block
        )
    try:
        _wait(process, port, log)
        yield Engine(address=f"sc://localhost:{port}", token=word, process=process)
    finally:
        process.kill()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + UP_WITHIN
    while not answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            words = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise NightshiftError(f"the engine did not start. It said:\n{words}")
        time.sleep(0.1)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
