"""Another MLflow: a real server, as somebody else has it."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.running import answers, free_port
from local.places import SPARK


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Its address."""
    port = free_port()
    command = [str(SPARK / "bin" / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "files"), "--backend-store-uri", f"sqlite:///{folder}/there.db"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, start_new_session=True, **quiet) as server:
        try:
            deadline = time.monotonic() + 120
            while not answers(port):
                assert server.poll() is None and time.monotonic() < deadline, "MLflow did not start"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            subprocess.run(["kill", "-9", "--", f"-{server.pid}"], check=False)  # noqa: S607 - with its workers
