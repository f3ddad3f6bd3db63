"""The README's blocks, typed as they stand, into a copy of the checkout beside running services."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local.places import CHECKOUT, ENVIRONMENTS
from nightshift import registry
from tests.end_to_end import scheduler
from tests.end_to_end.conftest import FirstNights
from tests.end_to_end.scheduler import DAG

pytestmark = pytest.mark.timeout(1800)  # the first test waits for everything to start and two runs

BLOCKS = re.findall(r"```bash\n(.*?)```", (CHECKOUT / "README.md").read_text(), re.DOTALL)
ELSEWHERE = ("make run\n", "make test\n")  # the campaign types the first; the second is what runs this test
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("readme") / "nightshift"
    shutil.copytree(CHECKOUT, copy, ignore=NOT_COPIED)
    (copy / ".venv").symlink_to(ENVIRONMENTS)
    return copy


@pytest.fixture(scope="module")
def two_champions(nights: FirstNights) -> FirstNights:
    """A roll back needs somebody to go back to; no night is sure to bring a second champion."""
    from mlflow import MlflowClient

    address = nights.scheduler.home.mlflow_url
    act = registry.Act(by="the test", why="to have a previous champion", run_key="test")
    registry.promote(MlflowClient(address, address), DAG, "2", act, judged_against="1")
    return nights


def typed(block: str, checkout: Path, nights: FirstNights) -> str:
    return done(checkout, "/bin/bash", "-euo", "pipefail", "-c", block, **scheduler.typed(nights.scheduler.home))


def done(checkout: Path, *command: str, **surroundings: str) -> str:
    """What a command that succeeds has said."""
    run = subprocess.run(
        command, check=False, cwd=checkout, env=os.environ | surroundings, capture_output=True, text=True
    )
    said = run.stdout + run.stderr
    assert run.returncode == 0, f"{command}\n{said}"
    return said


@pytest.mark.parametrize("block", [block for block in BLOCKS if block not in ELSEWHERE], ids=str.strip)
def test_a_block_does_what_it_says(block: str, checkout: Path, two_champions: FirstNights) -> None:
    assert typed(block, checkout, two_champions)


def test_the_blocks_that_start_everything_name_targets_that_exist(checkout: Path, nights: FirstNights) -> None:
    for block in ELSEWHERE:
        assert block in BLOCKS
        assert typed(block.replace("make", "make --dry-run"), checkout, nights)
