"""A copy of the checkout that tests may break, with a use case small enough to run often."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import airflow_config, home, supervision
from local.places import CHECKOUT

PARTS = ("dags", "engine", "local", "plugins", "spark_jobs")
PIPELINE = "plugins/nightshift/pipeline.py"
BIKE_SHARING = "spark_jobs/use_cases/bike_sharing"

# Only sizes and waits: what is done, and in which order, stays as it is.
SMALLER = {
    f"{BIKE_SHARING}/use_case.py": {
        "judge=28 * DAY, validate=28 * DAY": "judge=3 * DAY, validate=3 * DAY",
        "limit=120.0": "limit=1000.0",
        "rows=24 * 14": "rows=24 * 2",
        "trials=16, batch=4": "trials=2, batch=2",
    },
    f"{BIKE_SHARING}/model.py": {'"rounds": 300, "patience": 40': '"rounds": 30, "patience": 10'},
    PIPELINE: {
        '"retry_delay": timedelta(seconds=15)': '"retry_delay": timedelta(seconds=3)',
        '"retry_delay": timedelta(seconds=30)': '"retry_delay": timedelta(seconds=3)',
    },
}


def copied(to: Path) -> Path:
    for part in PARTS:
        shutil.copytree(CHECKOUT / part, to / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file, changes in SMALLER.items():
        for old, new in changes.items():
            _replace(to / file, old, new)
    return to


@contextmanager
def running_from(code: Path) -> Iterator[None]:
    """Services that are started in the block load Dags, and start jobs, from the copy."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (airflow_config, home, supervision):
            patch.setattr(module, "CHECKOUT", code)
        patch.setitem(airflow_config.SCHEDULER, "task_instance_heartbeat_timeout", "30")  # half the wait for a kill
        yield


@contextmanager
def changed(file: Path, old: str, new: str) -> Iterator[None]:
    """As if somebody had edited the file; tasks and jobs read it anew each time."""
    before = file.read_text()
    _replace(file, old, new)
    try:
        yield
    finally:
        file.write_text(before)


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{file} no longer holds {old!r}: change tests/campaign too"
    file.write_text(text.replace(old, new))
