"""The gate fails closed: nothing unclear is ever promoted."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.declare import Bound, Gate
from spark_jobs.learning.bootstrap import Interval, interval
from spark_jobs.learning.gate import Evidence, judge

GATE = Gate(
    metric="rmse",
    better="lower",
    limit=10.0,
    margin=0.1,
    rows=100,
    bounds=(Bound(metric="recall", better="higher", limit=0.5, may_worsen=0.1),),
)
CHALLENGER = {"rmse": 4.0, "recall": 0.8}
CHAMPION = {"rmse": 5.0, "recall": 0.85}
GOOD = Evidence(rows=100, challenger=CHALLENGER, champion=CHAMPION, lead=Interval(low=0.2, high=1.8))

ANY = st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 12)
METRICS = st.dictionaries(st.sampled_from(["rmse", "recall", "other"]), ANY)
LEADS = st.none() | st.builds(lambda low, high: Interval(low=low, high=high), ANY, ANY)


def test_a_clear_lead_is_promoted_and_every_number_shown() -> None:
    verdict = judge(GATE, GOOD)
    assert verdict.verdict == "PROMOTE"
    assert verdict.numbers == {
        "rows": 100,
        "metric": "rmse",
        "better": "lower",
        "limit": 10.0,
        "margin": 0.1,
        "bounds": [{"metric": "recall", "better": "higher", "limit": 0.5, "may_worsen": 0.1}],
        "challenger": CHALLENGER,
        "champion": CHAMPION,
        "lead": 1.0,
        "interval": [0.2, 1.8],
    }


def test_without_a_champion_the_limits_alone_decide() -> None:
    alone = replace(GOOD, champion=None, lead=None)
    assert judge(GATE, alone).verdict == "PROMOTE"
    assert judge(GATE, replace(alone, challenger={"rmse": 11.0, "recall": 0.8})).verdict == "REJECT"
    assert judge(GATE, replace(alone, challenger={"rmse": 4.0, "recall": 0.4})).verdict == "REJECT"


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (replace(GOOD, rows=99), "too few judge rows that no contestant has seen: 99, the gate asks for 100"),
        (replace(GOOD, failure="judging failed"), "judging failed"),
        (replace(GOOD, challenger={"recall": 0.8}), "rmse of the challenger is None"),
        (replace(GOOD, challenger={"rmse": math.nan, "recall": 0.8}), "rmse of the challenger is nan"),
        (replace(GOOD, challenger={"rmse": 4.0}), "recall of the challenger is None"),
        (replace(GOOD, champion={"recall": 0.8}), "rmse leads by nan, the gate asks for at least nan"),
        (replace(GOOD, challenger={"rmse": 4.6, "recall": 0.8}), "rmse leads by 0.4, the gate asks for at least 0.5"),
        (replace(GOOD, lead=None), "the lead in rmse may be noise: its interval begins at nan, not above 0"),
        (
            replace(GOOD, lead=Interval(low=-0.1, high=2.0)),
            "the lead in rmse may be noise: its interval begins at -0.1, not above 0",
        ),
        (
            replace(GOOD, challenger={"rmse": 4.0, "recall": 0.7}),
            "recall is worse than the champion's by 0.15, allowed is 0.1",
        ),
        (
            replace(GOOD, lead=Interval(low=0.0, high=2.0)),
            "the lead in rmse may be noise: its interval begins at 0, not above 0",
        ),
        (replace(GOOD, challenger={"rmse": 4.0, "recall": math.inf}), "recall of the challenger is inf"),
        (replace(GOOD, challenger={"rmse": -math.inf, "recall": 0.8}), "rmse of the challenger is -inf"),
    ],
)
def test_anything_unclear_is_rejected_with_its_reason(evidence: Evidence, reason: str) -> None:
    verdict = judge(GATE, evidence)
    assert verdict.verdict == "REJECT"
    assert reason in verdict.reasons


def test_what_is_asked_is_enough_to_the_last_digit() -> None:
    exact = replace(GATE, margin=0.25, bounds=(Bound(metric="recall", better="higher", limit=0.5, may_worsen=0.25),))
    evidence = replace(GOOD, challenger={"rmse": 6.0, "recall": 0.5}, champion={"rmse": 8.0, "recall": 0.75})
    assert judge(exact, evidence).verdict == "PROMOTE"
    alone = replace(evidence, champion=None, lead=None)
    assert judge(exact, replace(alone, challenger={"rmse": 10.0, "recall": 0.5})).verdict == "PROMOTE"


def test_a_margin_is_a_share_of_what_the_metric_is_far_from_nothing() -> None:
    """A log likelihood, say, is below it."""
    gate = replace(GATE, better="higher", limit=-9.0, margin=0.25, bounds=())
    close = replace(GOOD, challenger={"rmse": -7.0}, champion={"rmse": -8.0})
    assert judge(gate, close).reasons == ["rmse leads by 1, the gate asks for at least 2"]
    assert judge(gate, replace(close, challenger={"rmse": -6.0})).verdict == "PROMOTE"


@given(st.integers(0, 200), METRICS, st.none() | METRICS, LEADS, st.sampled_from(["", "it broke"]))
def test_whatever_the_evidence_only_proof_promotes(
    rows: int, challenger: dict[str, float], champion: dict[str, float] | None, lead: Interval | None, failure: str
) -> None:
    evidence = Evidence(rows=rows, challenger=challenger, champion=champion, lead=lead, failure=failure)
    if judge(GATE, evidence).verdict == "REJECT":
        return
    assert not failure
    assert rows >= 100
    assert challenger["rmse"] <= 10
    assert challenger["recall"] >= 0.5
    if champion is not None:
        assert lead is not None
        assert lead.low > 0
        assert champion["rmse"] - challenger["rmse"] >= 0.1 * abs(champion["rmse"])
        assert challenger["recall"] - champion["recall"] >= -0.1


def noisy(gap: float) -> Interval:
    """The lead of one guess over another, where days differ more than guesses do."""
    draw = np.random.default_rng(1)
    rows = pd.DataFrame({"day": np.repeat(np.arange(20), 24), "lead": gap + np.repeat(draw.normal(size=20), 24)})
    return interval(rows["day"], lambda index: float(rows.loc[index, "lead"].mean()), 200)


def test_rows_of_one_day_are_drawn_together() -> None:
    """Drawn one by one, 480 rows would make the interval a fifth as wide."""
    found = noisy(0.0)
    assert found.high - found.low > 0.4
    assert found.low < 0 < found.high


def test_the_interval_holds_the_middle_95_of_100_draws() -> None:
    drawn = iter(range(201))
    assert interval(pd.Series(["day"]), lambda _: float(next(drawn)), 201) == Interval(low=5.0, high=195.0)


def test_the_same_rows_give_the_same_interval() -> None:
    assert noisy(1.0) == noisy(1.0)
