"""What a person says of the stack is said once."""

from pathlib import Path

import pytest

from containers import settings
from containers.compose import from_environment


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in settings.NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STACK_FOLDER", str(tmp_path))
    return tmp_path


def test_it_holds_until_something_else_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "4")
    monkeypatch.setenv("ENGINE_MEMORY", "3g")
    first = from_environment()
    settings.keep(first.settings, first.said)
    monkeypatch.delenv("WORKERS")
    monkeypatch.setenv("ENGINE_MEMORY", "4g")
    assert (from_environment().workers, from_environment().environment()["ENGINE_MEMORY"]) == (4, "4g")


def test_what_was_said_before_reaches_compose_too(folder: Path) -> None:
    settings.keep(folder / "settings", {"JOBS_LIMIT": "8g"})
    assert from_environment().environment()["JOBS_LIMIT"] == "8g"


def test_an_empty_word_goes_back_to_the_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.keep(folder / "settings", {"AIRFLOW_PORT": "8081", "ENGINE_MEMORY": "3g"})
    monkeypatch.setenv("AIRFLOW_PORT", "")
    monkeypatch.setenv("ENGINE_MEMORY", "")
    stack = from_environment()
    assert stack.ports == settings.PORTS
    assert "ENGINE_MEMORY" not in stack.environment()
    assert stack.environment()["AIRFLOW_BASE_URL"] == "http://localhost:8080"


def test_only_its_owner_reads_it(folder: Path) -> None:
    settings.keep(folder / "settings", {"PIP_INDEX_URL": "https://somebody:word@registry.example/simple"})
    assert (folder / "settings").stat().st_mode & 0o077 == 0
    assert from_environment().said == {"PIP_INDEX_URL": "https://somebody:word@registry.example/simple"}


def test_other_settings_of_the_shell_are_passed_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///elsewhere")
    assert from_environment().environment()["DOCKER_HOST"] == "unix:///elsewhere"
    assert "DOCKER_HOST" not in from_environment().said
