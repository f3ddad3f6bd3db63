"""The engine's doors, the ends of those who work in it, and its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from engine.running import Engine, running
from local.processes import family, running as processes
from spark_jobs import session
from spark_jobs.declare import NightshiftError, Refused, Unreachable
from spark_jobs.session import spark_session
from tests.end_to_end.scheduler import listening
from tests.spark.clients import IN_JAVA, IN_PYTHON, ROOT, client, last_sign, place_of, until

WITHIN = 5.0  # seconds in which the work of a client that is gone has ended


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One that no other test works in."""
    folder = tmp_path_factory.mktemp("engine")
    with running(folder, folder / "lake", memory="1g") as engine:
        yield engine


def asks(engine: Engine, folder: Path, token: str | None) -> "subprocess.CompletedProcess[str]":
    word = folder / "word"
    if token is not None:
        word.write_text(token)
        word.chmod(0o600)
    code = "with spark_session(place, 'asks') as spark:\n    print(spark.range(3).count())"
    with client(replace(engine, token=word), folder, code) as process:
        said, complaints = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, said, complaints)


def test_the_right_token_opens(own: Engine, tmp_path: Path) -> None:
    done = asks(own, tmp_path, own.token.read_text())
    assert done.stdout.strip() == "3", done.stderr


@pytest.mark.parametrize(
    ("token", "says"),
    [("wrong", "UNAUTHENTICATED"), ("", "is empty"), (None, "cannot be read")],
)
def test_a_wrong_or_missing_token_is_refused(own: Engine, tmp_path: Path, token: str | None, says: str) -> None:
    done = asks(own, tmp_path, token)
    assert done.returncode
    assert done.stdout == ""
    assert says in done.stderr


