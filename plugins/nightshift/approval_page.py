"""What a person reads before they answer: one page, which Airflow also shows in a narrow column."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nightshift import links, registry
from nightshift.approval import Request
from nightshift.settings import settings
from spark_jobs.declare.tags import CANDIDATE, FITTED, SOURCE
from spark_jobs.use_cases import load

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

Numbers = Mapping[str, Any]
PLOTS = "plots"  # the folder of a model's run


def of(client: "MlflowClient", name: str, request: Request, verdict: Mapping[str, Any]) -> str:
    """Challenger and champion side by side, the verdict, the way to their pictures, and what an answer does."""
    asked = [version for version in (request.version, request.champion) if version]
    versions = [registry.version_of(client, name, version) for version in asked]
    numbers = verdict.get("numbers", {})
    place = f"in the place of version {request.champion}" if request.champion else "the first one of this model"
    return f"""\
**{load(request.use_case).summary}.** Version {request.version} passed the gate. Is it to become champion, {place}?

### The gate says {verdict["verdict"]}

{_listed(verdict["reasons"])}

{_measured(numbers, verdict.get("times", 0))}

### Side by side

{_table([*_about(client, name, request, versions), *_metrics(numbers)], columns=1 + len(versions))}

Judged in the run {_runs(request)}: {request.why}.

### What your answer does

{_listed(_answers(request))}
"""


def _listed(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _measured(numbers: Numbers, times: int) -> str:
    if "metric" not in numbers:
        return ""
    unseen = "neither has" if numbers.get("champion") else "it has not"
    return " ".join(
        [
            f"Decided by **{numbers['metric']}** ({numbers['better']} is better, {_limit(numbers)}), on",
            f"{numbers['rows']:,} rows that {unseen} seen; such rows have judged {_times(times)} before.",
            *_lead(numbers),
            *_bounds(numbers),
        ]
    )


def _limit(rule: Numbers) -> str:
    return f"at {'least' if rule['better'] == 'higher' else 'most'} {rule['limit']:g}"


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")


def _lead(numbers: Numbers) -> Iterator[str]:
    if numbers.get("interval"):
        low, high = numbers["interval"]
        yield f"It leads by {_short(numbers['lead'])}, 95 % interval {_short(low)} to {_short(high)}."


def _bounds(numbers: Numbers) -> Iterator[str]:
    for bound in numbers.get("bounds", []):
        if bound["limit"] is not None:
            yield f"{bound['metric']} is {_limit(bound)}."
        if bound["may_worsen"] is not None and numbers.get("champion"):
            yield f"{bound['metric']} may be worse than the champion's by {bound['may_worsen']:g} at most."


def _table(rows: list[list[str]], columns: int) -> str:
    """Of a challenger alone there is one column, of two a third: by how much they differ."""
    head = ["", "challenger", "champion", "difference"]
    cells = [head, [":---", *["---:"] * 3], *([*row, "", "", ""] for row in rows)]
    shown = columns if columns < len(head) - 1 else len(head)
    return "\n".join(f"| {' | '.join(row[:shown])} |" for row in cells)


def _about(client: "MlflowClient", name: str, request: Request, versions: "list[ModelVersion]") -> list[list[str]]:
    model = f"{settings().place.registry}/#/models/{name}/versions"
    rows = [["version", *(f"[version {one.version}]({model}/{one.version})" for one in versions)]]
    rows += [[says, *(one.tags.get(tag, "") for one in versions)] for says, tag in _TOLD.items()]
    rows.append(["fitted on", *(_fitted_on(one.tags.get(FITTED, "")) for one in versions)])
    rows.append([PLOTS, *(_plots(client, request, one) for one in versions)])
    return rows


def _fitted_on(rows: str) -> str:
    told = json.loads(rows) if rows else {}
    if not told:
        return ""
    if told["hashed"]:
        return f"{told['high'] - told['low']:.0%} of all rows before {told['end'][:10]}"
    return f"{told['start'][:10]} to {told['end'][:10]}"


def _plots(client: "MlflowClient", request: Request, version: "ModelVersion") -> str:
    """Each by its name; of a run that somebody deleted, none."""
    from mlflow.exceptions import MlflowException

    run = str(version.run_id)
    page = _page(request, run)
    try:
        files = [file.path for file in client.list_artifacts(run, PLOTS)]
    except MlflowException:
        files = []
    named = (f"[{_stem(file)}]({page}/artifacts/{quote(file)})" for file in files)
    return ", ".join(named) or f"[its run]({page})"


def _stem(file: str) -> str:
    return file.rpartition("/")[2].partition(".")[0].replace("_", " ")


def _metrics(numbers: Numbers) -> Iterator[list[str]]:
    """Those the gate asked for first."""
    challenger, champion = numbers.get("challenger", {}), numbers.get("champion") or {}
    asked = [rule["metric"] for rule in (numbers, *numbers.get("bounds", [])) if "metric" in rule]
    for metric in [*asked, *sorted(set(challenger) - set(asked))]:
        ours, theirs = challenger.get(metric), champion.get(metric)
        apart = "" if ours is None or theirs is None else f"{ours - theirs:+.3g}"
        yield [f"**{metric}**" if metric in asked else metric, _short(ours), _short(theirs), apart]


def _runs(request: Request) -> str:
    """In Airflow and in MLflow."""
    dag, _, run = request.night.partition("/")
    airflow = links.airflow(f"/dags/{quote(dag)}/runs/{quote(run)}")
    return f"[{run}]({airflow}) of {dag} ([MLflow]({_page(request, request.opened['run'])}))"


def _page(request: Request, run: str) -> str:
    return links.run_page({**request.opened, "run": run})


def _answers(request: Request) -> list[str]:
    until = f"{datetime.fromisoformat(request.until):%A, %Y-%m-%d %H:%M} UTC"
    scores = "scores are the champion's" if request.champion else "nothing is scored: there is no champion"
    return [
        f"**Approve**: version {request.version} becomes champion at once, if no other one has become it meanwhile.",
        "**Reject**: everything stays as it is.",
        f"No answer until {until} is a Reject. No night waits for it; until then {scores}.",
    ]


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.5g}"


_TOLD = {"model": CANDIDATE, "learned from data that are": SOURCE}
