"""What a verdict says of groups, for people: tables in Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any

from spark_jobs.learning.groups import CHALLENGER

Numbers = Mapping[str, Any]  # a verdict's, as they are kept

SHOWN = ("accuracy", "recall", "precision", "selected", "foretold")
NAMED = 20  # groups too small to measure; groups.json lists all
INTRODUCTION = (
    "Groups of at least {rows:,} rows. Selected: the share decided 1. Foretold: the mean probability, to be held "
    "against true, the share that is 1. Lead: the challenger's less the champion's. In brackets what 95 % of "
    "resamples say; - where there is nothing to say, as of the recall of a group without positives."
)


def of_groups(groups: Numbers | None) -> str:
    """Nothing, where nobody asked for groups."""
    if not groups:
        return ""
    lines = ["", "### Groups", "", INTRODUCTION.format(rows=groups["rows"]), *_bounds(groups["bounds"])]
    for column, one in groups["slices"].items():
        lines += ["", f"#### By {column}", "", *_measured(column, one["groups"]), *_small(one["small"])]
        lines += _between(one["between"])
    return "\n".join(lines) + "\n"


def _bounds(bounds: list[Numbers]) -> Iterator[str]:
    if bounds:
        each = ", ".join(f"{bound['metric']} at most {bound['may_worsen']:g}" for bound in bounds)
        yield f"\nNo group may lose more than the gate allows, compared with the champion: {each}."


def _measured(column: str, groups: Mapping[str, Numbers]) -> Iterator[str]:
    if not groups:
        yield "No group has rows enough."
        return
    yield f"| {column} | rows | true | of | {' | '.join(SHOWN)} |"
    yield f"|{'---|' * (4 + len(SHOWN))}"
    for name, group in groups.items():
        about = f"{_cell(name)} | {group['rows']:,} | {_estimate(group['numbers'][CHALLENGER]['true'])}"
        for who, numbers in group["numbers"].items():
            yield f"| {about} | {who} | {' | '.join(_estimate(numbers[metric]) for metric in SHOWN)} |"
            about = " | | "


def _small(small: Mapping[str, int]) -> Iterator[str]:
    if not small:
        return
    named = [f"{_cell(name)} ({rows:,})" for name, rows in list(small.items())[:NAMED]]
    rest = list(small.values())[NAMED:]
    more = f" and {len(rest):,} more with {sum(rest):,} rows together, all in groups.json" if rest else ""
    yield f"\nToo small to measure, with their rows: {', '.join(named)}{more}."


def _between(between: Mapping[str, Mapping[str, float | None]]) -> Iterator[str]:
    if not between:
        return
    yield f"\n| between the groups measured | {' | '.join(between)} |"
    yield f"|{'---|' * (1 + len(between))}"
    for name in next(iter(between.values())):
        yield f"| {name.replace('_', ' ')} | {' | '.join(_number(one[name]) for one in between.values())} |"


def _estimate(one: Mapping[str, float | None]) -> str:
    if one["value"] is None:
        return "-"
    return f"{_number(one['value'])} ({_number(one['low'])} to {_number(one['high'])})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{round(value, 3) + 0:.3f}"  # never -0.000


def _cell(name: str) -> str:
    """Whatever somebody wrote, in one cell."""
    return " ".join(name.replace("|", "\\|").split())
