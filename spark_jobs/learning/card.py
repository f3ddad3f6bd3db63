"""What people read of a model in MLflow: made by this one function for every use case."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from spark_jobs.declare import UseCase, tags

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
    seen = f"{rows:,} rows from {judged['start'][:10]} to {judged['end'][:10]}"
    return f"{verdict['verdict']} against {against}, by {seen}: {'; '.join(verdict['reasons'])}."


def _inputs(use_case: UseCase) -> str:
    tables = ", ".join(table.name for table in use_case.tables)
    reach = f"from events of the {_long(use_case.features.lookback)} before it"
    return f"{len(use_case.features.columns)} features of {tables}, each known at its row's stamp and made {reach}"


def _making(version: Mapping[str, str]) -> str:
    fitted, tuned = (json.loads(version[name]) for name in (tags.FITTED, tags.TUNED))
    tables = ", ".join(
        f"{table} version {number}" for table, number in json.loads(version.get(tags.INPUTS, "{}")).items()
    )
    return (
        f"{version.get(tags.CANDIDATE, 'a model')} ({version[tags.KIND]}), fitted on {_days(fitted)} and chosen by "
        f"{_days(tuned)}, of {tables or 'tables nobody wrote down'}"
    )


def _judging(use_case: UseCase) -> str:
    gate = use_case.gate
    word = "at most" if gate.better == "lower" else "at least"
    others = f", and by bounds on {', '.join(bound.metric for bound in gate.bounds)}" if gate.bounds else ""
    replaced = f"a champion is replaced for a lead of {gate.margin:.1%} that is no noise{others}"
    return (
        f"by {gate.metric} ({gate.better} is better, {word} {gate.limit:g}) on at least {gate.rows:,} of the newest "
        f"rows that no contestant has seen; {replaced}"
    )


def _limits(use_case: UseCase, source: str) -> Iterator[str]:
    if use_case.ahead:
        yield f"It speaks {_long(use_case.ahead)} ahead."
    if use_case.labels.horizon:
        yield f"It says nothing of what comes later than {_long(use_case.labels.horizon)} after a row."
    yield f"It reads at most {_long(use_case.history)} back, and knows nothing of what never happened in that time."
    if source == "simulated":
        yield SIMULATED
    if source == "public" and use_case.publication and use_case.publication.remark:
        yield f"Of the published data: {use_case.publication.remark}."


def _days(part: Mapping[str, Any]) -> str:
    share = f", the share {part['low']:g} to {part['high']:g} of" if part["hashed"] else ""
    return f"the rows{share} from {part['start'][:10]} to {part['end'][:10]}"


def _long(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return f"{hours:g} hours" if hours < 48 else f"{hours / 24:g} days"
