"""One installation for all scenarios, on a small disk of its own."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from local import services
from local.home import Home
from spark_jobs.declare import Window
from tests.campaign.disk import SmallDisk
from tests.campaign.installation import DAY, DAYS, FIRST, NIGHT, Installation, until
from tests.campaign.interrupted import Interrupted, interrupted
from tests.campaign.laws import Laws
from tests.end_to_end.checkout import copied, running_from
from tests.end_to_end.scheduler import home_at

FIRST_RANGE = "first_range_1"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("campaign")


@pytest.fixture(scope="session")
def code(folder: Path) -> Path:
    return copied(folder / "checkout")


@pytest.fixture(scope="session")
def place(folder: Path) -> Home:
    return home_at(folder / "home")


@pytest.fixture(scope="session")
def disk(place: Home) -> Iterator[SmallDisk]:
    """Where the lake lies."""
    disk = SmallDisk(place.root / "lake")
    disk.mount()
    yield disk
    disk.unmount()


@pytest.fixture(scope="session")
def temporary(place: Home) -> Iterator[SmallDisk]:
    """Where the engine keeps what passes."""
    disk = SmallDisk(place.engine / "work", megabytes=512)
    disk.mount()
    yield disk
    disk.unmount()


@pytest.fixture(scope="session")
def ctrl_c(code: Path, place: Home, disk: SmallDisk, temporary: SmallDisk) -> Interrupted:
    """The first thing that happens to the installation: `make run`, and Ctrl-C while the first job writes."""
    return interrupted(code, place, DAYS)


@pytest.fixture(scope="session")
def opened(ctrl_c: Interrupted) -> Iterator[ExitStack]:
    """Whoever closes it ends the installation, and may start it again in another way."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def here(code: Path, place: Home, opened: ExitStack) -> Installation:
    """The same installation started again: it finishes the first range and a night, and has a champion."""
    opened.enter_context(running_from(code))
    found = Installation(opened.enter_context(services.started(place)), code)
    found.finish(FIRST_RANGE)
    until(found.nights, "a night")
    found.finish(found.nights()[0])
    return found


@pytest.fixture(scope="session")
def laws(spark: SparkSession, here: Installation, folder: Path) -> Laws:
    return Laws(spark=spark, here=here, folder=folder, whole=Window.of(FIRST - DAY * 30, NIGHT))
