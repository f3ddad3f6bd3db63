"""What a person types after `make` is text for a program, never words for make or a shell."""

import json
import subprocess
from pathlib import Path

import pytest

from local.airflow_cli import words
from local.commands import CannotGoOn

ROOT = Path(__file__).parents[2]
TYPED = {
    "airflow": ("ARGS",),
    "bench": ("BENCH", "DATA"),
    "data": ("USE_CASE", "FROM"),
    "backup": ("TO",),
    "bundle": ("TO",),
    "campaign": ("ONE_OF", "SEED"),
    "databricks-check": ("PRINCIPAL",),
    "databricks-down": ("DROP", "REMOVE"),
    "databricks-import": ("FROM", "LANDING", "REPLACE", "PRINCIPAL"),
    "databricks-up": ("PLAN", "PRINCIPAL", "WITH"),
    "image": ("MODEL", "VERSION"),
    "predict": ("MODEL", "FILE", "OUT", "VERSION"),
    "publish": ("MODEL", "TO", "VERSION", "ALIASES"),
    "kills": ("KILLS", "SEED"),
    "release": ("MODEL", "REASON"),
    "restore": ("FROM", "REPLACE"),
    "rollback": ("MODEL", "REASON", "VERSION"),
    "serve": ("MODEL", "VERSION", "SERVE_PORT", "ANYBODY"),
    "serve-key": ("NAME",),
    "sql": ("QUERY",),
    "stack": ("WORKERS",),
    "stack-key": ("NAME",),
    "stream-anew": ("USE_CASE",),
    "stack-import": ("REPLACE",),
    "stack-nights": ("ONE_OF",),
    "stack-remove": ("DATA",),
    "use-case": ("NAME", "KIND"),
}
HOSTILE = (
    "`touch {}`",
    "$(touch {})",
    "$(shell touch {})",
    "$$(touch {})",
    "'; touch {}; '",
    '"; touch {}; "',
    "a\ntouch {}",
)

# In the place of every program that make starts: says what it was told.
LISTENER = """#!/usr/bin/env python3
import json, os, sys
print(json.dumps({"argv": sys.argv[1:], "environment": dict(os.environ)}))
"""


def make(*words: str) -> str:
    """Real make, as if everything were installed."""
    command = ["make", "--old-file=install", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def listener(tmp_path: Path) -> tuple[str, str, str]:
    """The words that put it in the place of every side's Python."""
    (tmp_path / "python").write_text(LISTENER)
    (tmp_path / "python").chmod(0o755)
    return f"PYTHON={tmp_path}/python", f"SPARK={tmp_path}", f"AIRFLOW={tmp_path}"


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("target", TYPED)
def test_what_is_typed_arrives_as_it_was_typed_and_is_not_run(
    target: str, hostile: str, listener: tuple[str, str, str], tmp_path: Path
) -> None:
    text = hostile.format(tmp_path / "ran")
    programs = make(target, *listener, *(f"{name}={text}" for name in TYPED[target])).splitlines()
    assert programs
    for told in map(json.loads, programs):
        assert {name: told["environment"][name] for name in TYPED[target]} == dict.fromkeys(TYPED[target], text)
        assert not any("touch" in word for word in told["argv"])
    assert not (tmp_path / "ran").exists()


def test_every_variable_the_list_of_targets_names_is_one_of_these() -> None:
    shown = {line.split()[1]: line for line in make("help").splitlines()}
    for target, names in TYPED.items():
        assert all(f"{name}=" in shown[target] for name in names)
    assert not [line for target, line in shown.items() if "=" in line and target not in (*TYPED, "run")]


def test_a_name_that_is_a_command_is_refused_by_the_real_program(tmp_path: Path) -> None:
    text = f"`touch {tmp_path}/ran`"
    command = ["make", "use-case", f"NAME={text}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"NAME={text!r}: use lower-case letters" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_arguments_for_airflow_are_split_as_a_shell_would_and_never_run() -> None:
    assert words("dags list --output 'a b' $(x) `y`") == ["dags", "list", "--output", "a b", "$(x)", "`y`"]
    with pytest.raises(CannotGoOn, match=r"ARGS: .* cannot be read: No closing quotation"):
        words("dags list 'x")
