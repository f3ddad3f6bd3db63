"""However readings come and days are cut into ranges, each row is the same to the last bit."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.use_cases.predictive_maintenance.histories import ASKED, FAILED, REPLACED, told
from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, ERRORS, SENSORS, USE_CASE

HOUR, DAY = 3600, 86400
FIRST, DAYS = 1_709_251_200, 12  # 2024-03-01
LOOKBACK = USE_CASE.features.lookback // timedelta(seconds=1)

Fact = tuple[int, int, str | None, float | None, float | None, float | None, float | None]

MACHINES = st.sampled_from([1, 2, 7])
SECONDS = st.integers(-LOOKBACK // HOUR, DAYS * 24).map(lambda hour: FIRST + hour * HOUR)
VALUES = st.one_of(st.none(), st.floats(0, 150, allow_subnormal=False))
HAPPENED = [*ERRORS, *(name + what for name in COMPONENTS for what in (REPLACED, FAILED))]
READINGS = st.tuples(MACHINES, SECONDS, st.none(), *[VALUES] * len(SENSORS))
EVENTS = st.tuples(MACHINES, SECONDS, st.sampled_from(HAPPENED), *[st.none()] * len(SENSORS))


def asked(first: int, last: int) -> list[Fact]:
    """Every machine on each of these days."""
    return [(m, FIRST + day * DAY, ASKED, None, None, None, None) for m in (1, 2, 7) for day in range(first, last + 1)]


def rows(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    columns = list(zip(*facts, strict=True))
    kinds = [pa.int64(), pa.int64(), pa.string(), *[pa.float64()] * len(SENSORS)]
    names = ["machineID", "second", "what", *SENSORS]
    made = {name: pa.array(column, kind) for name, column, kind in zip(names, columns, kinds, strict=True)}
    found: list[dict[str, Any]] = told(pa.table(made)).to_pylist()
    return found


def seen(facts: Sequence[Fact], first: int, last: int) -> list[Fact]:
    """What the stage reads for these days: readings and errors within the look-back, the rest from the beginning on."""
    start, end = FIRST + first * DAY - LOOKBACK, FIRST + (last + 1) * DAY
    return [fact for fact in facts if fact[1] < end and (fact[1] >= start or (fact[2] or "").startswith(COMPONENTS))]


@given(
    readings=st.lists(READINGS, max_size=60, unique_by=lambda fact: fact[:2]),
    events=st.lists(EVENTS, max_size=30, unique_by=lambda fact: fact[:3]),
    cuts=st.sets(st.integers(1, DAYS - 1), max_size=4),
    data=st.data(),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_ranges_join_to_the_whole_in_any_order(
    readings: list[Fact], events: list[Fact], cuts: set[int], data: st.DataObject
) -> None:
    facts = [*readings, *events]
    whole = rows([*facts, *asked(0, DAYS - 1)])
    joined = []
    for first, end in zip([0, *sorted(cuts)], [*sorted(cuts), DAYS], strict=True):
        part = [*seen(facts, first, end - 1), *asked(first, end - 1)]
        joined += rows(data.draw(st.permutations(part)))
    assert sorted(joined, key=lambda row: (row["machineID"], row["at"])) == whole


def test_nothing_asked_is_nothing_told() -> None:
    assert rows([(1, FIRST, None, 170.0, None, None, None), (1, FIRST, "error1", None, None, None, None)]) == []


def test_what_is_told_of_a_machine_that_is_not_there_is_told_of_nobody() -> None:
    strangers: list[Fact] = [
        (machine, FIRST + HOUR, what, value, None, None, None)
        for machine in (0, 3, 9)
        for what, value in ((None, 150.0), ("error1", None), ("comp1_failed", None))
    ]
    assert rows([*strangers, *asked(0, 1)]) == rows(asked(0, 1))


def test_running_totals_may_run_over_64_bits() -> None:
    old: list[Fact] = [(1, FIRST - n * HOUR, None, None, 1000.0, None, None) for n in range(110_000, 40_000, -1)]
    new: list[Fact] = [(1, FIRST + n * HOUR, None, None, 100.0 + n, None, None) for n in range(12)]
    assert rows([*old, *new, *asked(0, 0)])[:2] == rows([*new, *asked(0, 0)])[:2]
