"""Records of a file of JSON objects, one a line, in blocks of even memory whatever the size of the file.

A column is called as its key; `place.latitude` is a key of the object `place`. A value is read as its text, as a file
of delimited fields would hold it; an object or a list is its JSON. A key that is not there is a value that is missing,
and keys that no column is called by are kept behind the fields, as JSON.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import itemgetter
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import orjson
import pyarrow as pa

from spark_jobs.declare.texts import text_of
from spark_jobs.raw.blocks import BLOCK, BOM, NOT_UTF_8, UTF_16, Records, WholeFile, blocks, shown
from spark_jobs.raw.json_columns import Numbers, alike

LONGEST = 4 << 20  # bytes of one line
TOO_LONG = f"is longer than {LONGEST} bytes"
BLANK = " \t\r"
AFTER_A_KEY = re.compile(rb'"\s*:')
LONG_NUMBER = re.compile(rb"[0-9]{19}")  # a whole number that 64 bits may not hold, read digit by digit
Object = dict[str, Any]


class Row(NamedTuple):
    line: int
    raw: str
    found: Object | None
    problem: str | None


class Doubled(Exception):
    """A key that stands twice in one object, of which nobody knows which is meant."""


def split(file: BinaryIO, columns: Sequence[str], size: int | None = None) -> Iterator[Records]:
    """All records of a file; raises WholeFile when it is no text."""
    keys, line = Keys.of(columns), 1
    for block in blocks(file, size or BLOCK, LONGEST):
        whole = block.removeprefix(BOM) if line == 1 else block
        if line == 1 and whole.startswith(UTF_16):
            raise WholeFile("the file is UTF-16, and only UTF-8 is read", shown(whole.partition(b"\n")[0]))
        count = whole.count(b"\n")
        yield _records(list(_parts(line, whole.replace(b"\r\n", b"\n"), keys)))
        line += count


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some records of a block, in order."""

    line: Numbers
    raw: pa.Array
    good: Numbers
    columns: Sequence[pa.Array]  # of those that are good
    problem: pa.Array


def _parts(first: int, block: bytes, keys: "Keys") -> Iterator[Part]:
    """What can be read at once, and the rest line by line."""
    found = None if keys.paths else alike(block, LONGEST, keys.names)
    if found:
        count = len(found.places)
        yield Part(
            line=first + found.places,
            raw=found.raw,
            good=np.ones(count, bool),
            columns=[*found.columns, pa.nulls(count, pa.string())],
            problem=pa.nulls(count, pa.string()),
        )
        if not len(found.others):
            return
    lines = block.split(b"\n")[:-1]
    places = found.others.tolist() if found else range(len(lines))
    long = found is not None or LONG_NUMBER.search(block) is not None  # of few lines each is looked at alone
    rows = [row for place in places for row in _rows(first + place, lines[place], long=long)]
    objects = [row.found for row in rows if row.found is not None]
    yield Part(
        line=np.array([row.line for row in rows], int),
        raw=pa.array([row.raw for row in rows], pa.string()),
        good=np.array([row.found is not None for row in rows], bool),
        columns=keys.columns(objects),
        problem=pa.array([row.problem for row in rows], pa.string()),
    )


@dataclass(frozen=True, kw_only=True)
class Keys:
    """How the columns are found in an object."""

    names: tuple[str, ...]
    paths: Mapping[str, tuple[str, ...]]  # of those that stand within others
    known: frozenset[str] = field(default_factory=frozenset)  # on top

    @classmethod
    def of(cls, columns: Sequence[str]) -> "Keys":
        paths = {name: tuple(name.split(".")) for name in columns if "." in name}
        known = frozenset(paths[name][0] if name in paths else name for name in columns)
        return cls(names=tuple(columns), paths=paths, known=known)

    def columns(self, objects: Sequence[Object]) -> list[Any]:
        """Of text, and one of what has no column."""
        alike = bool(objects) and all(one.keys() == objects[0].keys() for one in objects)
        there = frozenset(objects[0]) if alike else frozenset[str]()
        found = [_texts(self._values(name, objects, there)) for name in self.names]
        none_else = alike and there <= self.known
        others = pa.nulls(len(objects), pa.string()) if none_else else pa.array(map(self._others, objects), pa.string())
        return [*found, others]

    def _values(self, name: str, objects: Sequence[Object], there: frozenset[str]) -> list[Any]:
        if name in self.paths:
            return [reduce(_within, self.paths[name], one) for one in objects]
        return list(map(itemgetter(name), objects)) if name in there else [one.get(name) for one in objects]

    def _others(self, one: Object) -> str | None:
        if one.keys() <= self.known:
            return None
        return text_of({name: value for name, value in one.items() if name not in self.known})


