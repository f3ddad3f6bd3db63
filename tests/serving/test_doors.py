"""Who comes in, how much of what they bring, and what they are told when a model is slow or fails."""

import json
import logging
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from serving.keys import Keys, new
from serving.settings import Limits, Settings
from spark_jobs.declare import BadRequest
from tests.serving.conftest import Asked, Client, Held, acts, until
from tests.serving.shelf import CENSUS, Shelf
from tests.serving.test_interface import person

PREDICT = f"/v1/models/{CENSUS}:predict"
BODY = {"rows": [person()]}


def test_who_has_no_key_or_a_wrong_one_is_let_in_nowhere_but_where_health_is_asked(asked: Asked) -> None:
    stranger = Client(asked.client.address)
    for path in ("/v1/models", "/metrics", "/openapi.json"):
        assert stranger.get(path).status_code == 401
    for key in ("", "Bearer wrong", "Basic x", "Bearer"):
        told = stranger.post(PREDICT, json=BODY, headers={"Authorization": key})
        assert (told.status_code, told.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert [stranger.get(path).status_code for path in ("/ping", "/health", "/version", "/docs")] == [200] * 4
    assert stranger.post(PREDICT, json=BODY, headers={"X-API-Key": asked.key}).status_code == 200


def test_the_page_needs_nothing_of_another_server(asked: Asked) -> None:
    page = Client(asked.client.address).get("/docs").text
    assert "/openapi.json" in page
    assert "://" not in page


def test_each_client_has_keys_of_its_own_and_loses_them_without_a_restart(asked: Asked) -> None:
    first, second = new(asked.keys, "other"), new(asked.keys, "other")
    other = [Client(asked.client.address, key) for key in (first, second)]
    assert [one.post(PREDICT, json=BODY).status_code for one in other] == [200, 200]
    lines = asked.keys.read_text().splitlines()
    assert not any(key in asked.keys.read_text() for key in (first, second, asked.key))
    asked.keys.write_text("\n".join(lines[:-1]))
    assert [one.post(PREDICT, json=BODY).status_code for one in other] == [200, 401]
    asked.keys.unlink()
    assert [one.post(PREDICT, json=BODY).status_code for one in (*other, asked.client)] == [401] * 3
    assert asked.keys.with_name("keys2").exists() is False


def test_a_file_of_keys_is_its_owners_alone_and_holds_names_of_clients(asked: Asked) -> None:
    assert asked.keys.stat().st_mode & 0o077 == 0
    with pytest.raises(BadRequest, match="NAME: is letters, digits"):
        new(asked.keys, "two words")
    asked.keys.write_text("only-a-name\nname not-a-hash\n\n")
    assert not Keys(asked.keys).some


def test_a_key_in_the_address_is_refused_and_written_nowhere(
    asked: Asked, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        for path in (PREDICT, "/health", "/nothing", "/v1/models"):
            told = Client(asked.client.address).get(f"{path}?key={asked.key}")
            assert told.status_code in (400, 404, 405)
            assert asked.key not in told.text
        told = asked.client.post(f"{PREDICT}?token={asked.key}", json=BODY)
    assert told.status_code == 400
    assert "takes none: a key belongs in a header" in told.json()["error"]
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]  # asks, here
    written = capfd.readouterr()
    assert asked.key not in "".join([*ours, written.out, written.err, asked.client.get("/metrics").text])


def test_more_than_may_be_answered_at_once_are_told_to_come_again(shelf: Shelf) -> None:
    busy = Asked(shelf, limits=Limits(waiting=3, each=2))
    held, other = Held(busy), new(busy.keys, "other")
    with ThreadPoolExecutor() as pool:
        inside = [pool.submit(Client(busy.client.address, busy.key).post, PREDICT, json=BODY) for _ in range(2)]
        until(lambda: busy.service.doors.inside.total() == 2)
        mine = busy.predict([person()])
        inside.append(pool.submit(Client(busy.client.address, other).post, PREDICT, json=BODY))
        until(lambda: busy.service.doors.inside.total() == 3)
        anybodys = Client(busy.client.address, other).post(PREDICT, json=BODY)
        held.go.set()
        assert [one.result().status_code for one in inside] == [200] * 3
    assert [(one.status_code, one.headers["Retry-After"]) for one in (mine, anybodys)] == [(429, "1"), (503, "1")]
    assert busy.predict([person()]).status_code == 200
    busy.end()


def test_a_model_that_takes_too_long_is_not_waited_for_and_keeps_nobody_from_asking_how_it_is(shelf: Shelf) -> None:
    busy = Asked(shelf, limits=Limits(seconds=1, waiting=2))
    held = Held(busy)
    for _ in range(2):
        told = busy.predict([person()])
        assert (told.status_code, told.headers["Retry-After"]) == (503, "1")
        assert "no answer within 1 s" in told.json()["error"]
        assert busy.client.get("/health").status_code == 200
    told = busy.predict([person()])  # a thread cannot be ended, so both still count
    assert (told.status_code, told.headers["Retry-After"]) == (503, "1")
    assert "2 requests are being answered" in told.json()["error"]
    held.go.set()
    until(lambda: not busy.service.doors.inside)
    assert busy.predict([person()]).status_code == 200
    busy.end()


def few(answer: Any) -> Any:
    return answer.slice(1)


def raises(_: Any) -> Any:
    raise RuntimeError("a secret of the house")


def leaves(_: Any) -> Any:
    sys.exit("a secret of the house")


@pytest.mark.parametrize("act", [few, raises, leaves])
def test_a_model_that_fails_is_told_of_in_a_sentence_and_only_the_log_says_why(
    asked: Asked, act: Any, caplog: pytest.LogCaptureFixture
) -> None:
    acts(asked, act)
    told = asked.predict([person()])
    assert told.status_code == 500
    assert told.json()["error"].startswith("version 1 of census_income ")
    assert "secret" not in told.text
    assert "Traceback" not in told.text
    assert caplog.records
    assert asked.client.get("/health").status_code == 200


def test_a_row_of_which_nothing_is_predicted_says_so_and_the_others_are_answered(asked: Asked) -> None:
    def gap(answer: Any) -> Any:
        values = answer.column("probability").to_numpy().copy()
        values[0] = np.nan
        return pa.RecordBatch.from_pydict({"probability": values})

    acts(asked, gap)
    found = asked.predict([person(), person(age=1), person()]).json()["rows"]
    assert found[0] == {"refused": ["version 1 predicts nothing of such a row"]}
    assert found[1] == {"refused": ["age is below 17"]}
    assert "probability" in found[2]


def test_a_model_that_prints_disturbs_nobody(asked: Asked) -> None:
    def prints(answer: Any) -> Any:
        sys.stdout.write("HTTP/1.1 200 OK\r\n\r\n" * 100)
        return answer

    acts(asked, prints)
    assert asked.predict([person()]).status_code == 200


def connected(asked: Asked) -> socket.socket:
    return socket.create_connection(address(asked), timeout=20)


def head(asked: Asked, length: int) -> bytes:
    lines = (f"POST {PREDICT} HTTP/1.1", "Host: x", f"Authorization: Bearer {asked.key}", f"Content-Length: {length}")
    return "\r\n".join([*lines, "Content-Type: application/json", "", ""]).encode()


def test_a_body_that_does_not_come_is_not_waited_for(shelf: Shelf) -> None:
    slow = Asked(shelf, limits=Limits(seconds=1))
    with connected(slow) as line:
        line.sendall(head(slow, 1000) + b'{"rows": [')
        assert b"408" in line.recv(100)
    with connected(slow) as line:
        line.sendall(head(slow, 1000) + b'{"rows": [')
    until(lambda: not slow.service.doors.inside)
    assert slow.predict([person()]).status_code == 200
    slow.end()


def test_a_client_that_never_reads_is_not_waited_for_and_keeps_no_other_from_being_answered(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    short = Asked(shelf, limits=Limits(seconds=3))
    rows = [person(), *[{"age": 1}] * 6000]  # each of which is told a dozen reasons: megabytes, all in all
    body = json.dumps({"rows": rows}).encode()
    with socket.socket(fileno=os.dup(short.server.servers[0].sockets[0].fileno())) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)  # or the kernel takes it all
    with closing(socket.socket()) as line, caplog.at_level(logging.INFO):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(address(short))
        line.sendall(head(short, len(body)) + body)
        here, connections = line.getsockname(), short.server.server_state.connections
        assert len(short.predict(rows).json()["rows"]) == 6001
        until(lambda: "an answer was not read within 3 s" in caplog.text, "it is not read")
        until(lambda: here not in [one.client for one in connections], "its connection is ended")  # type: ignore[union-attr] # of HTTP
        assert len(whatever_comes(line)) < len(short.predict(rows).content)
    short.end()


def address(asked: Asked) -> tuple[str, int]:
    host, _, port = asked.client.address.removeprefix("http://").partition(":")
    return host, int(port)


def whatever_comes(line: socket.socket) -> bytes:
    found = bytearray()
    line.settimeout(60)
    with suppress(ConnectionError):
        while part := line.recv(1 << 16):
            found += part
    return bytes(found)


BAD: dict[str, tuple[dict[str, str], str]] = {
    "no model": ({"MODEL": ""}, "MODEL: is missing"),
    "a word": ({"SERVE_ROWS": "many"}, "SERVE_ROWS: is a whole number from 1"),
    "nought": ({"SERVE_SECONDS": "0"}, "SERVE_SECONDS: is a whole number from 1"),
    "a port": ({"SERVE_PORT": "70000"}, "SERVE_PORT: is a whole number from 1 to 65535"),
    "a share": ({"SERVE_WATCH": "1.5"}, "SERVE_WATCH: is a share of the requests, from 0 to 1, got '1.5'"),
    "no share": ({"SERVE_WATCH": "nan"}, "SERVE_WATCH: is a share of the requests"),
    "anybody": ({"ANYBODY": "true"}, "ANYBODY: is 'yes', and then whoever reaches the port may ask"),
    "two models": ({"MODEL": "a,b", "VERSION": "1"}, "VERSION: is the number of a version of one model"),
}


@pytest.mark.parametrize("name", BAD)
def test_settings_that_mean_nothing_are_refused(name: str) -> None:
    told, says = BAD[name]
    with pytest.raises(BadRequest, match=says):
        Settings.of({"MODEL": CENSUS} | told)


def test_every_limit_is_a_setting() -> None:
    names = list(vars(Limits()))
    told = {f"SERVE_{name.upper()}": str(place) for place, name in enumerate(names, 1)}
    assert list(vars(Settings.of({"MODEL": CENSUS} | told).limits).values()) == list(range(1, len(names) + 1))
