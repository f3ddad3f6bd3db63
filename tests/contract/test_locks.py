"""The requirement files say what the groups of pyproject.toml say."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from local.places import CHECKOUT, uv

FILES = {
    "airflow": "requirements.txt",
    "spark": "spark_jobs/requirements.txt",
    "serving": "containers/requirements/serving.txt",
    "test": "tests/requirements.txt",
    "java": "local/requirements/java.txt",
    "uv": "local/requirements/uv.txt",
    "stack-airflow": "containers/requirements/airflow.txt",
    "stack-spark": "containers/requirements/spark.txt",
    "stack-store": "containers/requirements/store.txt",
}
STANDS_ON = {
    "airflow": FILES["test"],
    "spark": FILES["test"],
    "serving": FILES["spark"],
    "stack-airflow": FILES["airflow"],
    "stack-spark": FILES["spark"],
}


def pins(file: Path) -> list[str]:
    """One line per package: name, version and marker."""
    return re.findall(r"^[a-z0-9].*==.*?(?= \\$)", file.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_group_is_locked() -> None:
    declared = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    assert sorted(declared) == sorted(FILES)


@pytest.mark.parametrize("group", FILES)
def test_resolving_a_group_again_changes_nothing(group: str, tmp_path: Path) -> None:
    """What is pinned stays pinned, so only a change of the group can make a difference, never the passing of time."""
    fresh = tmp_path / "requirements.txt"
    shutil.copy(CHECKOUT / FILES[group], fresh)
    command = [uv(), "pip", "compile", "pyproject.toml", "--group", group, "--output-file", str(fresh), "--quiet"]
    command += ["--universal", "--generate-hashes", "--python-version", "3.11"]
    if group in STANDS_ON:
        command += ["--constraint", STANDS_ON[group]]
    index = os.environ.get("UV_DEFAULT_INDEX", os.environ.get("PIP_INDEX_URL", ""))
    surroundings = os.environ | ({"UV_DEFAULT_INDEX": index} if index else {})
    subprocess.run(command, cwd=CHECKOUT, env=surroundings, check=True)
    assert pins(fresh) == pins(CHECKOUT / FILES[group]), f"group {group} has changed: type `make lock`"


def test_the_stack_holds_the_packages_of_a_laptop_and_some_more() -> None:
    """The same pins, so that what was proven on one runs on the other."""
    for group, more in (("airflow", "stack-airflow"), ("spark", "stack-spark")):
        ours, theirs = ({line.split(" ;")[0] for line in pins(CHECKOUT / FILES[one])} for one in (group, more))
        named = {line.split("==")[0] for line in theirs}
        assert {line for line in ours if line.split("==")[0] in named} <= theirs


def test_what_serves_holds_packages_of_a_laptop_and_no_other() -> None:
    """A model is loaded by the libraries that fitted it."""
    ours, theirs = ({line.split(" ;")[0] for line in pins(CHECKOUT / FILES[one])} for one in ("spark", "serving"))
    assert theirs <= ours


@pytest.mark.parametrize("file", FILES.values())
def test_every_pin_has_hashes_and_no_file_names_a_place(file: str) -> None:
    text = (CHECKOUT / file).read_text(encoding="utf-8")
    requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert [line for line in requirements if not line.endswith("\\")] == []
    assert len(requirements) == len(pins(CHECKOUT / file))
    assert "://" not in text
    assert "--index" not in text


def test_the_lock_file_that_names_download_addresses_is_not_kept() -> None:
    assert not (CHECKOUT / "uv.lock").exists()
