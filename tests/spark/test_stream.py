"""A stream brings what a night would have brought, once, whatever becomes of it and of its checkpoint."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.__main__ import few
from spark_jobs.declare import Column, Job, Kind, Place, RawTable, Refused, Stage, Tables, Window
from spark_jobs.stages import ingest
from spark_jobs.tables.ledger import Ledger
from spark_jobs.work import Work

DAY = timedelta(days=1)
FIRST = date(2024, 3, 1)
STREAM = RawTable(
    name="events",
    json=True,
    columns=(Column(name="number", kind=Kind.INTEGER), Column(name="day", kind=Kind.DAY)),
    key=("number",),
    day_column="day",
    event_time="day",
    stream=True,
)
BRONZE = ("day", "arrival_day", "file", "hash", "record", "line", "raw", "fields", "problem")
LEDGER = ("file", "arrival_day", "hash", "records", "problem", "days")


@dataclass(frozen=True)
class Lake:
    """Where files of one table land, and what the lake makes of them."""

    spark: SparkSession
    folder: Path
    landing: Path
    table: RawTable = STREAM

    @property
    def work(self) -> Work:
        use_case = Tables(name="streamed", summary="s", grain="g", tables=(self.table,))
        place = Place(lake=f"{self.folder}/lake", landing=str(self.landing), tracking="", registry="", source="own")
        job = Job(stage=Stage.INGEST, use_case=use_case.name, window=Window.of(FIRST))
        return Work(job=job, place=place, use_case=use_case, spark=self.spark)

    @property
    def checkpoint(self) -> Path:
        return Path(self.work.place.checkpoint("streamed", "events"))

    def file(self, name: str, *lines: str, day: int = 0) -> Path:
        path = self.landing / "streamed" / "events" / str(FIRST + day * DAY) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*lines, ""]) if lines else "")
        return path

    def ingest(self) -> dict[str, int]:
        return dict(ingest.run(self.work)["rows"]["events"])

    def rows(self, name: str, columns: tuple[str, ...]) -> list[Any]:
        found = self.work.lake.table("bronze", name).read().select(*columns).collect()
        return sorted(map(tuple, found), key=repr)

    @property
    def all(self) -> tuple[list[Any], list[Any]]:
        return self.rows("events", BRONZE), self.rows("events_files", LEDGER)


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, tmp_path, tmp_path / "landing")


def at_once(lake: Lake) -> Lake:
    """The same files, as a night takes them."""
    return replace(lake, folder=lake.folder / "night", table=replace(lake.table, stream=False))


def line(number: int, day: int = 0) -> str:
    return f'{{"number": {number}, "day": "{FIRST + day * DAY}"}}'


def agrees(lake: Lake) -> None:
    night = at_once(lake)
    night.ingest()
    assert lake.all == night.all


def test_stream_and_night_of_the_same_files_agree_in_every_column(lake: Lake, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    lake.file("one.json", line(1), "no line", line(2, day=5))
    lake.file("empty.json")
    lake.file("blank lines.json", "", "")
    lake.file("draft.json.tmp", line(9))
    lake.file(".hidden.json", line(9))
    lake.file("a [b] {c} 100%.json", line(3), day=1)
    (lake.landing / "streamed" / "events" / "notes").mkdir()
    (lake.landing / "streamed" / "events" / "notes" / "read me.json").write_text(line(8))
    counts = lake.ingest()
    assert counts == {"files": 4, "refused": 0, "records": 4}
    assert lake.ingest() == {"files": 0, "refused": 0, "records": 0}
    agrees(lake)
    assert "batch 0: 3 files, 4 records, 1 left" in caplog.text


def test_few_rows_are_what_came_since_the_window_began(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    work = lake.work
    assert few(work.place, work.job, work.use_case)
    size = lake.file("one.json", line(1)).stat().st_size
    lake.file("before.json", *map(line, range(100)), day=-1)
    monkeypatch.setattr("spark_jobs.__main__.FEW", size)
    assert few(work.place, work.job, work.use_case)
    lake.file("two.json", line(2), day=2)
    assert not few(work.place, work.job, work.use_case)
    night = at_once(lake).work
    assert few(night.place, night.job, night.use_case)


def test_names_that_are_patterns_to_spark_are_names(spark: SparkSession, tmp_path: Path) -> None:
    """Of a folder, and of a file: Spark would read all others of its batch twice."""
    lake = Lake(spark, tmp_path, tmp_path / "la[n]d{i}ng*?")
    lake.file("one.json", line(1))
    assert lake.ingest()["records"] == 1
    lake.file("10:20.json", line(2))
    lake.file("t [w] {o} ü.json", line(3))  # which Java cannot even open where its locale has no such letter
    assert lake.ingest()["records"] == 2
    agrees(lake)


def test_batches_are_as_large_as_declared_and_each_is_told(lake: Lake, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    wide = "x" * (700 << 10)
    small = replace(lake, table=replace(STREAM, batch_megabytes=1))
    for number in range(3):
        small.file(f"{number}.json", f'{{"number": {number}, "day": "{FIRST}", "more": "{wide}"}}')
    small.ingest()
    for said in ("batch 0: 1 files, 1 records, 2 left", "batch 1: 1 files, 1 records, 1 left", "batch 2: 1 files"):
        assert said in caplog.text
    agrees(small)


def test_a_name_that_comes_again_with_other_content_is_refused_as_in_a_night(lake: Lake) -> None:
    lake.file("one.json", line(1))
    night = at_once(lake)
    for one in (lake, night):
        one.ingest()
    lake.file("one.json", line(1), line(2))
    assert lake.ingest() == night.ingest() == {"files": 1, "refused": 1, "records": 1}
    assert lake.all == night.all
    assert lake.ingest() == {"files": 0, "refused": 0, "records": 0}


def test_a_file_that_the_ordinary_way_was_first_to_take_comes_once(lake: Lake) -> None:
    """It lay there when the stream had already looked."""
    lake.file("one.json", line(1))
    replace(lake, table=replace(STREAM, stream=False)).ingest()
    lake.file("two.json", line(2))
    assert lake.ingest()["records"] == 1
    agrees(lake)


def lost(lake: Lake) -> None:
    shutil.rmtree(lake.checkpoint)


def without_its_last_commit(lake: Lake) -> None:
    """Killed between the commit of a batch to bronze, and the stream's own note of it."""
    newest = max((lake.checkpoint / "commits").glob("[0-9]*"), key=lambda path: int(path.name))
    newest.unlink()
    newest.with_name(f".{newest.name}.crc").unlink(missing_ok=True)


