"""Rows are taken and refused as silver takes and refuses them: the same values, and the same words."""

import os
import random
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from serving.checked import Checking
from spark_jobs import use_cases
from spark_jobs.declare import BadDeclaration, Check, Column, Kind, RawTable, Wanted, wanted
from spark_jobs.declare.texts import text_of
from spark_jobs.sql import name_of
from spark_jobs.tables.typed import OVERFLOW_IS_NULL, REASONS, typed, with_all_reasons, with_event_time
from spark_jobs.tables.typed import settings as session

HOSTILE = RawTable(
    name="things",
    columns=(
        Column(name="whole", kind=Kind.INTEGER),
        Column(name="few", kind=Kind.INTEGER, low=-3, high=17, required=False),
        Column(name="some", header="so-me", kind=Kind.INTEGER, codes=(1, 7)),
        Column(name="number"),
        Column(name="share", low=0.1, high=1e3, required=False),
        Column(name="lax", low=0, bad_becomes_null=True),
        Column(name="word", kind=Kind.TEXT, codes=("yes", "no", "it's", "é")),
        Column(name="text", kind=Kind.TEXT, required=False),
    ),
    key=("whole", "at"),
    at_arrival=True,
    missing=("?", "n/a"),
    checks=(
        Check(says="few are no more than it's whole", sql="few <= whole"),
        Check(says="a share or a word", sql="share > 1 OR word LIKE 'y%' OR lax IS NULL"),
    ),
)
GOOD = ("5", "5", "7", "1.5", "0.5", "2", "yes", "t")
TEXTS = (
    *("", " ", "?", " n/a ", "n/a", "N/A", "null", "NaN", "nan", "NAN", "+NaN", "-nan", "Infinity", "inf", "-INF"),
    *("1", "+1", "-1", "--1", "01", "-0", "0x1p3", "0x1.8p1d", "0X.8P+1", "0x10", "1e3", "1E400", "-1e999", "1e-400"),
    *("1d", "1f", "1.5D", "1L", "1.", ".5", ".", "1.0", "1,0", "1 0", "\t1", "1\n", "\x001", "1\x7f", "1\u00a0",),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "00000000000000000000000017", "1_0", "1e"),
    *("17.0000000000000001", "17.1", "-3", "-3.1", "0.1", "0.09999999999999999", "1000", "1000.0000000000001", "12"),
    *("yes", "Yes", " yes ", "\tyes", "it's", "é", "e\u0301", "no\x00", "🍷", "'", '"', "\\", "`", "true", "٣", "Ⅷ"),
    *("2024-01-31", "12:00", "1e5e5", "e5", "+", "-", "+.", "0x", "0xp1", "NaNd", "Infinityd", "infd", "İnf", "1.5.5"),
)  # fmt: skip


def spark_says(spark: SparkSession, table: RawTable, rows: Sequence[Sequence[str | None]]) -> list[tuple[Any, ...]]:
    """Of each row the values and the reasons, as silver has them."""
    names = [f"text{place}" for place in range(len(table.columns))]
    today = date(2024, 1, 1)
    given = pa.table([pa.array(range(len(rows))), *map(pa.array, zip(*rows, strict=True))], names=["record", *names])
    bronze = {"day": f"DATE'{today}'", "arrival_day": f"DATE'{today}'", "file": "'f'", "record": "record"}
    bronze |= dict.fromkeys(("line", "raw", "problem"), "CAST(NULL AS STRING)")
    bronze |= {"fields": f"array({', '.join(names)})"}
    with session(spark, OVERFLOW_IS_NULL):
        frame = spark.createDataFrame(given).selectExpr(*(f"{what} AS {name}" for name, what in bronze.items()))
        judged = with_all_reasons(with_event_time(typed(frame, table), table), table)
        reasons = f"CASE WHEN _why = '' THEN array() ELSE {REASONS} END AS _reasons"
        found = judged.selectExpr("_record", *map(name_of, table.column_names), reasons).orderBy("_record").toArrow()
    return [tuple(row.values())[1:] for row in found.to_pylist()]


def we_say(table: RawTable, columns: dict[str, Any], length: int) -> list[tuple[Any, ...]]:
    """The same; of a row that is refused no values."""
    rows = Checking.of(Wanted(table=table, raw=True)).rows(columns, length)
    good = range(length) if rows.good is None else rows.good.tolist()
    values = zip(*(rows.columns[name].to_pylist() for name in table.column_names), strict=True)
    told = dict(zip(good, values, strict=True))
    return [(*told[place], []) if place in told else (None, rows.reasons[place]) for place in range(length)]


def compare(ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]], rows: Sequence[Any]) -> None:
    assert len(ours) == len(theirs)
    for mine, its, row in zip(ours, theirs, rows, strict=True):
        assert mine[-1] == its[-1], row
        if not its[-1]:
            assert repr(mine) == repr(its), row


