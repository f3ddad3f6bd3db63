"""A use case just made, asked what every other is asked."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local.new_use_case import __main__ as new_use_case
from local.places import CHECKOUT, ENVIRONMENTS, python


@pytest.mark.long
@pytest.mark.parametrize("kind", ["model", "tables"])
@pytest.mark.parametrize(
    ("side", "folders"), [("airflow", ["tests/contract", "tests/dags"]), ("spark", ["tests/use_cases"])]
)
def test_it_passes_every_test_it_is_a_parameter_of(tmp_path: Path, side: str, folders: list[str], kind: str) -> None:
    copy = tmp_path / "nightshift"
    shutil.copytree(CHECKOUT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    new_use_case.write("churn", copy, kind)
    tests = [str(python(ENVIRONMENTS / side)), "-m", "pytest", "-q", "-k", "churn", *folders]
    around = os.environ | {"PYTHONPATH": f"{copy}:{copy}/plugins"}
    run = subprocess.run(tests, check=False, cwd=copy, env=around, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"[1-9]\d* passed", run.stdout)
