"""What models do to groups of rows, counted on small frames."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.declare import GroupBound, UseCase
from spark_jobs.learning.bootstrap import interval
from spark_jobs.learning.gate import Evidence, Verdict, judge
from spark_jobs.learning.group_pictures import groups as picture
from spark_jobs.learning.group_words import of_groups
from spark_jobs.learning.groups import CHALLENGER, CHAMPION, LEAD, Slice, as_table, slices
from spark_jobs.learning.verdicts import plain
from tests.spark import tiny

BY_SEX = replace(
    tiny.USE_CASE,
    features=replace(tiny.USE_CASE.features, columns=("x1", "x2", "sex")),
    predictions=("probability", "called"),
    slices=("sex",),
    gate=replace(tiny.USE_CASE.gate, group_rows=4),
)


def rows(sex: Sequence[object], true: Sequence[int], called: Sequence[int], said: float = 0.5) -> pd.DataFrame:
    return pd.DataFrame({"sex": pd.Series(sex, dtype=object), "y": true, "called": called, "probability": said})


def looked_at(*frames: pd.DataFrame, use_case: UseCase = BY_SEX) -> Slice:
    """Each row a block of its own."""
    return slices(use_case, frames, pd.Series(range(len(frames[0]))))["sex"]


def values(found: Slice, group: str, who: str = CHALLENGER) -> dict[str, float]:
    return {name: round(one.value, 4) for name, one in found.groups[group].numbers[who].items()}


SEX = [*"ffff", *"mmmmmm"]
TRUE = [1, 0, 0, 0, 1, 1, 1, 0, 0, 0]
CALLED = [1, 0, 0, 0, 1, 1, 0, 1, 0, 0]
POORLY = [0, 0, 0, 0, 1, 1, 1, 1, 1, 0]


def test_each_group_is_counted_by_itself() -> None:
    found = looked_at(rows(SEX, TRUE, CALLED, said=0.25))
    assert {name: group.rows for name, group in found.groups.items()} == {"m": 6, "f": 4}
    assert values(found, "f") == {
        "accuracy": 1.0,
        "recall": 1.0,
        "precision": 1.0,
        "selected": 0.25,
        "foretold": 0.25,
        "true": 0.25,
        "calibration": 0.0,
    }
    assert values(found, "m") == {
        "accuracy": 0.6667,
        "recall": 0.6667,
        "precision": 0.6667,
        "selected": 0.5,
        "foretold": 0.25,
        "true": 0.5,
        "calibration": -0.25,
    }


def test_the_lead_is_the_challengers_less_the_champions() -> None:
    found = looked_at(rows(SEX, TRUE, CALLED), rows(SEX, TRUE, POORLY))
    ours, theirs, lead = (values(found, "m", who) for who in (CHALLENGER, CHAMPION, LEAD))
    assert (ours["recall"], theirs["recall"], lead["recall"]) == (0.6667, 1.0, -0.3333)
    assert (ours["precision"], theirs["precision"], lead["precision"]) == (0.6667, 0.6, 0.0667)


def test_differences_are_those_of_the_published_definitions() -> None:
    """Of the groups f and m .25 and .5 are selected, of the true 1 and 2/3 are found, of the others 0 and 1/3."""
    between = looked_at(rows(SEX, TRUE, CALLED)).between[CHALLENGER]
    assert between == {
        "demographic_parity_difference": pytest.approx(0.25),
        "demographic_parity_ratio": pytest.approx(0.5),
        "equal_opportunity_difference": pytest.approx(1 / 3),
        "equalized_odds_difference": pytest.approx(1 / 3),
    }


def test_nothing_lies_between_the_groups_where_there_is_one() -> None:
    between = looked_at(rows(["f"] * 10, TRUE, CALLED)).between[CHALLENGER]
    assert [name for name, value in between.items() if not math.isnan(value)] == []


def test_null_is_a_group_and_a_number_is_called_as_people_write_it() -> None:
    found = looked_at(rows([1.0, 0.0, None, float("nan"), 1.0], [0] * 5, [0] * 5))
    assert found == Slice(small={"1": 2, "missing": 2, "0": 1})
    found = looked_at(rows([1.5, True, "true", None], [0] * 4, [0] * 4))
    assert found.small == {"1.5": 1, "True": 1, "missing": 1, "true": 1}


def test_a_group_of_three_rows_is_named_and_not_measured() -> None:
    found = looked_at(rows([*"fffff", *"xxx", *"mmmm"], [1, 0] * 6, [1, 0] * 6))
    assert (list(found.groups), found.small) == (["f", "m"], {"x": 3})
    assert "Too small to measure, with their rows: x (3)." in in_words(found)


def test_ten_thousand_values_are_counted_all_and_named_in_part() -> None:
    sex = [f"job {i}" for i in range(10_000)] + ["job 7"] * 5
    found = looked_at(rows(sex, [0] * 10_005, [0] * 10_005))
    assert (list(found.groups), len(found.small)) == (["job 7"], 9_999)
    assert "job 0 (1), job 1 (1)" in in_words(found)
    assert "and 9,979 more with 9,979 rows together, all in groups.json." in in_words(found)
    assert len(in_words(found)) < 3_000
    table = as_table({"sex": found})
    assert table["rows"].sum() == 10_005
    assert table["of"].value_counts().to_dict() == {"too few rows": 9_999, "challenger": 1}


def test_a_group_without_positives_has_no_recall_and_that_is_no_reason() -> None:
    """Nor is it a recall of 0 to those who ask how far groups lie apart."""
    sex, true, called = [*"ffffff", *"mmmm", *"xxxx"], [1, 0, 0, 1, 0, 0] + [0] * 4 + [1, 1, 0, 0], [1, 0] * 7
    found = looked_at(rows(sex, true, called), rows(sex, true, called))
    assert math.isnan(found.groups["m"].numbers[CHALLENGER]["recall"].value)
    assert found.between[CHALLENGER]["equal_opportunity_difference"] == 0
    (line,) = [line for line in in_words(found).splitlines() if line.startswith("| m | 4 |")]
    assert line.split(" | ")[4] == "0.500 (0.000 to 1.000)"
    assert line.split(" | ")[5] == "-"
    assert verdict(found).verdict == "PROMOTE"


def test_a_group_of_positives_alone_has_no_odds() -> None:
    found = looked_at(rows([*"ffffff", *"pppp"], [1, 0, 0, 1, 0, 0, 1, 1, 1, 1], [1, 0] + [1, 0] * 4))
    assert found.between[CHALLENGER]["equal_opportunity_difference"] == 0
    assert math.isnan(found.between[CHALLENGER]["equalized_odds_difference"])


def test_what_is_decided_must_be_yes_or_no() -> None:
    for strange, says in ((2, "called holds 2"), (None, "called holds nan")):
        with pytest.raises(ValueError, match=f"groups are looked at by what is 0 or 1, and {says}"):
            looked_at(rows(["f", "f"], [0, 1], [1, strange]))  # type: ignore[list-item]  # what no label holds


def test_an_interval_is_of_the_draws_that_the_gate_makes() -> None:
    draw = np.random.default_rng(4)
    true, ours, theirs = draw.integers(0, 2, (3, 400))
    frame = pd.DataFrame({"right": (ours == true).astype(float) - (theirs == true)})
    blocks = pd.Series(draw.integers(0, 60, 400)).where(draw.random(400) < 0.9)  # some rows are of no block
    frames = [rows(["f"] * 400, true, called) for called in (ours, theirs)]
    found = slices(BY_SEX, frames, blocks)["sex"].groups["f"].numbers[LEAD]["accuracy"]
    asked = interval(blocks, lambda rows: float(frame["right"].loc[rows].mean()), BY_SEX.gate.resamples)
    assert [found.low, found.high] == pytest.approx([asked.low, asked.high])
    assert found.low < found.value < found.high


PEOPLE = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60
)


@settings(deadline=None)
@given(PEOPLE)
def test_every_row_is_of_one_group(people: list[tuple[str | None, int, int]]) -> None:
    found = looked_at(rows(*zip(*people, strict=True)))  # type: ignore[arg-type]  # of lengths that are drawn
    assert sum(group.rows for group in found.groups.values()) + sum(found.small.values()) == len(people)
    assert all(group.rows >= 4 for group in found.groups.values())
    assert all(count < 4 for count in found.small.values())


@settings(deadline=None)
@given(PEOPLE)
def test_names_swapped_swap_the_numbers(people: list[tuple[str | None, int, int]]) -> None:
    sex, true, called = zip(*people, strict=True)
    other = {"a": "b", "b": "a", "c": "c", None: None}
    one, two = (as_json(looked_at(rows(names, true, called))) for names in (sex, [other[name] for name in sex]))
    for mine, its in {"a": "b", "b": "a", "c": "c", "missing": "missing"}.items():
        assert one["groups"].get(mine) == two["groups"].get(its)
        assert one["small"].get(mine) == two["small"].get(its)
    assert one["between"] == two["between"]


@settings(deadline=None)
@given(PEOPLE)
def test_a_perfect_model_finds_all_groups_alike(people: list[tuple[str | None, int, int]]) -> None:
    sex, true, _ = zip(*people, strict=True)
    found = looked_at(rows(sex, true, true))
    apart = found.between.get(CHALLENGER, {})
    asked = [apart.get(name, 0.0) for name in ("equal_opportunity_difference", "equalized_odds_difference")]
    assert [value for value in asked if not (value == 0 or math.isnan(value))] == []
    assert all(group.numbers[CHALLENGER]["accuracy"].value == 1 for group in found.groups.values())


def verdict(found: Slice) -> Verdict:
    """Of models of which nothing else is amiss."""
    alone = any(CHAMPION not in group.numbers for group in found.groups.values())
    bounds = tuple(GroupBound(metric=name, may_worsen=0.05) for name in ("recall", "precision"))
    evidence = Evidence(
        rows=100,
        challenger={"rmse": 1.0},
        champion=None if alone else {"rmse": 2.0},
        lead=interval(pd.Series([1]), lambda _: 1.0, 100),
        slices={"sex": found},
    )
    return judge(replace(BY_SEX.gate, groups=bounds), evidence)


def in_words(found: Slice) -> str:
    return of_groups(plain(verdict(found).numbers)["groups"])


def as_json(found: Slice) -> dict[str, Any]:
    """NaN is not equal to itself; null is."""
    return dict(json.loads(json.dumps(plain(asdict(found)), allow_nan=False)))


def test_a_group_that_loses_more_than_allowed_is_a_reason_that_names_it() -> None:
    found = looked_at(rows(SEX, TRUE, CALLED), rows(SEX, TRUE, POORLY))
    assert verdict(found).reasons == [
        "recall of sex='m' is 0.6667, the champion's 1: worse by 0.3333 (95 % interval 0 to 1), allowed is 0.05"
    ]
    assert verdict(looked_at(rows(SEX, TRUE, CALLED))).verdict == "PROMOTE"
    assert verdict(looked_at(rows(SEX, TRUE, CALLED), rows(SEX, TRUE, CALLED))).verdict == "PROMOTE"


def test_a_number_that_only_the_champion_has_is_lost() -> None:
    nobody = looked_at(rows(SEX, TRUE, [1, 0, 0, 0] + [0] * 6), rows(SEX, TRUE, CALLED))
    assert "precision of sex='m': the challenger has none, and the champion 0.6667" in verdict(nobody).reasons


def test_where_groups_are_bounded_one_at_least_must_be_measured() -> None:
    few = looked_at(rows([*"fffmmm"], [1] * 6, [1] * 6), rows([*"fffmmm"], [1] * 6, [1] * 6))
    assert verdict(few).reasons == ["no group of sex has 4 judge rows, so none shows what it would lose"]
    assert "No group has rows enough." in in_words(few)


def test_a_verdict_says_of_each_group_what_it_gets() -> None:
    said = in_words(looked_at(rows([*"||||", *"mmmmmm"], TRUE, CALLED), rows([*"||||", *"mmmmmm"], TRUE, POORLY)))
    assert "compared with the champion: recall at most 0.05, precision at most 0.05." in said
    assert "| sex | rows | true | of | accuracy | recall | precision | selected | foretold |" in said
    assert [line.split("(")[0] for line in said.splitlines() if line.startswith(("| m", "| \\|"))] == [
        "| m | 6 | 0.500 ",
        "| \\| | 4 | 0.250 ",
    ]
    assert "| demographic parity ratio | 0.500 | 0.000 |" in said


def test_a_picture_shows_groups_beside_each_other(tmp_path: Path) -> None:
    """A group without positives has no dot for its recall, and a name with dollars is no formula."""
    sex = [*["$x^$"] * 4, *"mmmmmm"]
    figure = picture("sex", looked_at(rows(sex, [0] * 4 + TRUE[4:], CALLED), rows(sex, [0] * 4 + TRUE[4:], POORLY)))
    recall, selected = figure.axes
    assert [line.get_label() for line in recall.lines] == ["challenger", "champion"]
    assert np.array_equal(recall.lines[0].get_xdata(), [2 / 3, math.nan], equal_nan=True)
    assert selected.lines[1].get_xdata().tolist() == [5 / 6, 0]  # type: ignore[union-attr]  # drawn, so there
    figure.savefig(tmp_path / "groups.png")
