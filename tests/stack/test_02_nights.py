"""The same Dags and jobs give the same rows and the same verdict as on a laptop."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from benchmarks.lakes import BEFORE_TRAINING, Town, job, jobs
from engine.running import running
from local.places import CHECKOUT
from spark_jobs.declare import Job, Retrain, Stage, Window
from tests.stack.standing import BIKES, FIRST, LAST, NIGHT, Standing, until

MACHINES = "predictive_maintenance"
TABLES = (
    *(("bronze", "rides"), ("silver", "rides"), ("silver", "forecast"), ("quarantine", "rides")),
    *(("gold", "features"), ("gold", "labels")),
)
BY_TRY = ("scored_at", "run", "loaded_at")  # differ from try to try


def rows(table: pa.Table) -> list[dict[str, Any]]:
    kept = sorted(name for name in table.column_names if name not in BY_TRY)
    return sorted(table.select(kept).to_pylist(), key=repr)


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, dict[str, Any]]]:
    """The same range by the same jobs, with an engine of this machine; and what its evaluate said."""
    folder = tmp_path_factory.mktemp("laptop")
    with running(folder, folder / "lake") as engine:
        town, window = Town(folder, engine), Window.of(FIRST, LAST)
        for days in (Window.of(NIGHT, NIGHT), window):  # the stack's scheduler begins with the night that is due
            for one in jobs(days, BEFORE_TRAINING, BIKES):
                _said(town, one)
        version = _said(town, job(Stage.TRAIN, window, Retrain.ALWAYS))["version"]
        yield town, _said(town, job(Stage.EVALUATE, window, version=version))


def _said(town: Town, one: Job) -> dict[str, Any]:
    """A job's last line."""
    done = subprocess.run(
        town.command(one),
        cwd=town.folder,  # an MLflow without a server keeps artifacts where one stands
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(("layer", "table"), TABLES)
def test_a_range_leaves_the_rows_that_it_leaves_on_a_laptop(
    stack: Standing, first_range: Any, laptop: tuple[Town, dict[str, Any]], layer: str, table: str
) -> None:
    """Read by delta-rs, through the store's own address."""
    there = rows(stack.table(BIKES, layer, table))
    here = rows(DeltaTable(f"{laptop[0].folder}/lake/{BIKES}/{layer}/{table}").to_pyarrow_table())
    assert here
    assert there == here


def test_its_verdict_is_a_laptop_s_too_to_the_last_digit(
    first_range: dict[str, Any], laptop: tuple[Town, dict[str, Any]]
) -> None:
    for part in ("verdict", "reasons", "numbers"):
        assert first_range[part] == laptop[1][part]
    assert first_range["verdict"] == "PROMOTE"


def test_a_night_of_each_use_case_comes_to_its_end(stack: Standing, first_range: dict[str, Any]) -> None:
    until(lambda: stack.airflow.knows(MACHINES), f"Reading dags/{MACHINES}.py")
    stack.airflow.pause(MACHINES, paused=False)
    scheduled = until(lambda: stack.airflow.runs(MACHINES), "the nightly run")[0]["dag_run_id"]
    bikes = stack.through(BIKES, NIGHT, NIGHT, run="night")
    assert bikes["score"] == bikes["close_run"] == "success", bikes
    machines = stack.finish(MACHINES, scheduled)
    assert machines["features"] == machines["close_run"] == "success", machines
    assert len(stack.table(BIKES, "gold", "predictions").to_pylist()) > 24
    assert stack.table(MACHINES, "gold", "features").num_rows > 0


def test_what_people_drop_into_the_bucket_is_read_as_from_a_folder(stack: Standing) -> None:
    """Another night finds it, whatever its folder, and quarantines what it cannot read."""
    stack.drop(f"bike_sharing/rides/{FIRST}/dropped.csv", b"this,is,no,header\n1,2,3,4\n")
    states = stack.through(BIKES, FIRST, FIRST, run="dropped")
    assert states["close_run"] == "success", states
    refused = stack.table(BIKES, "quarantine", "rides").to_pylist()
    assert [row["file"] for row in refused if "dropped.csv" in row["file"]] == [f"{FIRST}/dropped.csv"]
