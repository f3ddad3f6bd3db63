"""Killed means ended: of clients, of their work in the engine, and of work that asks for too much."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from deltalake import DeltaTable

from engine.running import Engine, running
from local import processes
from tests.spark.clients import IN_A_STREAM, IN_JAVA, IN_PYTHON, ROOT, Signs, client, said, until

WITHIN = 5.0  # seconds in which the work of a client that is gone has ended
LOOK = 0.7  # seconds between two looks; a sign of life comes every 0.2
CROWD = 20
REFUSED = "INVALID_HANDLE.SESSION|NO_ACTIVE_SESSION|OPERATION_CANCELED"

pytestmark = pytest.mark.long


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def spent(engine: Engine) -> float:
    """Processor seconds of Java."""
    fields = Path(f"/proc/{engine.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(engine: Engine, signs: Signs) -> bool:
    """For a moment, Java is at rest, and no worker gives a sign of life."""
    before, last = spent(engine), signs.last
    time.sleep(LOOK)
    return spent(engine) - before < 0.3 * LOOK and signs.last == last


def numbers(lake: Path) -> int:
    """Rows that were committed."""
    table = str(lake / "numbers")
    rows: int = DeltaTable(table).to_pyarrow_table().num_rows if DeltaTable.is_deltatable(table) else 0
    return rows


@pytest.mark.parametrize("code", [IN_PYTHON, IN_A_STREAM, IN_JAVA], ids=["in Python", "in a stream", "in Java"])
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_the_work_of_a_client_that_is_gone_ends_by_itself(
    own_engine: Engine, lake: Path, tmp_path: Path, code: str, sent: signal.Signals
) -> None:
    signs = Signs(tmp_path)
    with client(own_engine, lake, tmp_path, code.format(name="gone", seconds=60)) as job:
        until(lambda: signs.begun, "a beginning")
        until(lambda: not idle(own_engine, signs), "work")
        os.kill(job.pid, sent)
        until(lambda: idle(own_engine, signs), "the end of its work", WITHIN)
    assert not signs.written
    assert numbers(lake) == 0


@pytest.mark.parametrize("code", [IN_PYTHON, IN_A_STREAM], ids=["in Python", "in a stream"])
def test_whoever_comes_next_under_a_name_ends_the_work_of_the_one_before(
    own_engine: Engine, lake: Path, tmp_path: Path, code: str
) -> None:
    """And the one before, stopped and continued when the next has finished, writes nothing."""
    one, two = Signs(tmp_path / "one"), Signs(tmp_path / "two")
    with client(own_engine, lake, one.folder, code.format(name="twice", seconds=60)) as first:
        until(lambda: bool(one.last), "the first sign of life")
        os.kill(first.pid, signal.SIGSTOP)
        with client(own_engine, lake, two.folder, code.format(name="twice", seconds=WITHIN)) as second:
            until(lambda: two.begun, "the second's beginning")
            assert said(second)[0] == 0
        assert float(two.last) - float(one.last) > LOOK
        os.kill(first.pid, signal.SIGCONT)
        status, _, complaints = said(first)
    assert status == 1
    assert re.search(REFUSED, complaints)
    assert not one.written
    assert numbers(lake) == 1


@pytest.fixture
def slow_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hadoop closes a new folder to others by a program, and loses what comes while it waits for its last words.

    The first such program takes its time; what is returned is where it says `begun` and `ended`.
    """
    signs, programs = tmp_path / "chmod", tmp_path / "programs"
    signs.mkdir()
    programs.mkdir()
    slow = f"[ -e {signs}/begun ] || {{ touch {signs}/begun; (sleep 6; touch {signs}/ended) >/dev/null & }}"
    (programs / "chmod").touch(mode=0o755)
    (programs / "chmod").write_text(f'#!/bin/sh\n{slow}\nexec {shutil.which("chmod")} "$@"\n')
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    return signs


@pytest.mark.parametrize("then", ["the next one waits", "nobody comes"])
def test_work_ends_too_where_its_interruption_is_lost(
    lake: Path, tmp_path: Path, slow_folders: Path, then: str
) -> None:
    writes = """
with spark_session(place, "twice") as spark:
    (folder / "begun").touch()
    rows = spark.sql("SELECT id FROM range(1000000000000) WHERE hash(id, id * 7) = 5")
    rows.write.format("delta").save(f"{place.lake}/numbers")
"""
    one = Signs(tmp_path / "one")
    with running(tmp_path, lake, memory="1g") as engine, client(engine, lake, one.folder, writes) as first:
        until((slow_folders / "begun").exists, "the making of a folder")
        assert one.begun
        first.kill()
        if then == "the next one waits":
            with client(engine, lake, tmp_path / "two", "with spark_session(place, 'twice'): pass") as second:
                assert said(second)[0] == 0
            assert (slow_folders / "ended").exists()
        until((slow_folders / "ended").exists, "its end")
        until(lambda: idle(engine, one), "the end of the work", 2 * WITHIN)
    assert numbers(lake) == 0


