"""One stack for all tests, built from nothing, on a Docker daemon."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from containers import settings, up
from containers.compose import Stack
from engine.running import free_port
from tests.stack import daemon
from tests.stack.standing import BIKES, FIRST, LAST, Standing, until


@pytest.fixture(scope="session")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if why := daemon.missing():
        pytest.skip(f"the stack was not tried: {why}")
    folder = tmp_path_factory.mktemp("docker")
    with daemon.running(folder) as why:
        if why:
            pytest.skip(f"the stack was not tried: {why}")
        yield folder


@pytest.fixture(scope="session")
def stack(docker: Path) -> Iterator[Standing]:
    ports = {name: free_port() for name in settings.PORTS}
    made = Stack(name="nightshift-tried", folder=docker / "stack", ports=ports, base=daemon.base(docker))
    os.environ["NIGHTSHIFT_SIMULATION"] = "predictive_maintenance.machines=10"
    began = time.monotonic()
    up.build(made)
    built = time.monotonic()
    try:
        up.make_secrets(made)
        up.start(made)
        print(f"\nbuilt after {built - began:.0f} s, well after {time.monotonic() - built:.0f} s more")
        yield Standing(made)
    finally:
        made.compose("down", "--volumes", "--remove-orphans")


@pytest.fixture(scope="session")
def first_range(stack: Standing) -> dict[str, Any]:
    """It makes the first champion; what its evaluate said."""
    until(lambda: stack.airflow.knows(BIKES), f"Reading dags/{BIKES}.py")
    stack.airflow.pause(BIKES, paused=False)
    states = stack.through(BIKES, FIRST, LAST, run="first", retrain="always")
    assert states["close_run"] == states["promote"] == "success", states
    said: dict[str, Any] = stack.airflow.xcom(BIKES, "first", "evaluate")
    return said
