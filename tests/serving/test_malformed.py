"""Whatever is sent, it is answered in a sentence, and the service stands."""

from collections import Counter

import requests

from tests.serving.malformed import TOLD, bodies, send
from tests.serving.shelf import Shelf
from tests.serving.standing import standing
from tests.serving.test_interface import person

MANY = 2000


def test_no_body_brings_it_down_or_gets_more_than_a_sentence(shelf: Shelf, seed: int) -> None:
    with standing(shelf) as service:
        service.wait()
        told: Counter[int] = Counter()
        for path, kind, body in bodies(seed, MANY):
            status = send(service.client, path, kind, body)
            assert status in TOLD, (path, kind, body[:2000])
            told[status] += 1
        assert told[200] > MANY / 200
        assert told[422] > MANY / 10
        assert service.client.post("/v1/models/census_income:predict", json={"rows": [person()]}).ok
        assert "Traceback" not in service.end()


def test_what_is_no_request_at_all_is_told_so(shelf: Shelf) -> None:
    import socket

    with standing(shelf) as service:
        service.wait()
        host, port = service.client.address.removeprefix("http://").split(":")
        for said in (b"\x16\x03\x01\x02", b"GET\r\n\r\n", b"POST /ping HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
            with socket.create_connection((host, int(port)), timeout=10) as line:
                line.sendall(said)
                assert b"400" in line.recv(100)
        assert requests.get(f"{service.client.address}/ping", timeout=10).status_code == 200
