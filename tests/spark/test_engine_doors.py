"""Who may come in, and what whoever may not is told."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from engine.running import Engine, running
from local import processes
from spark_jobs import session
from spark_jobs.declare import BadRequest, NightshiftError, Place, Refused, Unreachable
from spark_jobs.failures import explained
from spark_jobs.session import spark_session
from tests.end_to_end.scheduler import LOOPBACK, listening
from tests.spark.clients import client, place_of, said

ASKS = "with spark_session(place, 'asks') as spark:\n    print(spark.range(3).count())"


def refused(place: Place) -> Exception:
    """What a job for this place comes to."""
    with pytest.raises(Exception) as error, spark_session(place, "refused"):
        pass
    return error.value if isinstance(error.value, NightshiftError) else explained(error.value, place) or error.value


def with_token(engine: Engine, folder: Path, token: str | None, mode: int = 0o600) -> Place:
    word = folder / "word"
    if token is not None:
        word.touch()
        word.chmod(mode)
        word.write_text(token)
    return replace(place_of(engine, folder / "lake"), token=str(word))


def test_the_right_token_opens(own_engine: Engine, tmp_path: Path) -> None:
    with client(own_engine, tmp_path / "lake", tmp_path, ASKS) as job:
        assert said(job)[:2] == (0, "3")


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("wrong", "the engine does not take this token: end `make run`, and start it again"),
        ("", r"the engine's token .*word is empty: remove it, and start `make run` again"),
        (None, r"the engine's token cannot be read: .*No such file.* `make run` makes it when it starts"),
    ],
)
def test_a_wrong_or_missing_token_is_refused(own_engine: Engine, tmp_path: Path, token: str | None, says: str) -> None:
    with pytest.raises(NightshiftError, match=says):
        raise refused(with_token(own_engine, tmp_path, token))


def test_a_token_that_others_can_read_is_refused_with_the_words_that_close_it(
    own_engine: Engine, tmp_path: Path
) -> None:
    place = with_token(own_engine, tmp_path, own_engine.token.read_text(), mode=0o640)
    with pytest.raises(Refused, match=f"can be read by others: type `chmod 600 {place.token}`, then run again"):
        raise refused(place)


def test_it_listens_on_this_machine_s_own_address_only(own_engine: Engine) -> None:
    found = listening(processes.family([processes.running()[own_engine.process.pid]]))
    assert found
    assert found <= LOOPBACK


@pytest.mark.parametrize("nowhere", ["localhost:15002", "sc://localhost", "sc://:15002", "http://localhost:15002"])
def test_what_is_no_address_is_refused(own_engine: Engine, tmp_path: Path, nowhere: str) -> None:
    with pytest.raises(BadRequest, match=r"engine: is an address like sc://localhost:15002, got"):
        raise refused(replace(place_of(own_engine, tmp_path), engine=nowhere))


@pytest.mark.parametrize("elsewhere", ["sc://10.1.2.3:15003", "sc://engine:15003"])
def test_the_token_leaves_this_machine_encrypted_or_not_at_all(
    own_engine: Engine, tmp_path: Path, elsewhere: str
) -> None:
    place = place_of(own_engine, tmp_path)
    here, there = (session.url_of(one, session.NAMES) for one in (place, replace(place, engine=elsewhere)))
    assert "use_ssl" not in here
    assert there.endswith(";use_ssl=true")
    assert there.startswith(f"{elsewhere}/;")
    for own in ("sc://127.0.0.1:1", "sc://[::1]:1"):  # pyspark wants encryption for each name but one
        assert session.url_of(replace(place, engine=own), session.NAMES).startswith("sc://localhost:1/;")


def test_the_token_stands_in_no_argument_no_environment_and_no_file_for_others(own_engine: Engine) -> None:
    secret = own_engine.token.read_bytes()
    for process in processes.family([processes.running()[own_engine.process.pid]]):
        for name in ("cmdline", "environ"):
            assert secret not in Path(f"/proc/{process.pid}/{name}").read_bytes()
    for file in filter(Path.is_file, own_engine.token.parent.rglob("*")):
        if secret in file.read_bytes():
            assert file.stat().st_mode & 0o077 == 0, file


def test_a_second_engine_on_the_same_lake_is_refused(own_engine: Engine, tmp_path: Path) -> None:
    lake = own_engine.token.parent / "lake"
    with pytest.raises(NightshiftError, match=f"another engine already works on {lake}"), running(tmp_path, lake):
        pass


def test_one_that_is_not_up_is_waited_for_and_then_named(
    own_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session, "UP_WITHIN", 0.5)
    nowhere = replace(place_of(own_engine, tmp_path), engine="sc://localhost:9")
    with pytest.raises(
        Unreachable, match=r"sc://localhost:9 does not answer .*: start it \(`make run` or `make stack` does\)"
    ):
        raise refused(nowhere)
    assert "does not answer yet: waiting up to" in caplog.text


def test_one_that_stands_still_is_named_in_the_log_of_who_waits(
    own_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session, "SIGN_OF_LIFE", 0.1)
    monkeypatch.setattr(session, "LATE", 1.0)
    engine = processes.family([processes.running()[own_engine.process.pid]])
    with spark_session(place_of(own_engine, tmp_path), "waits"):
        time.sleep(1)
        assert "has not answered" not in caplog.text
        for sent in (signal.SIGSTOP, signal.SIGCONT):
            for process in engine:
                os.kill(process.pid, sent)
            time.sleep(1.5)
    assert f"The engine at {own_engine.address} has not answered for 1 s" in caplog.text


@contextmanager
def web_server() -> Iterator[int]:
    """Answers everybody in HTTP, as another program on the engine's port might."""

    def answer() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_another_program_on_its_port_is_told_from_it(own_engine: Engine, tmp_path: Path) -> None:
    with (
        web_server() as port,
        pytest.raises(NightshiftError, match=r"what answers at .* is no engine: another program"),
    ):
        raise refused(replace(place_of(own_engine, tmp_path), engine=f"sc://localhost:{port}"))


def test_one_of_another_version_is_refused_by_name(own_engine: Engine, tmp_path: Path) -> None:
    newer = "import pyspark\npyspark.__version__ = '9.9.9'\n"
    with client(own_engine, tmp_path / "lake", tmp_path, newer + ASKS) as job:
        status, words, complaints = said(job)
    assert (status, words) == (1, "")
    assert "this job brings 9.9.9: end `make run` and start it again" in complaints
