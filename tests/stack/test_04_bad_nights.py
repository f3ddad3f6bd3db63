"""What happens to a night may not be seen in what it leaves."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest

from containers import up
from tests.campaign.disk import SmallDisk
from tests.stack.standing import BIKES, LAST, Standing, until

KEYS = {
    ("bronze", "rides"): ("file", "record"),
    ("bronze", "rides_files"): ("file", "hash"),
    ("silver", "rides"): ("at",),
    ("gold", "features"): ("at",),
    ("gold", "labels"): ("at",),
    ("gold", "daily"): ("day",),
    ("gold", "predictions"): ("at", "model_version"),
}
BY_TRY = ("scored_at", "run", "loaded_at")


def worker_killed(stack: Standing) -> None:
    time.sleep(4)  # in the middle of what it does, whatever that is
    stack.kill("spark-worker", 1)


def engine_killed(stack: Standing) -> None:
    time.sleep(4)
    stack.kill("engine")


def scheduler_killed(stack: Standing) -> None:
    stack.kill("scheduler")


def database_restarted(stack: Standing) -> None:
    stack.stack.docker("restart", stack.container("postgres"))
    until(stack.airflow.healthy, "a database that answers")  # till then a login is told that its password is wrong


def store_away_for_a_minute(stack: Standing) -> None:
    stack.stack.docker("stop", stack.container("store"))
    time.sleep(60)
    stack.stack.docker("start", stack.container("store"))


def stack_stopped_and_started(stack: Standing) -> None:
    stack.stack.compose("stop")
    up.start(stack.stack)


BAD = [
    ("train", worker_killed),
    ("refine", engine_killed),
    ("features", scheduler_killed),
    ("ingest", database_restarted),
    ("refine", store_away_for_a_minute),
    ("features", stack_stopped_and_started),
]


@pytest.mark.long
@pytest.mark.usefixtures("first_range")
@pytest.mark.parametrize(("stage", "happens"), BAD, ids=[happens.__name__ for _, happens in BAD])
def test_it_ends_well_with_nothing_lost_nothing_twice_and_nobody_left(
    stack: Standing, stage: str, happens: Callable[[Standing], None]
) -> None:
    and_all_is_well(stack, stage, happens)


@pytest.mark.long
@pytest.mark.usefixtures("first_range")
def test_a_full_disk_is_named_and_once_there_is_room_the_night_goes_on(stack: Standing) -> None:
    with small_disk(stack) as disk:

        def full(stack: Standing) -> None:
            with disk.full():
                night = str(stack.airflow.runs(BIKES)[0]["dag_run_id"])
                until(lambda: told_of_a_full_disk(stack, night), "a word about it")

        and_all_is_well(stack, "refine", full)


@pytest.mark.long
def test_an_engine_that_can_give_no_sign_of_life_stands_still_until_it_can(stack: Standing) -> None:
    assert java(stack) in ("S", "R")
    stack.stack.docker("pause", stack.container("store"))
    try:
        until(lambda: java(stack) == "T", "Java to stand still", within=15)
    finally:
        stack.stack.docker("unpause", stack.container("store"))
    until(lambda: java(stack) in ("S", "R"), "Java to go on", within=15)
    assert stack.inspect("engine")["RestartCount"] == 0


@pytest.mark.long
def test_an_engine_whose_lake_another_took_ends_its_java_at_once(stack: Standing) -> None:
    before = stack.inspect("engine")["RestartCount"]
    with stack.opened("engine").open_output_stream("lake/.engine") as file:
        file.write(b'{"engine": "one from elsewhere", "at": ""}')
    until(lambda: stack.inspect("engine")["RestartCount"] > before, "its end", within=30)
    assert "another engine, one from elsewhere, already works on s3://lake" in stack.log("engine")
    until(stack.well, "an engine again, for the other one is silent")


def java(stack: Standing) -> str:
    """How the engine's is: S sleeps, R runs, T stands still."""
    said = stack.inside("engine", "sh", "-c", "cat $(dirname $(grep -l '^java$' /proc/[0-9]*/comm))/stat").stdout
    return said.rpartition(")")[2].split()[0]


