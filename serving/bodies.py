"""What stands in the body of a request: columns of values by name, whatever it is written in."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import orjson

from serving import tables
from serving.refusals import Told, refuse_many
from serving.settings import Limits
from serving.tables import ARROW

JSON = "application/json"
SPLIT = {"columns", "data", "index"}


@dataclass(frozen=True, kw_only=True)
class Body:
    columns: Mapping[str, Any]
    length: int
    reasons: bool = False


def typed(raw: bytes, kind: str, limits: Limits) -> Body:
    """Of our own interface: rows by name, or a table."""
    if kind == JSON:
        told = _object(raw)
        if strange := told.keys() - {"rows", "reasons"}:
            raise Told(422, f"the body holds {sorted(strange)[0]!r}; it takes rows and reasons")
        reasons = told.get("reasons", False)
        if not isinstance(reasons, bool):
            raise Told(422, "reasons is true or false")
        return _of_records(told.get("rows"), "rows", limits, reasons=reasons)
    return _of_table(raw, kind, limits)


def protocol(raw: bytes, kind: str, limits: Limits) -> Body:
    """Of MLflow's: one of its three shapes."""
    if kind != JSON:
        return _of_table(raw, kind, limits)
    told = _object(raw)
    shapes = [name for name in ("dataframe_records", "dataframe_split", "inputs", "instances") if name in told]
    if len(shapes) != 1:
        raise Told(422, f"the body holds one of dataframe_records, dataframe_split and inputs, got {shapes or 'none'}")
    value = told[shapes[0]]
    if shapes[0] == "dataframe_split":
        return _of_split(value, limits)
    if isinstance(value, dict):
        return _of_columns(value, limits)
    return _of_records(value, shapes[0], limits)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Told(422, f"the body is no JSON: {str(error)[:200]}") from None
    if not isinstance(told, dict):
        raise Told(422, f"the body is a JSON object, got {type(told).__name__}")
    return told


def _of_records(rows: Any, where: str, limits: Limits, *, reasons: bool = False) -> Body:
    if not isinstance(rows, list) or not set(map(type, rows)) <= {dict}:
        raise Told(422, f"{where} is a list of objects, one for each row, with values by the names of columns")
    refuse_many(len(rows), max(map(len, rows), default=0), limits)
    first = rows[0].keys() if rows else {}.keys()
    if all(row.keys() == first for row in rows):
        columns = {name: list(map(itemgetter(name), rows)) for name in first}
    else:
        names = dict.fromkeys(name for row in rows for name in row)
        refuse_many(0, len(names), limits)
        columns = {name: [row.get(name) for row in rows] for name in names}
    return _short(Body(columns=columns, length=len(rows), reasons=reasons), limits)


def _of_split(told: Any, limits: Limits) -> Body:
    whole = isinstance(told, dict) and told.keys() <= SPLIT
    names, data = (told.get("columns"), told.get("data")) if whole else (None, None)
    if not isinstance(names, list) or not all(type(name) is str for name in names) or len(set(names)) != len(names):
        raise Told(422, "dataframe_split holds columns, a list of names, each once, and data, a list of rows")
    if not isinstance(data, list) or not all(type(row) is list and len(row) == len(names) for row in data):
        raise Told(422, f"data is a list of lists, each of {len(names)} values, as many as there are columns")
    refuse_many(len(data), len(names), limits)
    columns = {name: [row[place] for row in data] for place, name in enumerate(names)}
    return _short(Body(columns=columns, length=len(data)), limits)


def _of_columns(told: Mapping[str, Any], limits: Limits) -> Body:
    if not told or not all(isinstance(values, list) for values in told.values()):
        raise Told(422, "inputs holds a list of values for each column, by its name")
    length, *others = {len(values) for values in told.values()}
    if others:
        raise Told(422, f"the columns of inputs are of one length, got {sorted([length, *others])[:5]}")
    refuse_many(length, len(told), limits)
    return _short(Body(columns=told, length=length), limits)


def _of_table(raw: bytes, kind: str, limits: Limits) -> Body:
    if kind != ARROW:
        raise Told(415, f"the body is {JSON} or {ARROW}, as its Content-Type says; got {kind[:100]!r}")
    columns, length = tables.columns(raw, limits)
    return Body(columns=columns, length=length)


def _short(body: Body, limits: Limits) -> Body:
    for name, values in body.columns.items():
        if len(name) > limits.text or _too_long(values, limits.text):
            raise Told(413, f"{name[:100]} holds a value of more than {limits.text:,} characters")
    return body


def _too_long(values: Sequence[Any], most: int) -> bool:
    kinds = set(map(type, values))
    if not kinds & {str, dict, list}:
        return False
    if kinds <= {str, type(None)}:
        return max(map(len, filter(None, values)), default=0) > most
    return any(
        len(one) > most if type(one) is str else type(one) in (dict, list) and _nested(one) > most for one in values
    )


def _nested(value: Any) -> float:
    """Of a value within values, which no column reads: how long it is, or that it is too deep to say."""
    try:
        return len(orjson.dumps(value))
    except orjson.JSONEncodeError:
        return math.inf
