"""How a verdict is kept: as JSON and in words on the runs, in short on the version."""

import math
from collections.abc import Mapping
from typing import Any

from spark_jobs.declare import UseCase, tags
from spark_jobs.learning.card import card, stretch
from spark_jobs.learning.group_words import of_groups
from spark_jobs.learning.registered import Registered
from spark_jobs.learning.splits import Part
from spark_jobs.tracking import Tracking, as_json

DESCRIPTION = 5000  # characters: as many as MLflow's database takes
Stored = dict[str, Any]  # a verdict with what it was about


def store(book: Tracking, use_case: UseCase, challenger: Registered, parent: str, stored: Stored) -> None:
    """On the training's run and the night's, then on the version: whoever reads the tag finds the files."""
    groups = stored["numbers"].get("groups")
    metrics = {f"judge_{name}": value for name, value in stored["numbers"].get("challenger", {}).items()}
    for run in filter(None, {challenger.run, parent}):
        book.client.log_dict(run, stored, "verdict.json")
        book.client.log_text(run, in_words(stored) + of_groups(groups), "verdict.md")
        known = {name: value for name, value in metrics.items() if value is not None}
        book.write(run, metrics=known, labels={tags.VERDICT: stored["verdict"]})
    labels = {
        tags.JUDGED: as_json(stored["judged"]),
        tags.REASONS: "; ".join(stored["reasons"])[:4000],
        tags.VERDICT: stored["verdict"],
    }
    about = card(use_case, challenger.told.get(tags.SOURCE, ""), challenger.told, stored)
    more = f"\nGroups by {', '.join(groups['slices'])}: verdict.md of the training's run.\n" if groups else ""
    book.label(challenger.version, labels, f"{about}\n{in_words(stored)}{more}"[:DESCRIPTION])


def former(book: Tracking, challenger: Registered) -> Stored | None:
    """The verdict this version has already."""
    return book.read_json(challenger.run, "verdict.json")


def times_judged(book: Tracking, challenger: Registered, stretch: Part) -> int:
    """How many older versions were judged by rows of this stretch: the more, the less it proves."""
    older = [version for version in book.versions() if int(version.version) < int(challenger.version)]
    stretches = [Part.from_json(version.tags[tags.JUDGED]) for version in older if tags.JUDGED in version.tags]
    return sum(one.start < stretch.end and stretch.start < one.end for one in stretches)


def plain(value: Any) -> Any:
    """JSON knows no NaN and no infinity: they become null."""
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def in_words(stored: Stored) -> str:
    """What a person reads on the version's page."""
    numbers, judged = stored["numbers"], stored["judged"]
    against = f"champion, version {stored['champion']}" if stored["champion"] else "no champion"
    lines = [
        f"## {stored['verdict']}: version {stored['version']} against {against}",
        "",
        *(f"- {reason}" for reason in stored["reasons"]),
        "",
        f"{numbers['rows']} rows {stretch(judged)} that no contestant has seen; "
        f"rows of this {'share' if judged['hashed'] else 'stretch'} have judged {stored['times']} times before.",
    ]
    if service := numbers.get("service"):
        lines += ["", _of_service(service)]
    if "metric" in numbers:
        lines += ["", *_table(numbers)]
    return "\n".join(lines) + "\n"


def _of_service(told: Mapping[str, Any]) -> str:
    return (
        f"A service that was started with it answered {told['rows']} of these rows over HTTP: {told['starts']:.1f} s "
        f"until it answered, {1000 * told['answers']:.3g} ms a row, {told['gigabytes']:.2f} GB."
    )


def _table(numbers: Mapping[str, Any]) -> list[str]:
    challenger, champion = numbers["challenger"], numbers.get("champion", {})
    lines = [
        f"Decided by {numbers['metric']} ({numbers['better']} is better), limit {numbers['limit']:g}, "
        f"margin {numbers['margin']:.2%} of the champion's.",
    ]
    if numbers.get("interval"):
        low, high = numbers["interval"]
        lines.append(f"Lead {_short(numbers['lead'])}, 95 % interval {_short(low)} to {_short(high)}.")
    lines += ["", "| metric | challenger | champion |", "|---|---|---|"]
    return lines + [
        f"| {name} | {_short(value)} | {_short(champion.get(name))} |" for name, value in challenger.items()
    ]


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"
