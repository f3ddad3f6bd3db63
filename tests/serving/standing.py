"""A service as a process of its own, as people start it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from engine.running import free_port
from serving.keys import new
from tests.serving.conftest import Client
from tests.serving.shelf import CENSUS, Shelf

ROOT = Path(__file__).parents[2]


@dataclass
class Standing:
    process: "subprocess.Popen[bytes]"
    client: Client
    began: float
    log: Path

    def wait(self) -> float:
        """Until it answers: how long that took."""
        while True:
            try:
                if self.client.get("/health").status_code == 200:
                    return time.monotonic() - self.began
            except requests.ConnectionError:
                pass
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() - self.began < 60
            time.sleep(0.02)

    def memory(self) -> int:
        """Bytes that it holds; only Linux says so."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))

    def end(self, how: int = signal.SIGTERM) -> str:
        """What it wrote."""
        self.process.send_signal(how)
        return self.ended()

    def ended(self) -> str:
        """What it wrote, once it has ended by itself."""
        self.process.wait(timeout=60)
        return self.log.read_text()


@contextmanager
def standing(shelf: Shelf, **told: str) -> Iterator[Standing]:
    keys = shelf.folder / "serving" / "keys"
    key, port = new(keys, "tester"), free_port()
    env = os.environ | {"MODEL": CENSUS, "SERVE_PORT": str(port), "SERVE_REGISTRY": shelf.address}
    env |= {"NIGHTSHIFT_HOME": str(shelf.folder)} | told
    began = time.monotonic()
    command = [sys.executable, "-m", "serving"]
    log = shelf.folder / f"service-{port}.log"  # a pipe that nobody reads would stop it
    with (
        log.open("ab") as file,
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=file) as process,
        Client(f"http://127.0.0.1:{port}", key) as client,
    ):
        try:
            yield Standing(process, client, began, log)
        finally:
            process.kill()