def _within(found: Any, key: str) -> Any:
    return found.get(key) if isinstance(found, dict) else None


def _rows(line: int, raw: bytes, *, long: bool) -> Iterator[Row]:
    """One for each line, in a file as it should be."""
    if len(raw) > LONGEST:
        yield Row(line, shown(raw), None, TOO_LONG)
        return
    try:
        found = None if long and LONG_NUMBER.search(raw) else orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = None
    if type(found) is dict and (raw.count(b":") == len(found) or _all_were_found(raw, found)):
        yield Row(line, raw.decode().rstrip("\r"), found, None)
    else:
        yield from _odd(line, raw)


def _all_were_found(raw: bytes, found: Object) -> bool:
    """There are no more keys in the text than were found. A text that looks as if it had more only costs time."""
    return len(AFTER_A_KEY.findall(raw)) == _count(found)


def _count(value: Any) -> int:
    if type(value) is dict:
        return len(value) + sum(map(_count, value.values()))
    return sum(map(_count, value)) if type(value) is list else 0


def _odd(line: int, raw: bytes) -> Iterator[Row]:
    """Objects of a line, one after another. What cannot be read ends it, and the next line is read again."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        yield Row(line, shown(raw), None, NOT_UTF_8)
        return
    place = len(text) - len(text.lstrip(BLANK))
    while place < len(text):
        try:
            found, end = DECODER.raw_decode(text, place)
        except Doubled as twice:
            yield Row(line, text[place:].strip(BLANK), None, f"names {text_of(str(twice))} twice")
            return
        except (json.JSONDecodeError, RecursionError, ValueError) as error:
            why = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deep, or a number is none"
            yield Row(line, text[place:].strip(BLANK), None, f"is no JSON: {why}")
            return
        own, place = text[place:end].strip(BLANK), len(text) - len(text[end:].lstrip(BLANK + ","))
        if isinstance(found, dict):
            yield Row(line, own, found, None)
        else:
            yield Row(line, own, None, "is no JSON object")


def _once(pairs: list[tuple[str, Any]]) -> Object:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise Doubled(next(name for name in names if names.count(name) > 1))
    return found


def _no_number(word: str) -> Any:
    raise ValueError(word)


DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)


def _records(parts: Sequence[Part]) -> Records:
    """In the order of their lines."""
    line = np.concatenate([part.line for part in parts])
    order = np.argsort(line, kind="stable")
    good = np.concatenate([part.good for part in parts])
    columns = [pa.concat_arrays(column) for column in zip(*(part.columns for part in parts), strict=True)]
    return Records(
        line=pa.array(line[order]),
        raw=pa.concat_arrays([part.raw for part in parts]).take(order),
        fields=_lists(columns, (np.cumsum(good) - 1)[order], good[order]),
        problem=pa.concat_arrays([part.problem for part in parts]).take(order),
    )


def _texts(values: list[Any]) -> pa.Array:
    """As `text_of`, in bulk where all of them are of one kind."""
    kinds = set(map(type, values)) - {type(None)}
    try:
        if kinds <= {str}:
            return pa.array(values, pa.string())
        if kinds == {int}:
            return pa.array(values, pa.int64()).cast(pa.string())
    except (UnicodeEncodeError, OverflowError, pa.ArrowInvalid):
        pass
    return pa.array([text_of(value) for value in values], pa.string())


def _lists(columns: Sequence[pa.Array], places: Numbers, good: Numbers) -> pa.Array:
    """A list of its fields for each record, null where a record is not good."""
    width, count = len(columns), good.sum()
    places = np.arange(width)[None, :] * count + places[good][:, None]
    values = pa.concat_arrays(columns).take(pa.array(places.reshape(-1)))
    offsets = np.concatenate(([0], np.cumsum(good * width))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(~good))