def test_one_who_lost_the_session_between_two_queries_is_refused_too(
    own_engine: Engine, lake: Path, tmp_path: Path
) -> None:
    waits = """
with spark_session(place, "idle") as spark:
    spark.range(1).count()
    (folder / "begun").touch()
    while not (folder / "go").exists():
        time.sleep(0.05)
    spark.range(1).write.format("delta").save(f"{place.lake}/numbers")
"""
    with client(own_engine, lake, tmp_path, waits) as first:
        until(lambda: Signs(tmp_path).begun, "a beginning")
        with client(own_engine, lake, tmp_path / "next", "with spark_session(place, 'idle'): pass") as other:
            assert said(other)[0] == 0
        (tmp_path / "go").touch()
        status, _, complaints = said(first)
    assert status == 1
    assert re.search(REFUSED, complaints)
    assert numbers(lake) == 0


def test_twenty_clients_killed_at_once_leave_no_work_and_the_next_one_is_served(
    own_engine: Engine, lake: Path, tmp_path: Path
) -> None:
    everyone = [Signs(tmp_path / str(number)) for number in range(CROWD)]
    with ExitStack() as crowd:  # which kills them at its end
        for signs in everyone:
            code = IN_PYTHON.format(name=signs.folder.name, seconds=60)
            crowd.enter_context(client(own_engine, lake, signs.folder, code))
        until(lambda: all(signs.begun for signs in everyone), "twenty beginnings", within=120)
    until(lambda: all(idle(own_engine, signs) for signs in everyone if signs.last), "the end of their work", 2 * WITHIN)
    with client(own_engine, lake, tmp_path / "next", IN_PYTHON.format(name="next", seconds=0.2)) as job:
        assert said(job)[0] == 0
    assert numbers(lake) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not list the threads of another process")
def test_what_workers_are_forked_from_has_one_thread(own_engine: Engine, lake: Path, tmp_path: Path) -> None:
    """A lock that another thread held in the moment of a fork is never opened again in the worker, which then hangs."""
    asks = """
def threads(batches):
    import os
    for batch in batches:
        yield batch.assign(id=len(os.listdir(f"/proc/{os.getppid()}/task")))
with spark_session(place, "threads") as spark:
    print(spark.range(1).mapInPandas(threads, "id long").collect()[0][0])
"""
    with client(own_engine, lake, tmp_path, asks) as job:
        assert said(job)[:2] == (0, "1")


def test_a_query_whose_answer_is_too_large_fails_by_name_and_alone(
    own_engine: Engine, lake: Path, tmp_path: Path
) -> None:
    greedy = """
with spark_session(place, "greedy") as spark:
    spark.range(0, 200000, 1, 100).selectExpr("repeat(uuid(), 100) AS x").toPandas()
"""
    modest = """
with spark_session(place, "modest") as spark:
    print(sum(spark.range(n).count() for n in range(40)))
"""
    with (
        client(own_engine, lake, tmp_path / "greedy", greedy) as one,
        client(own_engine, lake, tmp_path / "modest", modest) as other,
    ):
        status, _, complaints = said(one, within=120)
        assert said(other, within=120)[:2] == (0, str(sum(range(40))))
    assert status == 1
    assert "spark.driver.maxResultSize" in complaints
    assert own_engine.process.poll() is None


def test_an_edited_function_and_an_older_version_beside_it_run_as_they_are(
    own_engine: Engine, lake: Path, tmp_path: Path
) -> None:
    """Without a restart of the engine, and in turns."""
    asks = """
from spark_jobs.marked import mark
with spark_session(place, "version") as spark:
    print(spark.range(1).mapInPandas(mark, "id long").collect()[0][0])
"""
    for version in (1, 2):
        code = tmp_path / str(version)
        shutil.copytree(ROOT / "spark_jobs", code / "spark_jobs", ignore=shutil.ignore_patterns("__pycache__"))
        edited = f"def mark(batches):\n    for batch in batches:\n        yield batch.assign(id={version})\n"
        (code / "spark_jobs" / "marked.py").write_text(edited)
    for version in (1, 2, 1):
        with client(own_engine, lake, tmp_path, asks, root=tmp_path / str(version)) as job:
            assert said(job)[:2] == (0, str(version))


@pytest.mark.skipif(sys.platform != "linux", reason="macOS cannot tie a process to the one that started it")
def test_an_engine_started_for_a_block_ends_when_whoever_runs_the_block_is_killed(tmp_path: Path) -> None:
    starts = f"""
import time
from pathlib import Path
from engine.running import running
folder = Path({str(tmp_path)!r})
with running(folder, folder / "lake", memory="1g") as engine:
    (folder / "number").write_text(str(engine.process.pid))
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", starts], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}) as one:
        until(lambda: (tmp_path / "number").exists() and bool((tmp_path / "number").read_text()), "its start", 90)
        engine = int((tmp_path / "number").read_text())
        assert engine in processes.running()
        one.kill()
    until(lambda: engine not in processes.running(), "the engine's end", WITHIN)
