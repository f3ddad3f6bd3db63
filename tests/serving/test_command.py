"""`make serve` and `make serve-key`, but for the registry, which is another one than a home's."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from engine.running import free_port
from local import serve, serve_key
from local.commands import CannotGoOn
from local.home import Home
from spark_jobs.declare import BadRequest
from tests.serving.conftest import Client
from tests.serving.shelf import CENSUS, Shelf
from tests.serving.standing import ROOT
from tests.serving.test_interface import person

STARTED = """
import os, sys
from contextlib import contextmanager
from local import serve
from local.commands import CannotGoOn
from local.home import from_environment

@contextmanager
def registry_of(home):
    if not os.environ["REGISTRY"]:
        raise CannotGoOn("there is no registry")
    yield os.environ["REGISTRY"]

serve.registry_of = registry_of
sys.exit(serve.main(from_environment(), os.environ))
"""


def asked_once(shelf: Shelf, key: str, registry: str) -> Any:
    """Of a service that is started for it, and ended as Ctrl-C ends it."""
    port = free_port()
    told = {"MODEL": CENSUS, "SERVE_PORT": str(port), "NIGHTSHIFT_HOME": str(shelf.folder), "REGISTRY": registry}
    with (
        subprocess.Popen([sys.executable, "-c", STARTED], cwd=ROOT, env=os.environ | told) as process,
        Client(f"http://127.0.0.1:{port}", key) as client,
    ):
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until and process.poll() is None:
                try:
                    return client.post(f"/v1/models/{CENSUS}:predict", json={"rows": [person()]}).json()
                except requests.ConnectionError:
                    time.sleep(0.05)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) in (0, 1)
    return None


def test_from_a_key_to_an_answer_and_again_without_a_registry(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    serve_key.main(Home(root=shelf.folder), {"NAME": "my_application"})
    told = capsys.readouterr().out
    key, file = told.splitlines()[0], shelf.folder / "serving" / "keys"
    assert file.read_text().startswith("my_application ")
    assert key not in file.read_text()
    assert f"take the line of my_application out of {file}" in told
    found = asked_once(shelf, key, shelf.address)
    assert found["version"] == "1"
    assert asked_once(shelf, key, "") == found


def test_what_is_missing_is_asked_for_before_anything_starts(tmp_path: Path) -> None:
    home = Home(root=tmp_path)
    with pytest.raises(BadRequest, match=r"MODEL: is missing\. Like this: make serve MODEL=census_income"):
        serve.main(home, {})
    with pytest.raises(BadRequest, match="SERVE_PORT: is a number from 1024 to 65535, got '80'"):
        serve.main(home, {"MODEL": CENSUS, "SERVE_PORT": "80"})
    with pytest.raises(CannotGoOn, match="holds no model yet: type `make run` first"):
        serve.main(home, {"MODEL": CENSUS, "SERVE_PORT": str(free_port())})
    with pytest.raises(BadRequest, match="NAME: is letters"):
        serve_key.main(home, {})
