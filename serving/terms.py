"""Parts of SQL of one row as calls of Arrow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.declare import Kind

Columns = Mapping[str, Any]  # arrays of one length, by name
Compute = Callable[[Columns], Any]
FLAG, WHOLE, NUMBER, WORD, NULL = "a yes or no", "a whole number", "a number", "a text", "null"
ARROW = {FLAG: pa.bool_(), WHOLE: pa.int64(), NUMBER: pa.float64(), WORD: pa.string()}
KINDS: Mapping[str, str] = {Kind.TEXT: WORD, Kind.INTEGER: WHOLE, Kind.NUMBER: NUMBER}


@dataclass(frozen=True)
class Term:
    """What a part of the text is, and how it is computed; a constant also says its value."""

    kind: str
    compute: Compute
    value: Any = None
    decimal: bool = False  # a number that Spark takes for an exact one


def constant(kind: str, value: Any, *, decimal: bool = False) -> Term:
    scalar = pa.scalar(value, ARROW[kind])
    return Term(kind, lambda _: scalar, value, decimal)


def inverted(term: Term) -> Term:
    return Term(FLAG, lambda given: pc.invert(term.compute(given)))


def as_kind(kind: str, term: Term) -> Term:
    if term.kind == kind:
        return term
    return Term(kind, lambda given: pc.cast(term.compute(given), ARROW[kind], safe=False), _value_as(kind, term.value))


def _value_as(kind: str, value: Any) -> Any:
    return float(value) if kind == NUMBER and value is not None else value


def comparison(call: Any, one: Term, other: Term) -> Compute:
    """To Spark NaN equals NaN and is above all other numbers; to Arrow it is neither."""
    if one.kind != NUMBER:
        return lambda given: call(one.compute(given), other.compute(given))

    def computed(given: Columns) -> Any:
        left, right = one.compute(given), other.compute(given)
        here, there = pc.is_nan(left), pc.is_nan(right)
        found = call(left, right)
        if not _any(here) and not _any(there):
            return found
        return pc.if_else(pc.or_kleene(here, there), call(pc.cast(here, pa.int8()), pc.cast(there, pa.int8())), found)

    return computed


def _any(flags: Any) -> bool:
    return bool(flags.as_py() if isinstance(flags, pa.Scalar) else pc.any(flags).as_py())
