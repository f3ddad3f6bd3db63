"""Rows as silver would take or refuse them, by the same declarations: columns of values in, typed columns out."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from serving.sql import compiled
from serving.values import HIGHEST, LOWEST, reader, refusal
from spark_jobs.declare import Column, Kind, Wanted
from spark_jobs.declare.texts import text_of

ARROW = {Kind.TEXT: pa.string(), Kind.INTEGER: pa.int64(), Kind.NUMBER: pa.float64()}
PLAIN: Mapping[Kind, set[type]] = {Kind.TEXT: {str}, Kind.INTEGER: {int}, Kind.NUMBER: {int, float}}
Given = Any  # a list of values of JSON, or a column of Arrow, or None: nobody names it
Reasons = dict[int, list[str]]  # by the place of a row


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Of the rows that were given, those that are good, typed; and why the others are refused."""

    length: int  # of all
    columns: Mapping[str, Any]  # of the good ones
    good: Any  # their places; None: all of them
    reasons: Reasons


@dataclass(frozen=True, kw_only=True)
class Typing:
    """Of one column. Plain values, all of them good, need no text: the others are read as a file's would be."""

    column: Column
    missing: frozenset[str]
    bounds: tuple[float, float] = field(init=False)
    codes: frozenset[Any] = field(init=False)  # and None
    code_array: Any = field(init=False)

    def __post_init__(self) -> None:
        reader(self.column)
        column = self.column
        whole = column.kind is Kind.INTEGER
        low = column.low if column.low is not None else (LOWEST if whole else -sys.float_info.max)
        high = column.high if column.high is not None else (HIGHEST if whole else sys.float_info.max)
        object.__setattr__(self, "bounds", (low, high))
        object.__setattr__(self, "codes", frozenset([*column.codes, None]) if column.codes else frozenset())
        words = [code for code in column.codes if isinstance(code, str)]
        object.__setattr__(self, "code_array", pa.array(words, pa.string()))

    def typed(self, values: Given, length: int) -> tuple[Any, dict[int, str]]:
        """The column, and by its place why a value is refused."""
        if values is None:
            return self._read(texts(None, length))
        found = self._plain(values) if isinstance(values, list) else self._plain_array(values)
        if found is not None:
            return found, {}
        return self._read(texts(values, length))

    def _plain(self, values: Sequence[Any]) -> Any:
        """None where one of them is not surely good."""
        kinds, column = set(map(type, values)), self.column
        if not column.required and column.kind is Kind.TEXT:
            kinds.discard(type(None))
        if not kinds <= PLAIN[column.kind]:
            return None
        if column.kind is Kind.TEXT:
            return pa.array(values, pa.string()) if self.codes and self.codes.issuperset(values) else None
        if not values or self.codes or not self.bounds[0] <= min(values) <= max(values) <= self.bounds[1]:
            return None
        if column.kind is Kind.INTEGER:
            return pa.array(values, pa.int64())
        found = np.array(values, "float64")
        return pa.array(found) if np.isfinite(found).all() else None

    def _plain_array(self, values: Any) -> Any:
        column = self.column
        if values.null_count and column.required:
            return None
        if column.kind is Kind.TEXT:
            folded = pa.types.is_dictionary(values.type) and pa.types.is_string(values.type.value_type)
            words = pc.cast(values, pa.string()) if folded else values
            taken = pa.types.is_string(words.type) and self.codes
            return (
                words if taken and pc.all(pc.is_in(words, value_set=self.code_array)).as_py() in (True, None) else None
            )
        if self.codes or values.type != ARROW[column.kind] or values.null_count == len(values):
            return None
        found = pc.min_max(values)
        low, high = found["min"].as_py(), found["max"].as_py()
        if not self.bounds[0] <= low <= high <= self.bounds[1]:
            return None
        plain = column.kind is Kind.INTEGER or pc.all(pc.is_finite(values)).as_py()
        return values if plain else None

    def _read(self, texts: Sequence[str | None]) -> tuple[Any, dict[int, str]]:
        """Each text is read once, however often it is there."""
        column, read = self.column, reader(self.column)
        values: dict[str | None, Any] = {}
        whys: dict[str | None, str] = {}
        for text in set(texts):
            stripped = text.strip(" ") if text is not None else ""
            if not stripped or stripped in self.missing:
                values[text], why = None, column.says.missing if column.required else None
            else:
                value = read(stripped)
                why = refusal(column, value)
                values[text] = value if why is None else None
                why = None if column.bad_becomes_null else why
            if why is not None:
                whys[text] = why
        found = pa.array([values[text] for text in texts], ARROW[column.kind])
        return found, {place: whys[text] for place, text in enumerate(texts) if text in whys} if whys else {}


@dataclass(frozen=True, kw_only=True)
class Checking:
    """Of the rows of one table."""

    wanted: Wanted
    typings: tuple[tuple[str, str, Typing], ...]  # what a column is called by who asks, by us, and how it is typed
    rules: tuple[tuple[str, Callable[[Mapping[str, Any], int], Any]], ...]  # what a row that breaks one is told
    names: tuple[str, ...]  # as who asks calls the columns

    @classmethod
    def of(cls, wanted: Wanted) -> "Checking":
        table, missing = wanted.table, frozenset(wanted.table.missing)
        kinds = {column.name: column.kind for column in table.columns}
        heads = zip(table.header, table.columns, strict=True)
        typings = tuple((head, column.name, Typing(column=column, missing=missing)) for head, column in heads)
        rules = [(key.says.missing, compiled(f"`{key.name}` IS NOT NULL", kinds)) for key in table.own_key]
        rules += [(check.not_so, compiled(check.sql, kinds)) for check in table.checks]
        return cls(wanted=wanted, typings=typings, rules=tuple(rules), names=tuple(wanted.names))

    def rows(self, given: Mapping[str, Given], length: int) -> Rows:
        """`given`: a column by its name in the header; one that is known only later is not read."""
        columns, reasons = {}, Reasons()
        for head, name, typing in self.typings:
            values = None if name in self.wanted.later else given.get(head)
            columns[name], whys = typing.typed(values, length)
            for place, why in whys.items():
                reasons.setdefault(place, []).append(why)
        self._of_whole_rows(columns, length, reasons)
        if not reasons:
            return Rows(length=length, columns=columns, good=None, reasons=reasons)
        good = np.setdiff1d(np.arange(length), np.fromiter(reasons, int, len(reasons)))
        taken = {name: column.take(pa.array(good)) for name, column in columns.items()}
        return Rows(length=length, columns=taken, good=good, reasons=reasons)

    def _of_whole_rows(self, columns: Mapping[str, Any], length: int, reasons: Reasons) -> None:
        """Adds what only a whole row shows to those that are good so far."""
        broken = Reasons()
        for says, holds in self.rules:
            found = holds(columns, length)
            if found.null_count == length or pc.all(found).as_py() is True:
                continue
            for place in np.flatnonzero(pc.fill_null(found, True).to_numpy(zero_copy_only=False) == 0).tolist():
                if place not in reasons:
                    broken.setdefault(place, []).append(says)
        reasons |= broken


def texts(values: Given, length: int) -> list[str | None]:
    """What Arrow cannot write, Python does."""
    if values is None:
        return [None] * length
    if isinstance(values, list):
        return list(map(text_of, values))
    try:
        return list(pc.cast(values, pa.string()).to_pylist())
    except pa.ArrowException:
        return list(map(text_of, values.to_pylist()))
