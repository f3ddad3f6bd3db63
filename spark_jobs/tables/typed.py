"""From a record's text to typed columns and the reasons to refuse it, as SQL over bronze.

Names with an underscore are the record's own (`_file`, `_day`); those without are columns of the use case. `_why` is
one text of all reasons to refuse a record, for lists of text are slow to make: only of what is refused they are made.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import Column, Kind, RawTable
from spark_jobs.sql import name_of, text

RECORD = ("day", "arrival_day", "file", "record", "line", "raw", "problem")
APART = text("\x1f")  # stands between two reasons
GOOD, BAD = "_why = ''", "_why <> ''"
REASONS = f"CASE WHEN _problem IS NULL THEN split(_why, {APART}) ELSE array(_problem) END"  # of what is refused
# A record whose arithmetic overflows has to be refused, not to end the job.
OVERFLOW_IS_NULL = {"spark.sql.ansi.enabled": "false"}
# A cast alone would read "2024" as a day, and "12:00" as noon today.
SHAPES = {
    Kind.DAY: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    Kind.MOMENT: "^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}",
}


def record(table: RawTable) -> tuple[str, ...]:
    """What bronze says of a record, its columns apart."""
    return (*RECORD, "at") if table.in_milliseconds else RECORD


def typed(bronze: DataFrame, table: RawTable) -> DataFrame:
    """Adds the declared columns, `_nulled` (how many bad values a rule made null) and `_why`."""
    columns = list(enumerate(table.columns))
    unsaid = ", ".join(map(text, ("", *table.missing)))
    texts = bronze.selectExpr(
        *(f"{name} AS _{name}" for name in record(table)),
        *(f"CASE WHEN trim(fields[{i}]) NOT IN ({unsaid}) THEN trim(fields[{i}]) END AS _text{i}" for i, _ in columns),
    )
    values = texts.selectExpr("*", *(f"{_value(i, column)} AS _value{i}" for i, column in columns))
    nulled = " + ".join(
        ["0", *(f"int({_bad(i, column)} IS NOT NULL)" for i, column in columns if column.bad_becomes_null)]
    )
    given = _those_given(_reason(i, column) for i, column in columns)
    return values.selectExpr(
        *(f"_{name}" for name in record(table)),
        *(f"{_kept(i, column)} AS {name_of(column.name)}" for i, column in columns),
        f"{nulled} AS _nulled",
        f"CASE WHEN _problem IS NULL THEN {given} ELSE _problem END AS _why",
    )


def with_event_time(rows: DataFrame, table: RawTable) -> DataFrame:
    """Adds `at` to records that are good so far: of others it would mean nothing."""
    if not table.timed:
        return rows
    event_time = "_day" if table.at_arrival else table.event_time
    at = f"CASE WHEN {GOOD} THEN CAST({event_time} AS TIMESTAMP) END AS at"
    return rows.selectExpr(*(name_of(name) for name in rows.columns if name != "at"), at)


def with_all_reasons(rows: DataFrame, table: RawTable, further: Sequence[str] = ()) -> DataFrame:
    """Adds to the reasons of records that are good so far what only a whole row shows."""
    checks = [_when(f"NOT ({check.sql})", check.not_so) for check in table.checks]
    given = _those_given([*_missing_keys(table), *_time_reasons(table), *checks, *further])
    why = f"CASE WHEN {GOOD} THEN {given} ELSE _why END AS _why"
    return rows.selectExpr(*(name_of(name) for name in rows.columns if name != "_why"), why)


def as_silver(table: RawTable) -> list[str]:
    """The columns of a good row, as they are kept."""
    own = [name_of(name) for name in table.column_names if name not in ("at", "day")]
    own += [f"coalesce({mark.sql}, FALSE) AS {name_of(mark.name)}" for mark in table.marks]
    return ["_day AS day", *(["at"] if table.timed else []), *own, "_file AS file", "_record AS record"]


@contextmanager
def settings(spark: SparkSession, wanted: Mapping[str, str]) -> Iterator[None]:
    """Of the session, for as long as the block lasts."""
    before = {name: spark.conf.get(name, None) for name in wanted}
    for name, value in wanted.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, former in before.items():
            spark.conf.unset(name) if former is None else spark.conf.set(name, former)


def _missing_keys(table: RawTable) -> list[str]:
    return [_when(f"{name_of(key.name)} IS NULL", key.says.missing) for key in table.own_key]


def _time_reasons(table: RawTable) -> list[str]:
    """Of a time that the record itself names."""
    if not table.day_column:
        return []
    too_early = f"at >= date_add(_arrival_day, {table.days_ahead + 1})"
    too_late = f"at < date_sub(_arrival_day, {table.days_behind})" if table.days_behind else "FALSE"
    elsewhere = f"CAST(at AS DATE) <> _day AND NOT {too_early} AND NOT {too_late}"
    return [
        _when("at IS NULL", f"{table.day_column} and the rest give no event time"),
        _when(too_early, "describes a day after the one it arrived on"),
        _when(too_late, f"describes a day more than {table.days_behind} days before the one it arrived on"),
        _when(elsewhere, f"the event time is not on the day that {table.day_column} names"),
    ]


def _value(place: int, column: Column) -> str:
    cast = f"try_cast(_text{place} AS {column.kind})"
    shape = SHAPES.get(column.kind)
    return f"CASE WHEN _text{place} RLIKE {text(shape)} THEN {cast} END" if shape else cast


def _reason(place: int, column: Column) -> str:
    """SQL for why this column refuses its record, null where it does not."""
    missing = f"WHEN _text{place} IS NULL THEN {text(column.says.missing) if column.required else 'NULL'}"
    return f"CASE {missing} {'' if column.bad_becomes_null else _rules(place, column)} END"


def _bad(place: int, column: Column) -> str:
    """SQL for what is wrong with a value that is there."""
    return f"CASE WHEN _text{place} IS NULL THEN NULL {_rules(place, column)} END"


def _kept(place: int, column: Column) -> str:
    value = f"_value{place}"
    return f"CASE WHEN {_bad(place, column)} IS NULL THEN {value} END" if column.bad_becomes_null else value


def _rules(place: int, column: Column) -> str:
    value, says = f"_value{place}", column.says
    rules = {f"{value} IS NULL": says.unreadable}
    if column.kind is Kind.NUMBER:
        rules[f"isnan({value}) OR abs({value}) = DOUBLE('Infinity')"] = says.not_finite
    if column.low is not None:
        rules[f"{value} < {column.low}"] = says.below
    if column.high is not None:
        rules[f"{value} > {column.high}"] = says.above
    if column.codes:
        codes = ", ".join(text(code) if isinstance(code, str) else str(code) for code in column.codes)
        rules[f"{value} NOT IN ({codes})"] = says.no_code
    return " ".join(f"WHEN {rule} THEN {text(why)}" for rule, why in rules.items())


def _when(condition: str, says: str) -> str:
    return f"CASE WHEN {condition} THEN {text(says)} END"


def _those_given(reasons: Iterable[str]) -> str:
    """One text of the reasons that hold."""
    return f"concat_ws({', '.join([APART, *reasons])})"
