"""What a person types about a workspace: shown first, done once, refused in words."""

import os
import shutil
import time
from pathlib import Path

import pytest

from local.commands import CannotGoOn
from nightshift.databricks.wheel import Wheel
from tests.databricks.address import CATALOG, SCHEMA
from tests.databricks.alone.conftest import Task
from tests.databricks.alone.test_once import Began, Tell, until
from tests.databricks.fake.runs import Run
from tests.databricks.fake.server import Workspace
from workspace.check import check
from workspace.connected import Connected
from workspace.deploy import deploy, found, superseded
from workspace.down import down
from workspace.up import up

LAKE = f"{CATALOG}.{SCHEMA}"
VOLUME = f"{LAKE}.nightshift"
TABLE = f"{LAKE}.bike_sharing_silver_rides"


def wheels(fake: Workspace) -> Path:
    return fake.files.root / "volume" / "wheels"


def test_where_no_folder_of_wheels_is_there_are_none(fake: Workspace, signed_in: Connected) -> None:
    assert len(found(signed_in)) == 1
    shutil.rmtree(wheels(fake))
    assert found(signed_in) == []


def test_up_shows_what_it_will_make_makes_it_and_then_finds_it(
    fake: Workspace, signed_in: Connected, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAN", "yes")
    up(signed_in)
    assert f"make  schema {LAKE}" in capsys.readouterr().out
    assert fake.catalog.schemas == set()
    monkeypatch.delenv("PLAN")
    up(signed_in)
    assert (fake.catalog.schemas, fake.catalog.volumes) == ({LAKE}, {VOLUME})
    assert f"/Shared/nightshift/{LAKE}" in fake.catalog.folders
    capsys.readouterr()
    up(signed_in)
    assert "make " not in capsys.readouterr().out


def test_up_grants_what_is_lacking_and_check_then_finds_nothing(
    fake: Workspace, signed_in: Connected, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRINCIPAL", "nights")
    with pytest.raises(CannotGoOn, match="lacks 3 of what a night needs"):
        check(signed_in)
    up(signed_in)
    (wheels(fake) / Wheel().name).unlink()
    deploy(signed_in)
    check(signed_in)
    fake.catalog.rights["schema", LAKE]["nights"].remove("MODIFY")
    fake.catalog.rights["volume", VOLUME]["nights"].remove("WRITE_VOLUME")
    capsys.readouterr()
    with pytest.raises(CannotGoOn, match="lacks 2"):
        check(signed_in)
    said = capsys.readouterr().out
    assert f"MODIFY on schema {LAKE}: GRANT MODIFY ON SCHEMA {LAKE} TO `nights`" in said
    assert f"WRITE_VOLUME on volume {VOLUME}" in said


@pytest.fixture
def remove(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMOVE", "yes")


def test_down_shows_what_would_go_and_removes_nothing_until_it_is_told_to(
    fake: Workspace, signed_in: Connected, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    up(signed_in)
    fake.catalog.tables.add(TABLE)
    monkeypatch.setenv("DROP", "yes")
    capsys.readouterr()
    down(signed_in)
    said = capsys.readouterr().out
    assert [line.split()[1:] for line in said.splitlines() if "remove " in line] == [
        ["table", TABLE],
        ["folder", f"/Shared/nightshift/{LAKE}"],
        ["volume", VOLUME],
        ["schema", LAKE],
    ]
    assert "Nothing is removed yet: type it again with REMOVE=yes" in said
    assert (fake.catalog.schemas, fake.catalog.volumes, fake.catalog.tables) == ({LAKE}, {VOLUME}, {TABLE})


def test_down_removes_what_up_made(fake: Workspace, signed_in: Connected, remove: None) -> None:
    up(signed_in)
    down(signed_in)
    assert (fake.catalog.schemas, fake.catalog.volumes) == (set(), set())
    down(signed_in)


def test_down_keeps_tables_models_and_their_files_unless_told_to_drop_them(
    fake: Workspace,
    signed_in: Connected,
    remove: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    up(signed_in)
    fake.catalog.tables.add(TABLE)
    fake.catalog.models.add(f"{LAKE}.bike_sharing")
    down(signed_in)
    assert (fake.catalog.schemas, fake.catalog.volumes, fake.catalog.tables) == ({LAKE}, {VOLUME}, {TABLE})
    assert f"/Shared/nightshift/{LAKE}" in fake.catalog.folders
    said = capsys.readouterr().out
    assert f"keep  volume {VOLUME}" in said
    assert "Type DROP=yes behind it" in said
    monkeypatch.setenv("DROP", "yes")
    down(signed_in)
    left = fake.catalog
    assert (left.tables, left.models, left.schemas, left.volumes) == (set(), set(), set(), set())
    assert f"/Shared/nightshift/{LAKE}" not in left.folders


def test_down_leaves_what_somebody_else_made(
    fake: Workspace, signed_in: Connected, remove: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.catalog.schemas.add(LAKE)
    fake.catalog.volumes.add(VOLUME)
    up(signed_in)
    theirs = {f"{LAKE}.orders", f"{LAKE}.bike_sharing"}  # which is the name of a model of ours, and of no table
    fake.catalog.tables = {TABLE, *theirs}
    fake.catalog.models = {f"{LAKE}.bike_sharing", f"{LAKE}.churn"}
    monkeypatch.setenv("DROP", "yes")
    down(signed_in)
    assert (fake.catalog.schemas, fake.catalog.volumes) == ({LAKE}, {VOLUME})
    assert (fake.catalog.tables, fake.catalog.models) == (theirs, {f"{LAKE}.churn"})


@pytest.mark.parametrize("theirs", [("tables", "wine_quality"), ("models", "churn"), ("volumes", "wine_quality")])
def test_a_schema_of_ours_stays_while_it_holds_what_is_not(
    theirs: tuple[str, str], fake: Workspace, signed_in: Connected, remove: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(signed_in)
    getattr(fake.catalog, theirs[0]).add(f"{LAKE}.{theirs[1]}")
    monkeypatch.setenv("DROP", "yes")
    down(signed_in)
    assert (fake.catalog.schemas, VOLUME in fake.catalog.volumes) == ({LAKE}, False)


def test_models_are_handed_to_whoever_runs_nights_for_only_an_owner_moves_an_alias(
    fake: Workspace, signed_in: Connected, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRINCIPAL", "nights")
    up(signed_in)
    fake.catalog.models |= {f"{LAKE}.bike_sharing", f"{LAKE}.theirs"}
    with pytest.raises(CannotGoOn, match="lacks 1"):
        check(signed_in)
    said = capsys.readouterr().out
    assert (
        f"lacks  ownership of model {LAKE}.bike_sharing, which is ann@example.org's: type `make databricks-up" in said
    )
    up(signed_in)
    assert fake.catalog.owners == {f"{LAKE}.bike_sharing": "nights"}
    check(signed_in)
    capsys.readouterr()
    up(signed_in)
    assert "owns" not in capsys.readouterr().out


def test_down_refuses_while_a_run_is_at_work(fake: Workspace, signed_in: Connected, tell: Tell, began: Began) -> None:
    up(signed_in)
    tell(wait=60)
    Task().begin()
    until(began)
    with pytest.raises(CannotGoOn, match=f"Runs are at work: nightshift {LAKE} bike_sharing ingest"):
        down(signed_in)
    assert fake.catalog.volumes == {VOLUME}


def test_nor_while_a_bundle_s_night_is(fake: Workspace, signed_in: Connected) -> None:
    up(signed_in)
    name = f"[dev ann] nightshift {LAKE} bike_sharing night bundle 0123456789ab night"
    fake.runs.all[1] = Run(1, 2, {"run_name": name, "tasks": [{"task_key": "train"}]}, time.time(), life="RUNNING")
    with pytest.raises(CannotGoOn, match="Runs are at work"):
        down(signed_in)


def test_deploying_the_same_code_again_changes_nothing(
    fake: Workspace, signed_in: Connected, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (wheels(fake) / Wheel().name).stat()
    deploy(signed_in)
    assert "is there already" in capsys.readouterr().out
    assert (wheels(fake) / Wheel().name).stat().st_mtime == before.st_mtime


def test_a_wheel_is_the_same_bytes_each_time_and_another_one_for_other_code(tmp_path: Path) -> None:
    assert Wheel().built() == Wheel().built()
    jobs = tmp_path / "spark_jobs"
    jobs.mkdir()
    (jobs / "requirements.txt").write_bytes((Wheel().checkout / "spark_jobs" / "requirements.txt").read_bytes())
    (jobs / "a.py").write_text("A = 1\n")
    first = Wheel(tmp_path).name
    (jobs / "a.py").write_text("A = 2\n")
    assert Wheel(tmp_path).name != first


def test_a_wheel_holds_what_a_use_case_has_beside_its_code_and_nothing_that_only_this_machine_has(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "spark_jobs" / "use_cases" / "churn"
    for name in ("churn.py", "holidays.csv", "README.md", ".churn.py.swp", "__pycache__/churn.cpython-311.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (tmp_path / "spark_jobs" / "requirements.txt").touch()
    within = "spark_jobs/use_cases/churn"
    assert list(Wheel(tmp_path).files()) == [f"{within}/churn.py", f"{within}/holidays.csv"]


def test_old_wheels_go_but_for_the_newest_and_those_a_run_began_with(
    fake: Workspace, signed_in: Connected, tell: Tell, began: Began
) -> None:
    tell(wait=60)
    Task().begin()
    until(began)
    used = Wheel().name
    for number in range(9):
        (wheels(fake) / f"nightshift_jobs-0.1.0+{number:012}-py3-none-any.whl").write_bytes(b"old")
    os.utime(wheels(fake) / used, (0, 0))  # the oldest of all
    newer = wheels(fake) / "nightshift_jobs-0.1.0+ffffffffffff-py3-none-any.whl"
    newer.write_bytes(b"new")
    named = f"nightshift_jobs-0.1.0+{0:012}-py3-none-any.whl"
    os.utime(wheels(fake) / named, (1, 1))
    fake.jobs += ["another's", f"[dev ann] nightshift {LAKE} bike_sharing night bundle {0:012} night"]
    gone = superseded(signed_in, newer.name)
    assert len(gone) == 4
    assert not {used, named} & set(gone)
    assert len(found(signed_in)) == 11
