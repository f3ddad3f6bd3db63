"""What people read of a model in MLflow: made by this one function for every use case."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from spark_jobs.declare import HashSplit, UseCase, tags

SIMULATED = "It learned from simulated data: what it foretells holds for the simulation and for nothing else."


def card(use_case: UseCase, source: str, version: Mapping[str, str], verdict: Mapping[str, Any] | None = None) -> str:
    """Of a version with these tags; with none, of the registered model that holds all versions."""
    paragraphs = [
        f"**{use_case.summary}**: {use_case.grain}.",
        f"**From** {_inputs(use_case)}.",
        *([f"**Made** as {_making(version)}."] if version else []),
        f"**Judged** {_judging(use_case)}.",
        f"**Limits.** {' '.join(_limits(use_case, source))}",
        *([f"**Verdict.** {in_a_sentence(verdict)}"] if verdict else []),
    ]
    return "\n\n".join(paragraphs) + "\n"


def in_a_sentence(verdict: Mapping[str, Any]) -> str:
    against = f"champion {verdict['champion']}" if verdict["champion"] else "no champion"
    judged, rows = verdict["judged"], verdict["numbers"]["rows"]
    return (
        f"{verdict['verdict']} against {against}, by {rows:,} rows {stretch(judged)}: {'; '.join(verdict['reasons'])}."
    )


def stretch(part: Mapping[str, Any]) -> str:
    """Which rows a part holds, to follow the word rows."""
    if part["hashed"]:
        return f"before {part['end'][:10]} whose content falls between {part['low']:.0%} and {part['high']:.0%}"
    return f"from {part['start'][:10]} to {part['end'][:10]}"


def _inputs(use_case: UseCase) -> str:
    tables = ", ".join(table.name for table in use_case.tables)
    back = use_case.features.lookback
    reach = f" and made from events of the {_long(back)} before it" if back else ""
    return f"{len(use_case.features.columns)} features of {tables}, each known at its row's stamp{reach}"


def _making(version: Mapping[str, str]) -> str:
    fitted, tuned = (json.loads(version[name]) for name in (tags.FITTED, tags.TUNED))
    tables = ", ".join(
        f"{table} version {number}" for table, number in json.loads(version.get(tags.INPUTS, "{}")).items()
    )
    return (
        f"{version.get(tags.CANDIDATE, 'a model')} ({version[tags.KIND]}), fitted on the rows {stretch(fitted)} and "
        f"chosen by the rows {stretch(tuned)}, of {tables or 'tables nobody wrote down'}"
    )


def _judging(use_case: UseCase) -> str:
    gate = use_case.gate
    by_content = isinstance(use_case.split, HashSplit)
    which = "rows, parted from the others by their content," if by_content else "of the newest rows"
    word = "at most" if gate.better == "lower" else "at least"
    others = f", and by bounds on {', '.join(bound.metric for bound in gate.bounds)}" if gate.bounds else ""
    lost = " and ".join(f"{bound.may_worsen:g} of its {bound.metric}" for bound in gate.groups)
    groups = f", while no group by {', '.join(use_case.slices)} loses more than {lost}" if lost else ""
    replaced = f"a champion is replaced for a lead of {gate.margin:.1%} that is no noise{others}{groups}"
    return (
        f"by {gate.metric} ({gate.better} is better, {word} {gate.limit:g}) on at least {gate.rows:,} {which} "
        f"that no contestant has seen; {replaced}"
    )


def _limits(use_case: UseCase, source: str) -> Iterator[str]:
    if use_case.ahead:
        yield f"It speaks {_long(use_case.ahead)} ahead."
    if use_case.labels.horizon:
        yield f"It says nothing of what comes later than {_long(use_case.labels.horizon)} after a row."
    if isinstance(use_case.split, HashSplit):
        yield "It knows nothing of what is unlike the rows it learned from."
    else:
        yield f"It reads at most {_long(use_case.history)} back, and knows nothing of what never happened in that time."
    if source == "simulated":
        yield SIMULATED
    if source == "public" and use_case.publication and use_case.publication.remark:
        yield f"Of the published data: {use_case.publication.remark}."


def _long(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return f"{hours:g} hours" if hours < 48 else f"{hours / 24:g} days"
