"""Whatever is sent, it is answered in a sentence, and the service stands."""

import os
from collections import Counter
from pathlib import Path

import requests

from tests.serving.malformed import bodies
from tests.serving.shelf import Shelf
from tests.serving.standing import Standing, standing
from tests.serving.test_interface import person

MANY = 2000
TOLD = {200, 400, 408, 413, 415, 422}
GROWTH = 60 << 20  # bytes


def memory(service: Standing) -> int:
    lines = Path(f"/proc/{service.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))


def test_no_body_brings_it_down_or_gets_more_than_a_sentence(shelf: Shelf) -> None:
    with standing(shelf) as service:
        service.wait()
        told: Counter[int] = Counter()
        before = 0
        for place, (path, kind, body) in enumerate(bodies(int(os.environ["SEED"]), MANY)):
            found = service.client.post(path, data=body, headers={"Content-Type": kind})
            told[found.status_code] += 1
            assert found.status_code in TOLD, (path, kind, body[:2000], found.text)
            assert "Traceback" not in found.text
            before = before or (memory(service) if place == MANY // 3 else 0)
        assert told[200] > MANY / 50
        assert told[422] > MANY / 10
        assert memory(service) - before < GROWTH
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