@pytest.mark.parametrize("trouble", [lost, without_its_last_commit])
@pytest.mark.parametrize("former", ["listed", "killed before it was"])
def test_no_row_comes_twice_and_none_is_lost_whatever_becomes_of_a_checkpoint(
    lake: Lake, trouble: Callable[[Lake], None], former: str
) -> None:
    lake.file("one.json", line(1))
    lake.ingest()
    lake.file("two.json", line(2), line(3))
    if former == "listed":
        lake.ingest()
    else:  # the job was killed after its stream, before it came to the ledger
        with pytest.MonkeyPatch.context() as killed:
            killed.setattr(Ledger, "add", _die)
            with pytest.raises(KeyboardInterrupt):
                lake.ingest()
    trouble(lake)
    lake.file("three.json", line(4))
    lake.ingest()
    agrees(lake)


def _die(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("part", ["metadata", "offsets/0", "sources/0/0"])
def test_a_broken_checkpoint_is_named_with_the_command_that_helps(lake: Lake, part: str) -> None:
    lake.file("one.json", line(1))
    lake.ingest()
    broken = lake.checkpoint / part
    broken.write_text("v1\n{" if part != "metadata" else "{")
    broken.with_name(f".{broken.name}.crc").unlink(missing_ok=True)
    lake.file("two.json", line(2))
    with pytest.raises(Refused, match="make stream-anew USE_CASE=streamed"):
        lake.ingest()
