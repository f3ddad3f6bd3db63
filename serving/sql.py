"""SQL of one row, as use cases declare it, computed on columns in memory: checks, features of one row, decisions.

The same text that Spark reads becomes a tree of calls of Arrow, whose logic with nulls is that of SQL. What these calls
would answer otherwise than Spark is refused before anything is asked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from serving.terms import (
    ARROW,
    FLAG,
    KINDS,
    NULL,
    NUMBER,
    WHOLE,
    WORD,
    Columns,
    Term,
    as_kind,
    comparison,
    constant,
    inverted,
)
from spark_jobs.declare import BadDeclaration, Kind

WHOLE_TYPES = (exp.DType.INT, exp.DType.BIGINT)
COMPARED: Mapping[type, Any] = {
    exp.EQ: pc.equal,
    exp.LT: pc.less,
    exp.GT: pc.greater,
    exp.LTE: pc.less_equal,
    exp.GTE: pc.greater_equal,
}
ADDED: Mapping[type, Any] = {exp.Add: pc.add, exp.Sub: pc.subtract, exp.Mul: pc.multiply}


def compiled(sql: str, columns: Mapping[str, Kind]) -> Callable[[Columns, int], Any]:
    """A function of columns and their length; `columns`: what the text may name, and what they hold."""
    try:
        term = _Text(sql, columns).term(parse_one(sql, read="spark"))
    except SqlglotError as error:
        raise BadDeclaration(f"{sql!r} cannot be read as SQL: {str(error).splitlines()[0]}") from None

    def computed(given: Columns, length: int) -> Any:
        found = term.compute(given)
        return pa.repeat(found, length) if isinstance(found, pa.Scalar) else found

    return computed


@dataclass(frozen=True)
class _Text:
    sql: str
    columns: Mapping[str, Kind]

    def term(self, node: Any) -> Term:
        ways: dict[type, Callable[[Any], Term]] = {
            exp.Paren: lambda one: self.term(one.this),
            exp.Column: self._column,
            exp.Literal: self._literal,
            exp.Boolean: lambda one: constant(FLAG, bool(one.this)),
            exp.Null: lambda _: Term(NULL, lambda _: pa.scalar(None)),
            exp.Not: self._not,
            exp.And: lambda one: self._logic(pc.and_kleene, one),
            exp.Or: lambda one: self._logic(pc.or_kleene, one),
            exp.NEQ: lambda one: inverted(self._compared(exp.EQ, one.this, one.expression)),
            exp.Between: self._between,
            exp.In: self._in,
            exp.Like: self._like,
            exp.Is: self._is,
            exp.Case: self._case,
            exp.Coalesce: self._coalesce,
            exp.IsNan: self._is_nan,
            exp.Abs: lambda one: self._alone(pc.abs, one),
            exp.Neg: lambda one: self._alone(pc.negate, one),
            exp.Cast: self._cast,
            exp.TryCast: self._cast,
            **dict.fromkeys(COMPARED, lambda one: self._compared(type(one), one.this, one.expression)),
            **dict.fromkeys(ADDED, self._added),
        }
        if type(node) not in ways:
            raise self._refused(node, "is nothing that can be computed of a row without Spark")
        return ways[type(node)](node)

    def _refused(self, node: Any, why: str) -> BadDeclaration:
        allowed = "comparisons, AND, OR, NOT, IN, BETWEEN, LIKE, IS NULL, CASE, coalesce, isnan, abs, + - *, CAST"
        return BadDeclaration(f"{self.sql!r}: {node.sql('spark')} {why}. A model that is served knows {allowed}")

    def _column(self, node: Any) -> Term:
        named = {name.lower(): name for name in self.columns}  # Spark does not tell cases apart
        if node.table or node.name.lower() not in named:
            raise self._refused(node, f"is none of {', '.join(self.columns)}")
        name = named[node.name.lower()]
        kind = KINDS.get(self.columns[name], "")
        if kind not in ARROW:
            raise self._refused(node, "is a day or a time")
        return Term(kind, lambda given: given[name])

    def _literal(self, node: Any) -> Term:
        if node.is_string:
            return constant(WORD, node.this)
        if node.is_int:
            return constant(WHOLE, int(node.this)) if abs(int(node.this)) < 2**63 else self._of_no_type(node)
        return constant(NUMBER, float(node.this), decimal="e" not in node.this.lower())

    def _of_no_type(self, node: Any) -> Term:
        raise self._refused(node, "is larger than a bigint")

    def _flag(self, node: Any) -> Term:
        found = self.term(node)
        if found.kind not in (FLAG, NULL):
            raise self._refused(node, f"is {found.kind}, where a yes or no belongs")
        return as_kind(FLAG, found)

    def _not(self, node: Any) -> Term:
        return inverted(self._flag(node.this))

    def _logic(self, call: Any, node: Any) -> Term:
        left, right = self._flag(node.this), self._flag(node.expression)
        return Term(FLAG, lambda given: call(left.compute(given), right.compute(given)))

    def _compared(self, way: type, left: Any, right: Any) -> Term:
        one, other = self._alike(left, right)
        return Term(FLAG, comparison(COMPARED[way], one, other))

    def _between(self, node: Any) -> Term:
        low = self._compared(exp.GTE, node.this, node.args["low"])
        high = self._compared(exp.LTE, node.this, node.args["high"])
        return Term(FLAG, lambda given: pc.and_kleene(low.compute(given), high.compute(given)))

    def _in(self, node: Any) -> Term:
        terms = [self.term(one) for one in node.expressions]
        asked = self.term(node.this)
        if asked.kind not in (WORD, WHOLE) or not terms or any(one.kind != asked.kind for one in terms):
            raise self._refused(node, "asks among others than written texts or whole numbers")
        if any(one.value is None for one in terms):
            raise self._refused(node, "asks among others than written values")
        among = pa.array([one.value for one in terms], ARROW[asked.kind])

        def computed(given: Columns) -> Any:
            values = asked.compute(given)
            return pc.if_else(pc.is_valid(values), pc.is_in(values, value_set=among), pa.scalar(None, pa.bool_()))

        return Term(FLAG, computed)

    def _like(self, node: Any) -> Term:
        asked, pattern = self.term(node.this), node.expression
        if asked.kind != WORD or not pattern.is_string or "\\" in pattern.this:
            raise self._refused(node, "compares others than a text and a written pattern without a backslash")
        return Term(FLAG, lambda given: pc.match_like(asked.compute(given), pattern.this))

    def _is(self, node: Any) -> Term:
        if not isinstance(node.expression, exp.Null):
            raise self._refused(node, "asks for something else than NULL")
        asked = self.term(node.this)
        return Term(FLAG, lambda given: pc.is_null(asked.compute(given)))

    def _is_nan(self, node: Any) -> Term:
        asked = as_kind(NUMBER, self.term(node.this))
        return Term(FLAG, lambda given: pc.fill_null(pc.is_nan(asked.compute(given)), False))

    def _case(self, node: Any) -> Term:
        results = [self.term(one.args["true"]) for one in node.args["ifs"]]
        default = self.term(node.args["default"]) if node.args.get("default") else Term(NULL, lambda _: pa.scalar(None))
        kind = self._one_kind(node, [*results, default])
        results, default = [as_kind(kind, one) for one in results], as_kind(kind, default)
        if node.this is not None:
            written = [self.term(one.this) for one in node.args["ifs"]]
            if all(one.value is not None for one in (*written, *results)):
                return self._looked_up(node, written, results, default)
            whens = [self._compared(exp.EQ, node.this, one.this) for one in node.args["ifs"]]
        else:
            whens = [self._flag(one.this) for one in node.args["ifs"]]

        def computed(given: Columns) -> Any:
            found = default.compute(given)
            for when, result in zip(reversed(whens), reversed(results), strict=True):
                so = pc.fill_null(when.compute(given), False)
                found = pc.if_else(so, result.compute(given), found)
            return found

        return Term(kind, computed)

    def _looked_up(self, node: Any, written: Sequence[Term], results: Sequence[Term], default: Term) -> Term:
        """A list of words and what each means: one step, however long it is."""
        asked = self.term(node.this)
        if asked.kind not in (WORD, WHOLE) or any(one.kind != asked.kind for one in written):
            raise self._refused(node, "compares with others than written texts or whole numbers")
        first = {one.value: result.value for one, result in reversed([*zip(written, results, strict=True)])}
        words = pa.array(list(first), ARROW[asked.kind])
        means = pa.array(list(first.values()), ARROW[results[0].kind])

        def computed(given: Columns) -> Any:
            return pc.coalesce(means.take(pc.index_in(asked.compute(given), value_set=words)), default.compute(given))

        return Term(results[0].kind, computed)

    def _coalesce(self, node: Any) -> Term:
        terms = [self.term(one) for one in (node.this, *node.expressions)]
        kind = self._one_kind(node, terms)
        every = [as_kind(kind, one) for one in terms]
        return Term(kind, lambda given: pc.coalesce(*(one.compute(given) for one in every)))

    def _alone(self, call: Any, node: Any) -> Term:
        asked = self.term(node.this)
        if asked.kind not in (WHOLE, NUMBER):
            raise self._refused(node, f"is of {asked.kind}")
        if asked.value is not None and isinstance(node, exp.Neg):
            return constant(asked.kind, -asked.value, decimal=asked.decimal)
        return Term(asked.kind, lambda given: call(asked.compute(given)))

    def _added(self, node: Any) -> Term:
        one, other = self._alike(node.this, node.expression)
        if one.kind not in (WHOLE, NUMBER) or (one.value is not None and other.value is not None):
            raise self._refused(node, "is arithmetic of others than columns of numbers")
        call = ADDED[type(node)]
        return Term(one.kind, lambda given: call(one.compute(given), other.compute(given)))

    def _cast(self, node: Any) -> Term:
        asked, to = self.term(node.this), node.args["to"].this
        if to is exp.DType.DOUBLE and isinstance(asked.value, str):
            return constant(NUMBER, float(asked.value))
        if to is exp.DType.DOUBLE and asked.kind in (WHOLE, NUMBER):
            return constant(NUMBER, float(asked.value)) if asked.value is not None else as_kind(NUMBER, asked)
        if to in WHOLE_TYPES and asked.kind == FLAG:
            return Term(WHOLE, lambda given: pc.cast(asked.compute(given), pa.int64()))
        if to is exp.DType.BIGINT and asked.kind == WHOLE:
            return asked
        raise self._refused(node, f"makes another thing of {asked.kind}")

    def _alike(self, left: Any, right: Any) -> tuple[Term, Term]:
        one, other = self.term(left), self.term(right)
        kind = self._one_kind(exp.EQ(this=left.copy(), expression=right.copy()), [one, other])
        return as_kind(kind, one), as_kind(kind, other)

    def _one_kind(self, node: Any, terms: Sequence[Term]) -> str:
        kinds = {one.kind for one in terms} - {NULL}
        if any(one.decimal for one in terms) and WHOLE in kinds:
            raise self._refused(node, "mixes whole numbers and exact decimals: write CAST(... AS DOUBLE)")
        if kinds == {WHOLE, NUMBER}:
            return NUMBER
        if len(kinds) != 1:
            raise self._refused(node, f"mixes {' and '.join(sorted(kinds)) or 'nothing but nulls'}")
        return kinds.pop()