def told_of_a_full_disk(stack: Standing, night: str) -> bool:
    """By the try that could not write; or by an engine that could not even say that it lives, and stands still."""
    if "No space left on device. Java will stand still until there is one" in stack.log("engine"):
        return "engine" in str(up.unwell(stack.stack))
    return "the disk is full: free some space, then run again" in stack.airflow.log(BIKES, night, "refine")


@contextmanager
def small_disk(stack: Standing) -> Iterator[SmallDisk]:
    """All that the store holds, on a disk with a few megabytes left; and back again."""
    volume = Path(stack.stack.docker("volume", "inspect", "-f", "{{.Mountpoint}}", f"{stack.stack.name}_store").strip())
    disk = SmallDisk(volume, megabytes=200)
    moved(stack, volume, disk.mount)
    try:
        yield disk
    finally:
        moved(stack, volume, disk.unmount)


def moved(stack: Standing, volume: Path, change: Callable[[], None]) -> None:
    """What lies in the store's volume lies there again once its disk is another."""
    with TemporaryDirectory() as between:
        stack.stack.docker("stop", stack.container("store"))
        copied(volume, Path(between))
        change()
        copied(Path(between), volume)
        stack.stack.docker("start", stack.container("store"))
    until(stack.well, "the store on another disk")


def copied(here: Path, there: Path) -> None:
    """With owners, and with what the store notes beside its files."""
    for former in there.iterdir():
        shutil.rmtree(former)
    subprocess.run(["cp", "-a", f"{here}/.", there], check=True)


def and_all_is_well(stack: Standing, stage: str, happens: Callable[[Standing], None]) -> None:
    before, versions = everything(stack), stack.versions(BIKES)
    now = f"{datetime.now(UTC):%H%M%S}"
    run, corrected = f"{happens.__name__}-{now}", f"{LAST}/z{now}.csv"  # of a key's records the one of this file wins
    header, record, *_ = stack.raw(BIKES, "rides", LAST)
    stack.drop(f"{BIKES}/rides/{corrected}", header + b"\n" + record + b"\n")
    stack.start(BIKES, LAST, LAST, run=run, retrain="always" if stage == "train" else "never")
    until(lambda: stack.running(BIKES, run, stage), f"the start of {stage}")
    happens(stack)
    states = stack.finish(BIKES, run, within=600)
    assert stack.airflow.state(BIKES, run) == "success", states
    after = everything(stack)
    grown = {name: len(after[name]) - len(rows) for name, rows in before.items()}
    assert grown == dict.fromkeys(before, 0) | {
        "bronze/rides": 1,
        "bronze/rides_files": 1,
        "gold/predictions": grown["gold/predictions"] if stage == "train" else 0,  # a new champion's come beside them
    }
    assert [row["file"] for row in after["silver/rides"] if row["file"] == corrected] == [corrected]
    assert len(stack.versions(BIKES)) == len(versions) + (stage == "train")
    assert stack.inside("scheduler", "sh", "-c", "grep -lsz '[s]park_jobs' /proc/[0-9]*/cmdline").stdout == ""
    until(stack.well, "all parts to be well again")


def everything(stack: Standing) -> dict[str, list[Any]]:
    return all_rows(partial(stack.table, BIKES))


def all_rows(read: Callable[[str, str], pa.Table]) -> dict[str, list[Any]]:
    """All but what differs from try to try; a key that is there twice ends it."""
    found = {}
    for (layer, table), key in KEYS.items():
        rows = read(layer, table)
        keys = list(zip(*(rows[name].to_pylist() for name in key), strict=True))
        assert len(set(keys)) == len(keys), f"keys of {layer}/{table} are there twice"
        kept = sorted(set(rows.column_names) - set(BY_TRY))
        found[f"{layer}/{table}"] = sorted(rows.select(kept).to_pylist(), key=repr)
    return found
