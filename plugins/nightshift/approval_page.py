"""What a person reads before they answer."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nightshift.approval import Request
from nightshift.settings import settings
from spark_jobs.declare.tags import CANDIDATE, FITTED, SOURCE
from spark_jobs.use_cases import load

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

Verdict = Mapping[str, Any]


def of(client: "MlflowClient", name: str, request: Request, verdict: Verdict) -> str:
    """Challenger and champion side by side, the verdict, and the way to their pictures."""
    versions = [client.get_model_version(name, version) for version in (request.version, request.champion) if version]
    place = f"in the place of version {request.champion}" if request.champion else "the first one"
    return f"""\
**{load(request.use_case).summary}**

Is version **{request.version}** of `{name}` to become champion, {place}? The gate says **{verdict["verdict"]}**:

{_listed(verdict["reasons"])}

{_measured(verdict)}

| | challenger | champion |
|---|---|---|
{_rows(name, versions, verdict.get("numbers", {}))}

{_links(request, versions)}

**Approve** makes it champion, if the champion is still the one above. Without an answer until {request.until} it is
rejected. Scores go on with the champion that stands, and no night waits.
"""


def _listed(reasons: list[str]) -> str:
    return "\n".join(f"- {reason}" for reason in reasons)


def _measured(verdict: Verdict) -> str:
    numbers, lead = verdict.get("numbers", {}), ""
    if "metric" not in numbers:
        return ""
    if numbers.get("interval"):
        low, high = numbers["interval"]
        lead = f" It leads by {_short(numbers['lead'])}, 95 % interval {_short(low)} to {_short(high)}."
    return (
        f"Decided by {numbers['metric']} ({numbers['better']} is better), limit {numbers['limit']:g}, on "
        f"{numbers['rows']} rows that neither has seen; rows of this stretch have judged {verdict['times']} times "
        f"before.{lead}"
    )


def _rows(name: str, versions: "list[ModelVersion]", numbers: Mapping[str, Any]) -> str:
    registry = settings().place.registry
    pages = [f"[{one.version}]({registry}/#/models/{name}/versions/{one.version})" for one in versions]
    lines = [_line("version", pages)]
    lines += [_line(says, [one.tags.get(tag, "") for one in versions]) for says, tag in _TOLD.items()]
    lines.append(_line("fitted on", [_days(one.tags.get(FITTED, "")) for one in versions]))
    return "\n".join([*lines, *_metrics(numbers)])


def _metrics(numbers: Mapping[str, Any]) -> Iterator[str]:
    challenger, champion = numbers.get("challenger", {}), numbers.get("champion", {})
    for metric, value in challenger.items():
        says = f"**{metric}**" if metric == numbers["metric"] else metric
        yield _line(says, [_short(value), _short(champion.get(metric))])


def _line(says: str, cells: list[str]) -> str:
    challenger, champion, *_ = [*cells, ""]
    return f"| {says} | {challenger or '-'} | {champion or '-'} |"


def _links(request: Request, versions: "list[ModelVersion]") -> str:
    runs = f"{request.opened['tracking']}/#/experiments/{request.opened['experiment']}/runs"
    plots = [f"[Plots of version {one.version}]({runs}/{one.run_id}/artifacts)" for one in versions]
    return " · ".join([*plots, f"[The run that judged it]({runs}/{request.opened['run']})"])


def _days(fitted: str) -> str:
    told = json.loads(fitted) if fitted else {}
    return f"{told['start'][:10]} to {told['end'][:10]}" if told else ""


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


_TOLD = {"model": CANDIDATE, "learned from data that are": SOURCE}
