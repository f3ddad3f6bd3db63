"""All a stack knows, out of it and into an empty one; an older release's; a laptop's; and new secrets under way."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from containers import moving, up
from local.commands import CannotGoOn
from local.first_nights import all_of_them, succeeded
from tests.end_to_end.checkout import copied, running_from
from tests.end_to_end.scheduler import scheduler_at
from tests.stack.standing import BIKES, NIGHT, Standing
from tests.stack.test_04_bad_nights import KEYS, all_rows, everything

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("first_range")]
EARLIER = "3.2.0"  # Airflow's tables are made as they were there
MLFLOW_EARLIER = "1971f2d9a75b"  # and MLflow's as they were some changes ago
DOWNGRADE = f"""
from alembic import command
from containers.places import url
from mlflow.store.db.utils import _get_alembic_config
command.downgrade(_get_alembic_config(url("mlflow")), "{MLFLOW_EARLIER}")
"""


def known(stack: Standing) -> dict[str, Any]:
    versions = [(one["version"], one.get("aliases", []), one.get("tags", [])) for one in stack.versions(BIKES)]
    runs = {(run["dag_run_id"], run["state"]) for run in stack.airflow.runs(BIKES)}
    return {"rows": everything(stack), "versions": versions, "champion": stack.champion(BIKES), "runs": runs}


def a_night_goes_on(stack: Standing, run: str) -> None:
    states = stack.through(BIKES, NIGHT, NIGHT, run=run)
    assert (states["score"], states["close_run"]) == ("success", "success"), states


def test_a_backup_put_back_is_the_stack_that_was_saved(
    stack: Standing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TO", str(tmp_path / "kept"))
    monkeypatch.setenv("FROM", str(tmp_path / "kept"))
    tmp_path.chmod(0o755)
    before = known(stack)
    moving.backup(stack.stack)
    with pytest.raises(CannotGoOn, match=r"This stack is not empty: .* REPLACE=yes takes all of it away first"):
        moving.restore(stack.stack)
    assert stack.well()  # a refusal ends nothing
    stack.stack.compose("down", "--volumes")
    moving.restore(stack.stack)
    assert known(stack) == before
    a_night_goes_on(stack, "after-the-backup")


def test_new_secrets_take_the_old_ones_place(stack: Standing) -> None:
    before, data = {file.name: file.read_text() for file in stack.stack.secrets.iterdir()}, known(stack)
    moving.rotate(stack.stack)
    after = {file.name: file.read_text() for file in stack.stack.secrets.iterdir()}
    same = {name for name in before if before[name] == after[name]}
    assert same == {"airflow-fernet", "airflow-admin", "mlflow-admin"}
    assert known(stack) == data
    a_night_goes_on(stack, "with-new-secrets")


def test_what_an_earlier_release_made_is_migrated_once_and_nights_go_on(stack: Standing) -> None:
    data, migrated = known(stack), stack.migrations()
    stack.stack.compose("stop", *moving.WRITERS)
    once = ["run", "--rm", "-T", "--no-deps", "prepare"]
    stack.stack.compose(*once, "airflow", "db", "downgrade", "--to-version", EARLIER, "--yes")
    stack.stack.compose(*once, moving.PYTHON, "-c", DOWNGRADE)
    up.start(stack.stack)
    now = stack.migrations()
    assert len(now) > len(migrated) + 1
    assert known(stack) == data
    up.start(stack.stack)
    assert stack.migrations() == now
    a_night_goes_on(stack, "with-an-earlier-database")


@dataclass(frozen=True, kw_only=True)
class Laptop:
    """A home where a first range and a night were run, and nothing is up any more."""

    home: Path
    versions: list[Any]
    runs: set[tuple[str, str]]

    def rows(self) -> dict[str, list[Any]]:
        return all_rows(lambda layer, table: self.table(layer, table).to_pyarrow_table())

    def table(self, layer: str, table: str) -> DeltaTable:
        return DeltaTable(f"{self.home}/lake/{BIKES}/{layer}/{table}")


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    from mlflow import MlflowClient

    with running_from(copied(tmp_path / "checkout")), scheduler_at(tmp_path / "home") as there:
        assert succeeded(all_of_them(there.services, 30))
        client = MlflowClient(there.home.mlflow_url, there.home.mlflow_url)
        numbers = sorted(int(one.version) for one in client.search_model_versions(f"name='{BIKES}'"))
        found = [client.get_model_version(BIKES, str(number)) for number in numbers]
        runs = {(run["dag_run_id"], run["state"]) for run in there.airflow.runs(BIKES)}
    versions = [(one.version, list(one.aliases), dict(one.tags)) for one in found]
    return Laptop(home=tmp_path / "home", versions=versions, runs=runs)


def test_a_laptop_moves_in_and_may_do_so_again(
    stack: Standing, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(laptop.home))
    with pytest.raises(CannotGoOn, match="This stack is not empty"):
        moving.bring(stack.stack)
    monkeypatch.setenv("REPLACE", "yes")
    for night in ("moved-in", "moved-in-again"):
        moving.bring(stack.stack)
        there = known(stack)
        assert there["rows"] == laptop.rows()
        assert [(number, aliases, tags_of(tags)) for number, aliases, tags in there["versions"]] == laptop.versions
        assert there["runs"] >= laptop.runs
        for layer, table in KEYS:
            assert stack.delta(BIKES, layer, table).history() == laptop.table(layer, table).history()
        a_night_goes_on(stack, night)


def tags_of(listed: list[dict[str, str]]) -> dict[str, str]:
    return {one["key"]: one["value"] for one in listed}