def columns_of(table: RawTable, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    return dict(zip(table.header, map(list, zip(*rows, strict=True)), strict=True))


def test_whatever_text_a_field_holds_it_is_read_and_refused_as_silver_does(spark: SparkSession) -> None:
    """Each text in each column of a good row, in all at once, and all drawn at random."""
    chance = random.Random(int(os.environ["SEED"]))
    alone = [(*GOOD[:place], text, *GOOD[place + 1 :]) for place in range(len(GOOD)) for text in (None, *TEXTS)]
    pieces = ["1", "0", ".", "e", "-", "+", " ", "d", "x", "p", "\t", "é", "inf", "nan", "9" * 18, "?"]
    drawn = ["".join(chance.choices(pieces, k=chance.randint(1, 5))) for _ in range(600)]
    mixed = [tuple(chance.choice([text, *GOOD, *TEXTS]) for _ in GOOD) for text in drawn]
    rows = [*alone, *((text,) * len(GOOD) for text in drawn), *mixed]
    compare(we_say(HOSTILE, columns_of(HOSTILE, rows), len(rows)), spark_says(spark, HOSTILE, rows), rows)


JSON: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 7, 17, 18, 2**63 - 1, 2**63, -(2**63), 10**30, 10**400, 0.5, 1.0, 7.0, -0.0, 1e300),
    *(float("nan"), float("inf"), 5e-324, 2.0**53, "yes", "1", " 7 ", "?", "", [], [1], {}, {"a": 1}, "x" * 99),
)  # fmt: skip


@pytest.mark.parametrize("at_once", ["one", "three", "all"])
def test_values_of_json_are_read_as_their_text_would_be(spark: SparkSession, at_once: str) -> None:
    """One row at a time, where a plain value goes a shorter way, and many at once."""
    good = (5, 5, 7, 1.5, 0.5, 2, "yes", "t")
    rows = [(*good[:place], value, *good[place + 1 :]) for place in range(len(good)) for value in JSON]
    theirs = spark_says(spark, HOSTILE, [[text_of(value) for value in row] for row in rows])
    if at_once == "one":
        ours = [we_say(HOSTILE, columns_of(HOSTILE, [row]), 1)[0] for row in rows]
    elif at_once == "three":
        ours = [we_say(HOSTILE, columns_of(HOSTILE, [good, row, good]), 3)[1] for row in rows]
    else:
        ours = we_say(HOSTILE, columns_of(HOSTILE, rows), len(rows))
    compare(ours, theirs, rows)


ARRAYS = {
    "float32": pa.array([0.1, 1.5, None, 17.0, 3e38], pa.float32()),
    "int8": pa.array([1, 7, None, -3, 18], pa.int8()),
    "uint64": pa.array([1, 7, None, 2**63, 5], pa.uint64()),
    "int64": pa.array([1, 7, 2**62, -3, 18], pa.int64()),
    "double": pa.array([0.1, float("nan"), None, float("inf"), 7.0], pa.float64()),
    "finite double": pa.array([0.1, 0.5, 3.0, 100.0, 7.0], pa.float64()),
    "decimal": pa.array([1, 7, None, 5, 17], pa.decimal128(10, 2)),
    "bool": pa.array([True, False, None, True, True]),
    "words": pa.array(["yes", "no", "it's", "yes", "é"]),
    "other words": pa.array(["yes", "maybe", None, " yes", "?"]),
    "dictionary": pa.array(["yes", "no", "no", "yes", "é"]).dictionary_encode(),
    "large": pa.array(["yes", "1", None, "é", "7"], pa.large_string()),
    "day": pa.array([0, 1, 2, 3, None], pa.date32()),
    "nothing": pa.nulls(5),
}


def test_columns_of_arrow_are_read_as_a_file_of_parquet_would_be(spark: SparkSession) -> None:
    import pyarrow.compute as pc

    given, rows, ours = [], [], []
    for name, array in ARRAYS.items():
        texts = pc.cast(array, pa.string()).to_pylist()
        for place, head in enumerate(HOSTILE.header):
            good = {one: pa.array([value] * len(texts)) for one, value in zip(HOSTILE.header, GOOD, strict=True)}
            ours += we_say(HOSTILE, good | {head: array}, len(texts))
            rows += [(*GOOD[:place], text, *GOOD[place + 1 :]) for text in texts]
            given += [(name, head)] * len(texts)
    compare(ours, spark_says(spark, HOSTILE, rows), given)


@pytest.mark.parametrize("name", ["census_income", "wine_quality", "wine_score"])
def test_the_lines_of_a_source_broken_ones_too_are_refused_as_silver_refuses_them(
    spark: SparkSession, name: str
) -> None:
    use_case = use_cases.learning(name)
    asked, chance = wanted(use_case, ()), np.random.default_rng(int(os.environ["SEED"]))
    source = use_cases.part(use_case.source, "source")
    rows = _lines(source, use_cases.learning(use_case.source))
    words = ["", "?", "12", "-1", "1e9", "no such", "Husband", "Preschool", "0.5", "red"]
    for row in rows[::2]:
        row[chance.integers(len(row))] = words[chance.integers(len(words))]
    later = [asked.table.column_names.index(one) for one in asked.later]
    hidden = [[None if place in later else value for place, value in enumerate(row)] for row in rows]
    ours = we_say(asked.table, columns_of(asked.table, hidden), len(rows))
    compare(ours, spark_says(spark, asked.table, hidden), hidden)
    assert {bool(row[-1]) for row in ours} == {True, False}


def _lines(source: Any, use_case: Any) -> list[list[str | None]]:
    table = use_case.tables[0]
    deliveries = [one for one in source.simulated(_days(), use_case.simulation) if one.table == table.name]
    found = [line.split(",") for one in deliveries for line in one.text.splitlines()[1:]]
    return [list(line) for line in found if len(line) == len(table.columns)][:400]


def _days() -> Any:
    from spark_jobs.declare import Window

    return Window.of(date(2024, 1, 1), date(2024, 1, 2))


def test_a_day_is_refused_before_anything_is_asked() -> None:
    table = RawTable(name="t", columns=(Column(name="d", kind=Kind.DAY),), key=("d",))
    with pytest.raises(BadDeclaration, match="column d is a date, which only Spark reads"):
        Checking.of(Wanted(table=table, raw=True))
