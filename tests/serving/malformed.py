"""Bodies that nobody should send, drawn by a seed."""

import io
import json
import random
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pyarrow as pa

from serving.bodies import JSON
from serving.tables import ARROW
from tests.serving.conftest import Client
from tests.serving.shelf import CENSUS
from tests.serving.test_interface import person

PATHS = (f"/v1/models/{CENSUS}:predict", "/invocations")
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 10**30, 10**400, 1e308, -0.0, 5e-324, "", "1" * 5000, "é", "\u0000", "\ud800", "NaN"),
    *([], {}, [[]], {"a": {"b": [1]}}, "-inf", "0x10", "17", " 17 ", 1.5, 2**63, -(2**63) - 1, "🍷" * 50),
)
TOLD = {200, 400, 408, 413, 415, 422}
WORDS = ("rows", "reasons", "dataframe_records", "dataframe_split", "inputs", "instances", "columns", "data", "index")


def bodies(seed: int, count: int) -> Iterator[tuple[str, str, bytes]]:
    """A path, a kind and a body, one after another."""
    chance = random.Random(seed)
    for _ in range(count):
        make = chance.choice(MAKERS)
        kind, body = make(chance)
        if chance.random() < 0.05:
            kind = chance.choice([JSON, ARROW, "text/csv", "", "application/json; charset=utf-16", "x" * 300])
        yield chance.choice(PATHS), kind, body


def way(chance: random.Random) -> str:
    """How it is sent: nearly always as a client does it."""
    return chance.choices(("whole", "in pieces", "cut", "slow"), (960, 25, 12, 3))[0]


def send(client: Client, path: str, kind: str, body: bytes, how: str = "whole") -> int:
    """The status; 0 where nobody waits for one. Where it is not a sentence that is told, this fails."""
    if how == "whole":
        told = client.post(path, data=body, headers={"Content-Type": kind})
        assert "Traceback" not in told.text
        return told.status_code
    line = HTTPConnection(client.address.removeprefix("http://"), timeout=60)
    with closing(line):
        line.putrequest("POST", path)
        line.putheader("Authorization", str(client.headers["Authorization"]))
        line.putheader("Content-Type", kind)
        if how == "in pieces":
            line.putheader("Transfer-Encoding", "chunked")
            line.endheaders()
            for start in range(0, len(body), 1 + len(body) // 3):
                piece = body[start : start + 1 + len(body) // 3]
                line.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            line.send(b"0\r\n\r\n")
        else:
            line.putheader("Content-Length", str(len(body) + 1))
            line.endheaders(body)
        return 0 if how == "cut" else line.getresponse().status


def _rows(chance: random.Random) -> list[Any]:
    rows: list[Any] = [dict(person()) for _ in range(chance.randint(0, 4))]
    for row in rows:
        for _ in range(chance.randint(0, 3)):
            row[chance.choice([*row, "", "other", "a" * 3000])] = chance.choice(ODD)
        if chance.random() < 0.2:
            row.pop(next(iter(row)))
    if chance.random() < 0.1:
        rows.append(chance.choice(ODD))
    return rows


def _object(chance: random.Random) -> Any:
    rows = _rows(chance)
    shapes = [{"rows": rows, "reasons": chance.choice([True, False, 1, None, "yes"])}, {"dataframe_records": rows}]
    shapes += [
        {
            "dataframe_split": {
                "columns": list(person()),
                "data": [list(row) for row in rows if isinstance(row, dict | list)],
            }
        }
    ]
    shapes += [{"inputs": {name: [chance.choice(ODD)] * len(rows) for name in person()}}, rows, chance.choice(ODD)]
    shapes += [{word: chance.choice(ODD) for word in chance.sample(WORDS, 2)}]
    return chance.choice(shapes)


def _text(chance: random.Random) -> bytes:
    return json.dumps(_object(chance)).encode("utf-8", "surrogatepass")


def _as_json(chance: random.Random) -> tuple[str, bytes]:
    return JSON, _text(chance)


def _broken(chance: random.Random) -> tuple[str, bytes]:
    body = bytearray(_text(chance))
    for _ in range(chance.randint(1, 5)):
        if body:
            body[chance.randrange(len(body))] = chance.randrange(256)
    return JSON, bytes(body[: chance.randint(0, len(body))] if chance.random() < 0.5 else body)


def _encoded(chance: random.Random) -> tuple[str, bytes]:
    text = json.dumps(_object(chance), ensure_ascii=chance.random() < 0.5)
    return JSON, text.encode(chance.choice(["utf-16", "utf-32", "latin-1", "utf-8-sig", "utf-7"]), "replace")


def _deep(chance: random.Random) -> tuple[str, bytes]:
    depth = chance.choice([10, 200, 260, 1000, 1030, 50_000])
    left, right = chance.choice([("[", "]"), ('{"a":', "}"), ('{"rows":[', "]}")])
    return JSON, (f'{{"rows": [{{"age": {left * depth}1{right * depth}}}]}}').encode()


def _numbers(chance: random.Random) -> tuple[str, bytes]:
    said = [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e999",
        "9" * 4400,
        "1" * 400 + ".5",
        "1e-400",
        "01",
        "0x10",
        "1.",
        "+1",
    ]
    return JSON, json.dumps({"rows": [person()]}).replace(str(person()["fnlwgt"]), chance.choice(said)).encode()


def _table(chance: random.Random) -> tuple[str, bytes]:
    columns: dict[str, Any] = {name: pa.array([value]) for name, value in person().items()}
    for _ in range(chance.randint(0, 4)):
        odd = [pa.array([b"\xff"]), pa.array([[1]]), pa.array([{"a": 1}]), pa.nulls(1), pa.array([1.5], pa.float32())]
        odd += [pa.array(["x"]).dictionary_encode(), pa.array([2**63], pa.uint64()), pa.array([0], pa.timestamp("ns"))]
        odd += [
            pa.array([float("nan")]),
            pa.array([True]),
            pa.array(["x" * 20_000]),
            pa.array(["é"], pa.large_string()),
        ]
        columns[chance.choice(list(columns))] = chance.choice(odd)
    table, sink = pa.table(columns), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    body = bytearray(sink.getvalue())
    for _ in range(chance.choice([0, 0, 1, 3, 20])):
        body[chance.randrange(len(body))] = chance.randrange(256)
    return ARROW, bytes(body[: chance.randint(0, len(body))] if chance.random() < 0.2 else body)


def _noise(chance: random.Random) -> tuple[str, bytes]:
    return chance.choice([JSON, ARROW]), chance.randbytes(chance.choice([0, 1, 10, 1000]))


Maker = Callable[[random.Random], tuple[str, bytes]]
MAKERS: tuple[Maker, ...] = (_as_json, _broken, _encoded, _deep, _numbers, _table, _noise)
