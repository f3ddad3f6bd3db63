"""Another MLflow: a real server, as somebody else has it, started from both sides; and who dies on the way to it."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.places import SPARK


@contextmanager
def mlflow_server(folder: Path, database: str = "there.db") -> Iterator[str]:
    """Its address."""
    with socket.socket() as probe:  # the engine's own ways are not at hand on Airflow's side
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(SPARK / "bin" / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--artifacts-destination",
        str(folder / "files"),
        "--backend-store-uri",
        f"sqlite:///{folder}/{database}",
    ]
    nothing = subprocess.DEVNULL
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "MLFLOW_"))}
    with subprocess.Popen(command, env=environment, stdout=nothing, stderr=nothing, start_new_session=True) as server:
        try:
            deadline = time.monotonic() + 120
            while not _answers(port):
                assert server.poll() is None, "MLflow has ended"
                assert time.monotonic() < deadline, "MLflow did not start"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, signal.SIGKILL)  # with its workers


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def killed_at(of: type, step: str, when: str) -> Iterator[None]:
    """What runs in this block is gone before, or after, it does this step."""
    does = getattr(of, step)

    def killed(*given: Any, **more: Any) -> None:
        if when == "after":
            does(*given, **more)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(of, step, killed)
        yield
