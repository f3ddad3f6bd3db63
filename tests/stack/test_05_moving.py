"""All a stack knows, out of it and into an empty one; and new secrets under way."""

from pathlib import Path
from typing import Any

import pytest

from containers import moving
from local.commands import CannotGoOn
from tests.stack.standing import BIKES, Standing
from tests.stack.test_04_bad_nights import everything

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("first_range")]


def known(stack: Standing) -> dict[str, Any]:
    versions = [(one["version"], one.get("aliases"), one.get("tags")) for one in stack.versions(BIKES)]
    runs = {(run["dag_run_id"], run["state"]) for run in stack.airflow.runs(BIKES)}
    return {"rows": everything(stack), "versions": versions, "champion": stack.champion(BIKES), "runs": runs}


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
    monkeypatch.setenv("REPLACE", "yes")
    moving.restore(stack.stack)
    assert known(stack) == before


def test_new_secrets_take_the_old_ones_place(stack: Standing) -> None:
    before, data = {file.name: file.read_text() for file in stack.stack.secrets.iterdir()}, known(stack)
    moving.rotate(stack.stack)
    after = {file.name: file.read_text() for file in stack.stack.secrets.iterdir()}
    same = {name for name in before if before[name] == after[name]}
    assert same == {"airflow-fernet", "airflow-admin", "mlflow-admin"}
    assert known(stack) == data
    day = data["rows"]["gold/daily"][-1]["day"]
    states = stack.through(BIKES, day, day, run="with-new-secrets")
    assert states["close_run"] == "success", states
