"""Is the challenger good enough? Whatever is unclear is a REJECT with its reason."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from spark_jobs.declare import Bound, Gate, GroupBound
from spark_jobs.learning.bootstrap import Interval
from spark_jobs.learning.groups import CHALLENGER, CHAMPION, LEAD, Group, Slice
from spark_jobs.learning.served import Served

Metrics = Mapping[str, float]
PROMOTE: Literal["PROMOTE"] = "PROMOTE"
REJECT: Literal["REJECT"] = "REJECT"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a judgement rests on. Without a champion there are no numbers of one."""

    rows: int
    challenger: Metrics
    champion: Metrics | None = None
    lead: Interval | None = None  # of the challenger's lead in the gate's metric, above 0 is better
    slices: Mapping[str, Slice] = field(default_factory=dict)  # by column
    failure: str = ""  # why there is no evidence


@dataclass(frozen=True, kw_only=True)
class Verdict:
    verdict: Literal["PROMOTE", "REJECT"]
    reasons: list[str]
    numbers: dict[str, Any] = field(default_factory=dict)


def judge(gate: Gate, evidence: Evidence) -> Verdict:
    """Every rule is asked, so that a REJECT names all that is amiss."""
    missing = [evidence.failure] if evidence.failure else _rows(gate, evidence)
    if missing:
        return Verdict(verdict=REJECT, reasons=missing, numbers={"rows": evidence.rows})
    objections = [*_limit(gate, evidence), *_lead(gate, evidence)]
    for bound in gate.bounds:
        objections += _bound(bound, evidence)
    objections += _groups(gate, evidence)
    reasons = objections or [_praise(gate, evidence)]
    return Verdict(verdict=REJECT if objections else PROMOTE, reasons=reasons, numbers=_numbers(gate, evidence))


def after_asking(verdict: Verdict, asked: Served) -> Verdict:
    """Good enough, and does a service answer with it as the batch does?"""
    numbers = {**verdict.numbers, "service": dict(asked.numbers)}
    if asked.objections:
        return Verdict(verdict=REJECT, reasons=asked.objections, numbers=numbers)
    return Verdict(verdict=PROMOTE, reasons=verdict.reasons, numbers=numbers)


def lead_of(rule: Gate | Bound, challenger: Metrics, champion: Metrics) -> float:
    """How much better the challenger is; NaN where one of them has no such metric."""
    ours, theirs = (metrics.get(rule.metric, math.nan) for metrics in (challenger, champion))
    return ours - theirs if rule.better == "higher" else theirs - ours


def _rows(gate: Gate, evidence: Evidence) -> list[str]:
    if evidence.rows >= gate.rows:
        return []
    return [f"too few judge rows that no contestant has seen: {evidence.rows}, the gate asks for {gate.rows}"]


def _limit(gate: Gate | Bound, evidence: Evidence) -> list[str]:
    value = evidence.challenger.get(gate.metric)
    if value is None or not math.isfinite(value):
        return [f"{gate.metric} of the challenger is {value}"]
    if gate.limit is None:
        return []
    holds = value <= gate.limit if gate.better == "lower" else value >= gate.limit
    word = "at most" if gate.better == "lower" else "at least"
    return [] if holds else [f"{gate.metric} is {value:.6g}, the gate asks for {word} {gate.limit:.6g}"]


def _lead(gate: Gate, evidence: Evidence) -> list[str]:
    if evidence.champion is None:
        return []
    lead = lead_of(gate, evidence.challenger, evidence.champion)
    margin = gate.margin * abs(evidence.champion.get(gate.metric, math.nan))
    found = []
    if not lead >= margin:  # also when one of them is NaN
        found.append(f"{gate.metric} leads by {lead:.6g}, the gate asks for at least {margin:.6g}")
    if evidence.lead is None or not evidence.lead.low > 0:
        low = math.nan if evidence.lead is None else evidence.lead.low
        found.append(f"the lead in {gate.metric} may be noise: its interval begins at {low:.6g}, not above 0")
    return found


def _bound(bound: Bound, evidence: Evidence) -> list[str]:
    found = _limit(bound, evidence)
    if bound.may_worsen is None or evidence.champion is None:
        return found
    lead = lead_of(bound, evidence.challenger, evidence.champion)
    if not lead >= -bound.may_worsen:  # also when one of them is NaN
        found.append(f"{bound.metric} is worse than the champion's by {-lead:.6g}, allowed is {bound.may_worsen:.6g}")
    return found


def _groups(gate: Gate, evidence: Evidence) -> list[str]:
    """Where groups are bounded, a slice that shows of none what it loses is a reason too."""
    if not gate.groups or evidence.champion is None:
        return []
    found = [] if evidence.slices else ["no slice was looked at, and the gate bounds groups"]
    for column, one in evidence.slices.items():
        if not one.groups:
            found.append(f"no group of {column} has {gate.group_rows} judge rows, so none shows what it would lose")
        for bound in gate.groups:
            for name, group in one.groups.items():
                found += _group(bound, f"{column}={name!r}", group)
    return found


def _group(bound: GroupBound, which: str, group: Group) -> list[str]:
    """Where the champion has no such number there is nothing to lose; where only the challenger has none there is."""
    ours, theirs, lead = (group.numbers[who][bound.metric] for who in (CHALLENGER, CHAMPION, LEAD))
    if math.isnan(theirs.value) or lead.value >= -bound.may_worsen:
        return []
    if math.isnan(ours.value):
        return [f"{bound.metric} of {which}: the challenger has none, and the champion {theirs.value:.4g}"]
    loss, low, high = (0 - one for one in (lead.value, lead.high, lead.low))  # of nothing it is 0, not -0
    return [
        f"{bound.metric} of {which} is {ours.value:.4g}, the champion's {theirs.value:.4g}: worse by {loss:.4g} "
        f"(95 % interval {low:.4g} to {high:.4g}), allowed is {bound.may_worsen:.4g}"
    ]


def _praise(gate: Gate, evidence: Evidence) -> str:
    if evidence.champion is None:
        return f"no champion yet, and {gate.metric} keeps its limit of {gate.limit:.6g}"
    lead = lead_of(gate, evidence.challenger, evidence.champion)
    return f"{gate.metric} leads by {lead:.6g}, more than the margin and more than noise"


def _numbers(gate: Gate, evidence: Evidence) -> dict[str, Any]:
    found: dict[str, Any] = {
        "rows": evidence.rows,
        "metric": gate.metric,
        "better": gate.better,
        "limit": gate.limit,
        "margin": gate.margin,
        "bounds": [asdict(bound) for bound in gate.bounds],
        "challenger": dict(evidence.challenger),
    }
    if evidence.champion is not None:
        found["champion"] = dict(evidence.champion)
        found["lead"] = lead_of(gate, evidence.challenger, evidence.champion)
        found["interval"] = None if evidence.lead is None else [evidence.lead.low, evidence.lead.high]
    if evidence.slices:
        found["groups"] = {
            "rows": gate.group_rows,
            "bounds": [asdict(bound) for bound in gate.groups],
            "slices": {column: asdict(one) for column, one in evidence.slices.items()},
        }
    return found
