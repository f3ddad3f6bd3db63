"""SQL of one row, computed without Spark: the same answers as Spark's own."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from pyspark.sql import SparkSession
from pyspark.sql.types import DoubleType, LongType, StringType, StructType

from serving.sql import compiled
from spark_jobs import use_cases
from spark_jobs.declare import BadDeclaration, Kind
from spark_jobs.sql import with_constants
from spark_jobs.tables.typed import OVERFLOW_IS_NULL
from spark_jobs.tables.typed import settings as session

COLUMNS = {"a": Kind.NUMBER, "b": Kind.NUMBER, "n": Kind.INTEGER, "m": Kind.INTEGER, "t": Kind.TEXT, "u": Kind.TEXT}
SCHEMA = StructType()
for _name, _kind in COLUMNS.items():
    SCHEMA = SCHEMA.add(_name, {Kind.NUMBER: DoubleType(), Kind.INTEGER: LongType(), Kind.TEXT: StringType()}[_kind])
WORDS = ("", "x", "X", "Married-x", "Married", "a%b", "é\n", "🍷", " x")
ROWS: list[tuple[Any, ...]] = [
    (a, b, n, m, t, u)
    for (a, b), (n, m), (t, u) in zip(
        [(a, b) for a in (None, 0.0, -0.0, 1.5, float("nan"), float("inf"), -1e308) for b in (None, 0.5, float("nan"))],
        [(n, m) for n in (None, 0, -3, 2**62) for m in (None, 1, 2**53 + 1, 7, -3)] + [(1, 1)],
        [(t, u) for t in (None, *WORDS) for u in (None, "x")] + [("x", "x")],
        strict=True,
    )
]
TEXTS = (
    "a <= b", "a < b", "a > b", "a >= b", "a = b", "a <> b", "a >= 0.5", "NOT (a = b)", "a = n", "n >= a", "n = m",
    "a IS NULL OR b > 1", "a > 0 AND b > 0", "n IN (1, 7, -3)", "t NOT IN ('x', 'é\n') OR u LIKE 'Married-%'",
    "t LIKE 'a%b'", "t LIKE '_'", "t LIKE '%x'", "n BETWEEN 0 AND 5", "a BETWEEN 0 AND 5", "isnan(a)", "abs(a) > 1",
    "n = CASE t WHEN 'x' THEN 0 WHEN 'X' THEN -3 WHEN 'x' THEN 5 END", "CASE WHEN a > 1 THEN t WHEN b > 0 THEN u END",
    "CASE WHEN a > 1 THEN n ELSE b END", "coalesce(a, n, 3)", "a - b", "a + n", "n * m", "n - 1", "-a", "-n < 3",
    "CAST(a > b AS INT)", "CAST(n AS DOUBLE)", "CAST(a >= CAST('1e-05' AS DOUBLE) AS INT)", "`A` = B", "t = u",
    "t < u", "t IS NOT NULL", "TRUE OR a > 1", "a > 1 AND FALSE", "t <> 'it\\'s'",
    "n = NULL", "CASE a WHEN b THEN 1 END",
)  # fmt: skip


def answers(sql: str, rows: list[tuple[Any, ...]]) -> list[Any]:
    types = {Kind.NUMBER: pa.float64(), Kind.INTEGER: pa.int64(), Kind.TEXT: pa.string()}
    named = enumerate(COLUMNS.items())
    arrays = {name: pa.array([row[place] for row in rows], types[kind]) for place, (name, kind) in named}
    found: list[Any] = compiled(sql, COLUMNS)(arrays, len(rows)).to_pylist()
    return found


def alike(found: list[Any]) -> list[str]:
    """With NaN and the sign of zero."""
    return [repr(float(one)) if isinstance(one, float) else repr(one) for one in found]


def test_it_answers_as_spark_does_for_whatever_values_a_row_holds(spark: SparkSession) -> None:
    with session(spark, OVERFLOW_IS_NULL):
        frame = spark.createDataFrame(ROWS, SCHEMA)
        told = frame.selectExpr(*(f"{sql} AS c{place}" for place, sql in enumerate(TEXTS))).collect()
    for place, sql in enumerate(TEXTS):
        assert alike(answers(sql, ROWS)) == alike([row[place] for row in told]), sql


NUMBERS = some.one_of(
    some.sampled_from(["a", "b", "n", "m", "0", "1.5D", "-3", "2", "CAST(n AS DOUBLE)"]),
)
ASKED = some.builds(
    "{} {} {}".format, NUMBERS, some.sampled_from(["=", "<>", "<", "<=", ">", ">="]), NUMBERS
) | some.sampled_from(
    ["t = u", "t LIKE '%x'", "a IS NULL", "t IN ('x', '')", "isnan(b)", "n BETWEEN -3 AND m", "a > NULL"]
)
LOGIC = some.recursive(
    ASKED,
    lambda inner: some.one_of(
        some.builds("({} AND {})".format, inner, inner),
        some.builds("({} OR {})".format, inner, inner),
        some.builds("NOT ({})".format, inner),
        some.builds("CASE WHEN {} THEN {} ELSE {} END".format, inner, inner, inner),
    ),
    max_leaves=5,
)


@settings(max_examples=2, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(texts=some.lists(LOGIC, min_size=60, max_size=60))
def test_whatever_a_use_case_could_write_it_answers_as_spark_or_refuses(spark: SparkSession, texts: list[str]) -> None:
    """Many in one query: each query takes longer than all of its columns."""
    taken = {}
    for sql in dict.fromkeys(texts):
        try:
            taken[sql] = answers(sql, ROWS)
        except BadDeclaration:
            continue
    with session(spark, OVERFLOW_IS_NULL):
        told = spark.createDataFrame(ROWS, SCHEMA).selectExpr("t", *(f"{one} AS c{at}" for at, one in enumerate(taken)))
        rows = told.collect()
    for place, (sql, found) in enumerate(taken.items(), 1):
        assert alike(found) == alike([row[place] for row in rows]), sql


REFUSED = {
    "length(t) > 3": "Length|nothing that can be computed of a row",
    "t > 3": "mixes a text and a whole number",
    "n > 0.5": "mixes whole numbers and exact decimals",
    "x > 3": "x is none of a, b, n, m, t, u",
    "a / b > 1": "nothing that can be computed",
    "t LIKE u": "written pattern",
    "n IN (m, 1)": "written values",
    "a > ": "cannot be read as SQL",
    "CAST(t AS INT) > 1": "makes another thing of a text",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_what_could_be_answered_otherwise_than_by_spark_is_refused_before_it_is_asked(sql: str) -> None:
    with pytest.raises(BadDeclaration, match=REFUSED[sql]):
        compiled(sql, COLUMNS)


def test_every_check_feature_and_decision_of_every_use_case_of_one_row_can_be_computed() -> None:
    served = {name: one for name, one in use_cases.that_learn().items() if one.of_one_row}
    assert {*served} == {"census_income", "wine_quality", "wine_score"}
    for use_case in served.values():
        columns = {column.name: column.kind for column in use_case.tables[0].columns}
        for sql in (*(check.sql for check in use_case.tables[0].checks), *use_case.features.made.values()):
            compiled(sql, columns)


def test_a_constant_stands_in_the_text_to_the_last_bit_and_one_that_is_not_there_is_named() -> None:
    value = 0.1 + 0.2
    sql = with_constants("CAST(a >= :threshold AS INT)", {"threshold": value})
    rows = [(value, None, None, None, None, None), (0.3, None, None, None, None, None)]
    assert answers(sql, rows) == [1, 0]
    with pytest.raises(BadDeclaration, match=r"the constant 'limit', which the version's calibrate did not give"):
        with_constants("a >= :limit", {"threshold": 1.0})
