"""What an import says and sends beside models, where no MLflow is: a laptop that learned nothing, with a raw file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databricks.address import CATALOG, SCHEMA, told
from tests.databricks.fake.server import Workspace, workspace
from workspace import bring
from workspace.connected import Connected, connected

MODEL = f"{CATALOG}.{SCHEMA}.bike_sharing"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    with workspace(tmp_path / "workspace") as found:
        settings = told(found.address, tmp_path / "workspace" / "volume")
        for name, value in (settings | {"DATABRICKS_HOST": found.address, "DATABRICKS_TOKEN": "dapi-of-runs"}).items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def signed_in(fake: Workspace) -> Connected:
    return connected()


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A laptop that has learned nothing, and one raw file."""
    monkeypatch.setattr(bring, "names", list)
    day = tmp_path / "home" / "landing" / "bike_sharing" / "rides" / "2024-01-01"
    day.mkdir(parents=True)
    (day / "rides.csv").write_text("a,b\n")
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "landing"


def test_raw_files_of_a_stack_are_never_those_of_the_laptop(
    signed_in: Connected, imported: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM", "http://mlflow.of.a.stack")
    bring.bring(signed_in)
    said = capsys.readouterr().out
    assert "copy them into a folder, and give it as LANDING" in said
    assert "raw files are new there" not in said
    monkeypatch.setenv("LANDING", str(imported))
    bring.bring(signed_in)
    assert "1 raw files are new there" in capsys.readouterr().out


def test_a_laptop_s_are_sent_and_its_models_handed_to_whoever_runs_nights(
    fake: Workspace,
    signed_in: Connected,
    imported: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake.catalog.models.add(MODEL)
    bring.bring(signed_in)
    said = capsys.readouterr().out
    assert "1 raw files are new there" in said
    assert "Models are yours" in said
    monkeypatch.setenv("PRINCIPAL", "nights")
    bring.bring(signed_in)
    assert fake.catalog.owners == {MODEL: "nights"}
