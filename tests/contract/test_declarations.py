"""What a use case may not declare, and what it is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spark_jobs import use_cases
from spark_jobs.declare import RECORD, BadDeclaration, Column, GroupBound, HashSplit, RawTable, Reads
from spark_jobs.use_cases.wine_quality.use_case import USE_CASE as OWNER
from spark_jobs.use_cases.wine_score.use_case import USE_CASE as READER


def test_every_table_that_is_read_is_declared_by_the_one_that_brings_it_in() -> None:
    for use_case in use_cases.that_learn().values():
        owner = use_cases.learning(use_case.source)
        assert owner.reads is None
        assert {*use_case.tables} <= {*owner.tables}
        assert use_case.publication == owner.publication


def test_a_reader_has_the_tables_of_its_owner() -> None:
    reader = use_cases.learning("wine_score")
    assert (reader.tables, reader.source) == (OWNER.tables, "wine_quality")


def test_a_withdrawn_table_is_an_error_that_names_both() -> None:
    renamed = (replace(OWNER.tables[0], name="wines"),)
    owner = replace(OWNER, tables=renamed, labels=replace(OWNER.labels, clock="wines"))
    says = "wine_score reads samples of wine_quality, which declares wines: put it back in wine_quality/use_case.py"
    with pytest.raises(BadDeclaration, match=says):
        READER.on(owner)


def test_a_withdrawn_owner_is_an_error_that_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_cases, "names", lambda: ["bike_sharing", "wine_score"])
    with pytest.raises(BadDeclaration, match="wine_score reads tables of wine_quality, which is not one of bike_shar"):
        use_cases.learning("wine_score")


@pytest.mark.parametrize(
    "other",
    [
        {"split": HashSplit(judge=0.3, validate=0.15)},
        {"features": replace(READER.features, columns=(*READER.features.columns, "age"))},
        {"features": replace(READER.features, columns=READER.features.columns[::-1])},
    ],
)
def test_on_one_source_rows_are_parted_alike(other: dict[str, Any]) -> None:
    with pytest.raises(BadDeclaration, match="wine_score and wine_quality share their rows, so their split"):
        replace(READER, **other).on(OWNER)


def test_a_reader_is_not_read_and_has_no_tables_of_its_own() -> None:
    with pytest.raises(BadDeclaration, match="wine_score: it reads tables of wine_score"):
        READER.on(READER)
    with pytest.raises(BadDeclaration, match="wine_score: it reads tables of wine_quality and has none itself"):
        replace(READER, tables=OWNER.tables).on(OWNER)


TEXT = Column(name="text")
BOUND = GroupBound(metric="recall", may_worsen=0.05)
DECLARED: dict[str, tuple[Callable[[], object], str]] = {
    "blank": (lambda: Column(name="fixed acidity"), "no table holds a name with ' ' .* header='fixed acidity'"),
    "two times": (
        lambda: RawTable(name="t", columns=(TEXT,), key=RECORD, at_arrival=True, day_column="text", event_time="text"),
        "table t: a row is of its day_column or at_arrival, not both",
    ),
    "half a record": (lambda: RawTable(name="t", columns=(TEXT,), key=("file",)), "the key RECORD stands alone"),
    "its name": (lambda: RawTable(name="t", columns=(Column(name="file"),), key=RECORD), "the key RECORD stands alone"),
    "blank word": (lambda: RawTable(name="t", columns=(TEXT,), key=RECORD, missing=(" ",)), "missing holds .* got ' '"),
    "missing code": (
        lambda: RawTable(name="t", columns=(replace(TEXT, codes=("a", "?")),), key=RECORD, missing=("?",)),
        r"'\?' is missing, so it is no code of text",
    ),
    "tables twice": (lambda: Reads(use_case="shop", tables=("a", "a")), "name tables of shop, each once"),
    "no table": (lambda: Reads(use_case="shop", tables=()), "name tables of shop, each once"),
    "no decision": (
        lambda: replace(OWNER, slices=("is_red",), predictions=("probability",)),
        "slices go with one label of 0 and 1, and with predictions of its probability and of what `decide` makes of it",
    ),
    "two labels": (
        lambda: replace(OWNER, slices=("is_red",), labels=replace(OWNER.labels, columns=("good", "bad"))),
        r"slices go with one label .* got labels \('good', 'bad'\)",
    ),
    "decided as true": (
        lambda: replace(OWNER, slices=("is_red",), predictions=("probability", "good")),
        "'good' is decided, so it is no name of a feature or a label",
    ),
    "slices twice": (lambda: replace(OWNER, slices=("is_red", "is_red")), "name each slice once"),
    "bounds of no slice": (
        lambda: replace(OWNER, gate=replace(OWNER.gate, groups=(BOUND,))),
        r"the gate bounds groups, and no slices say which: slices=\('sex',\), say",
    ),
    "groups of nobody": (lambda: replace(OWNER.gate, group_rows=0), "group_rows is 1 or more, got 0"),
    "another metric": (
        lambda: GroupBound(metric="auc", may_worsen=0.1),  # type: ignore[arg-type]  # as somebody might
        "metric is one of accuracy, recall, precision, got 'auc'",
    ),
    "a gain": (lambda: GroupBound(metric="recall", may_worsen=-0.1), "may_worsen is 0 or more, got -0.1"),
}


@pytest.mark.parametrize(("declare", "says"), DECLARED.values(), ids=DECLARED)
def test_a_contradiction_is_refused_with_what_to_do(declare: Callable[[], object], says: str) -> None:
    with pytest.raises(BadDeclaration, match=says):
        declare()


def test_who_looks_at_data_or_approves_a_model_does_not_make_another_one_due() -> None:
    assert repr(replace(OWNER, profile=not OWNER.profile, approval=not OWNER.approval)) == repr(OWNER)


def test_a_column_is_known_when_it_says_so_and_else_with_its_table() -> None:
    columns = (Column(name="at_once", known_after=timedelta()), Column(name="late"))
    table = RawTable(name="t", columns=columns, key=("late",), known_after=timedelta(days=1))
    assert (table.known_at("at_once"), table.known_at("late")) == (timedelta(), timedelta(days=1))


def test_a_column_may_be_called_otherwise_in_its_file() -> None:
    table = RawTable(name="t", columns=(Column(name="ph", header="pH value"), TEXT), key=RECORD)
    assert (table.column_names, table.header) == (("ph", "text"), ("pH value", "text"))


def test_groups_may_be_looked_at_where_one_label_is_decided() -> None:
    gate = replace(OWNER.gate, groups=(BOUND,))
    assert replace(OWNER, slices=("is_red", "good"), gate=gate).slices == ("is_red", "good")
