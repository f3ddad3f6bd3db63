"""No feature knows what is not known yet: for every use case there is, on data its own simulator made."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_jobs import use_cases
from spark_jobs.declare import RawTable
from tests.use_cases.leaks import Frames, leaks
from tests.use_cases.simulated import Simulated

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TIMED = [(name, table) for name, use_case in use_cases.that_learn().items() for table in use_case.tables if table.timed]

LakeOf = Callable[[str], Simulated]


@pytest.mark.parametrize("name", use_cases.models())
def test_features_do_not_move_with_what_is_not_known_yet(name: str, lake_of: LakeOf) -> None:
    lake = lake_of(name)
    noon, midnight = _moment(lake, days=1, hour=12), _moment(lake, days=3, hour=0)
    assert list(leaks(lake.use_case, lake.features, lake.frames, [noon, midnight])) == []


@pytest.mark.parametrize(("name", "table"), TIMED, ids=lambda value: getattr(value, "name", value))
def test_a_feature_that_reads_an_hour_too_early_is_caught(name: str, table: RawTable, lake_of: LakeOf) -> None:
    lake = lake_of(name)
    delays = [table.known_at(column) for column in table.column_names]
    _expect_caught(lake, table, values=HOUR - max(delays), rows=HOUR - min(delays))


@pytest.mark.parametrize(
    ("name", "table"),
    [(name, table) for name, table in TIMED if table.known_after >= timedelta()],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_feature_that_reads_its_own_moment_is_caught(name: str, table: RawTable, lake_of: LakeOf) -> None:
    _expect_caught(lake_of(name), table, values=timedelta(), rows=timedelta())


def _expect_caught(lake: Simulated, table: RawTable, values: timedelta, rows: timedelta) -> None:
    """Two columns read what happens in `table` from so long after the moment on: its values, and how many rows."""
    key, moment = list(lake.use_case.features.key), _moment(lake, days=1, hour=12)
    not_key = [name for name in table.column_names if name not in table.key]

    def planted(frames: Frames) -> DataFrame:
        now, then = f.col("now.at"), f.col("then.at")
        soon = (then >= now + f.lit(values)) & (then < now + f.lit(rows + DAY))
        joined = lake.stamps.alias("now").join(frames[table.name].alias("then"), soon, "left")
        read = f.sum(f.hash(*(f.col(f"then.{name}") for name in not_key))).alias("values")
        counted = f.count(f.when(then >= now + f.lit(rows), 1)).alias("rows")
        return joined.groupBy(*(f.col(f"now.{name}") for name in key)).agg(read, counted)

    found = list(leaks(lake.use_case, planted, lake.frames, [moment]))
    for column, edit in (("values", "changed"), ("rows", "removed")):
        assert any(column in leak.partition(" at ")[0] and f": {table.name} was {edit}" in leak for leak in found)


def _moment(lake: Simulated, days: int, hour: int) -> datetime:
    return datetime.combine(lake.asked.start + DAY * days, time(hour), UTC)
