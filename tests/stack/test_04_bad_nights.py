"""What happens to a night may not be seen in what it leaves."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from containers import up
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
    """All rows but what differs from try to try; a key that is there twice ends it."""
    found = {}
    for (layer, table), key in KEYS.items():
        rows = stack.table(BIKES, layer, table)
        keys = list(zip(*(rows[name].to_pylist() for name in key), strict=True))
        assert len(set(keys)) == len(keys), f"keys of {layer}/{table} are there twice"
        kept = sorted(set(rows.column_names) - set(BY_TRY))
        found[f"{layer}/{table}"] = sorted(rows.select(kept).to_pylist(), key=repr)
    return found