def test_a_token_that_others_can_read_is_refused_with_the_words_that_close_it(own: Engine, tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.write_text(own.token.read_text())
    word.chmod(0o644)
    with (
        pytest.raises(Refused, match=f"can be read by others: type `chmod 600 {word}`"),
        spark_session(place_of(replace(own, token=word), tmp_path), "reads"),
    ):
        pass


def test_it_listens_on_the_loopback_only(own: Engine) -> None:
    alive = processes()
    everyone = family([alive[own.process.pid]])
    assert listening(everyone) <= {"0100007F", "0000000000000000FFFF00000100007F"}


def test_only_this_machine_is_spoken_to(own: Engine, tmp_path: Path) -> None:
    elsewhere = replace(place_of(own, tmp_path), engine="sc://10.1.2.3:15002")
    with pytest.raises(NightshiftError, match="answers on this machine only"), spark_session(elsewhere, "afar"):
        pass


def test_the_token_stands_in_no_argument_and_no_environment(own: Engine) -> None:
    secret = own.token.read_bytes()
    alive = processes()
    for process in family([alive[own.process.pid]]):
        for name in ("cmdline", "environ"):
            assert secret not in Path(f"/proc/{process.pid}/{name}").read_bytes()
    for file in own.token.parent.rglob("*"):
        if file.is_file() and file.stat().st_mode & 0o077:
            assert secret not in file.read_bytes(), file


def test_a_second_engine_on_the_same_lake_is_refused(own: Engine, tmp_path: Path) -> None:
    lake = own.token.parent / "lake"
    with pytest.raises(NightshiftError, match=f"another engine already works on {lake}"), running(tmp_path, lake):
        pass


@pytest.mark.parametrize("code", [IN_PYTHON, IN_JAVA], ids=["in Python", "in Java"])
def test_the_work_of_a_client_that_is_killed_ends_by_itself(own: Engine, tmp_path: Path, code: str) -> None:
    with client(own, tmp_path, code.format(name="killed", seconds=60)) as job:
        until((tmp_path / "begun").exists, "a beginning")
        time.sleep(3)
        job.kill()
    began = time.monotonic()
    until(lambda: idle(own), "the end of its work", WITHIN)
    assert time.monotonic() - began < WITHIN
    assert time.time() - last_sign(tmp_path) > 0.3 if code is IN_PYTHON else True
    assert not (tmp_path / "lake" / "numbers").exists()


def idle(engine: Engine) -> bool:
    """For half a second, neither Java nor a worker of Python does anything worth a core."""
    before, cores = spent(engine), 0.5
    time.sleep(0.5)
    return spent(engine) - before < 0.2 * cores


def spent(engine: Engine) -> float:
    """Processor seconds of Java; a Python function that only sleeps is told by its signs of life."""
    fields = Path(f"/proc/{engine.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_whoever_comes_next_under_a_name_ends_the_work_of_the_one_before(own: Engine, tmp_path: Path) -> None:
    """A client that is stopped, and goes on when the next try has finished, writes nothing."""
    with client(own, tmp_path, IN_PYTHON.format(name="twice", seconds=60)) as first:
        until(lambda: last_sign(tmp_path) > 0, "the first sign of life")
        os.kill(first.pid, signal.SIGSTOP)
        again = tmp_path / "again"
        with client(own, again, IN_PYTHON.format(name="twice", seconds=0.2), lake=tmp_path / "lake") as second:
            until((again / "begun").exists, "the second's beginning")
            ended = last_sign(tmp_path)
            assert second.wait(60) == 0, second.stderr.read() if second.stderr else ""
        assert last_sign(tmp_path) == ended
        os.kill(first.pid, signal.SIGCONT)
        assert first.wait(60) != 0
        complaints = first.stderr.read() if first.stderr else ""
    assert "SESSION_CHANGED" in complaints or "OPERATION_ABANDONED" in complaints
    assert not (tmp_path / "written").exists()
    assert len(DeltaTable(tmp_path / "lake" / "numbers").to_pyarrow_table()) == 1


def test_one_who_lost_the_session_between_two_queries_is_refused_too(own: Engine, tmp_path: Path) -> None:
    code = (
        "with spark_session(place, 'idle') as spark:\n"
        "    spark.range(1).count()\n"
        "    (folder / 'begun').touch()\n"
        "    while not (folder / 'go').exists(): time.sleep(0.05)\n"
        "    spark.range(1).write.format('delta').save(f'{place.lake}/numbers')\n"
    )
    with client(own, tmp_path, code) as first:
        until((tmp_path / "begun").exists, "a beginning")
        with client(
            own, tmp_path / "again", "with spark_session(place, 'idle'): pass", lake=tmp_path / "lake"
        ) as other:
            assert other.wait(60) == 0
        (tmp_path / "go").touch()
        assert first.wait(60) != 0
        assert "SESSION_CHANGED" in (first.stderr.read() if first.stderr else "")
    assert not (tmp_path / "lake" / "numbers").exists()


def test_twenty_clients_killed_at_once_leave_no_work_and_the_next_one_is_served(own: Engine, tmp_path: Path) -> None:
    crowd = [client(own, tmp_path / str(n), IN_PYTHON.format(name=f"crowd {n}", seconds=60)) for n in range(20)]
    until(lambda: all((tmp_path / str(n) / "begun").exists() for n in range(20)), "twenty beginnings", 120)
    for one in crowd:
        one.kill()
    for one in crowd:
        one.communicate()
    time.sleep(WITHIN)
    signs = [last_sign(tmp_path / str(n)) for n in range(20)]
    time.sleep(1)
    assert [last_sign(tmp_path / str(n)) for n in range(20)] == signs
    assert asks(own, tmp_path, own.token.read_text()).stdout.strip() == "3"


def test_a_query_that_needs_more_than_its_share_fails_alone_and_by_name(own: Engine, tmp_path: Path) -> None:
    greedy = (
        "with spark_session(place, 'greedy') as spark:\n"
        "    spark.conf.set('spark.sql.adaptive.enabled', 'false')\n"
        "    spark.sql(\"SELECT repeat('x', 1000) x, id FROM range(3000000)\").collect()\n"
    )
    other = "with spark_session(place, 'modest') as spark:\n    print([spark.range(n).count() for n in range(30)][-1])"
    with client(own, tmp_path / "a", greedy) as one, client(own, tmp_path / "b", other) as two:
        said, complaints = two.communicate(timeout=120)
        _, refused = one.communicate(timeout=120)
    assert said.strip() == "29", complaints
    assert one.returncode
    assert "maxResultSize" in refused
    assert own.process.poll() is None


def test_an_edited_function_and_two_versions_side_by_side_run_as_they_are(own: Engine, tmp_path: Path) -> None:
    import shutil

    said = {}
    for version in ("one", "two", "one"):
        code = tmp_path / version
        if not code.exists():
            shutil.copytree(ROOT / "spark_jobs", code / "spark_jobs", ignore=shutil.ignore_patterns("__pycache__"))
            (code / "spark_jobs" / "marked.py").write_text(
                f"def mark(batches):\n    for b in batches:\n        b['id'] = {len(version) + ord(version[0])}\n        yield b\n"
            )
        ask = (
            "from spark_jobs.marked import mark\n"
            "with spark_session(place, 'version') as spark:\n"
            "    print(spark.range(1).mapInPandas(mark, 'id long').collect()[0][0])"
        )
        words = [str(tmp_path / "lake"), own.address, str(own.token), str(tmp_path)]
        from tests.spark.clients import BEGIN

        done = subprocess.run(
            [sys.executable, "-c", BEGIN + ask, *words],
            cwd=code,
            env=os.environ | {"PYTHONPATH": str(code)},
            capture_output=True,
            text=True,
            check=True,
        )
        said.setdefault(version, []).append(int(done.stdout))
    assert said == {"one": [3 + ord("o")] * 2, "two": [3 + ord("t")]}


def test_an_engine_that_is_not_up_yet_is_waited_for_and_one_that_stays_away_is_named(
    own: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session, "UP_WITHIN", 0.5)
    nowhere = replace(place_of(own, tmp_path), engine="sc://localhost:9")
    with pytest.raises(Unreachable, match="does not answer since .* start it"), spark_session(nowhere, "waits"):
        pass
    assert "does not answer yet: waiting up to" in caplog.text


def test_what_is_no_engine_is_told_from_one(own: Engine, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        import threading

        def answer() -> None:
            while True:
                try:
                    connection, _ = other.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        place = replace(place_of(own, tmp_path), engine=f"sc://localhost:{port}")
        with pytest.raises(NightshiftError, match="is no engine"), spark_session(place, "elsewhere"):
            pass


def test_an_engine_of_another_version_is_refused_by_name(
    own: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import pyspark\npyspark.__version__ = '4.9.9'\nwith spark_session(place, 'newer'): pass"
    with client(own, tmp_path, code) as job:
        _, complaints = job.communicate()
    assert "this job brings 4.9.9: end `make run` and start it again" in complaints
