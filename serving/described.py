"""What a service says of itself: which versions answer, what they read, and how to ask them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from serving.champion import Champion
from serving.checked import Checking
from serving.version import Version
from spark_jobs import use_cases
from spark_jobs.declare import Column, Kind, Wanted, Window

TYPES = {Kind.TEXT: "string", Kind.INTEGER: "integer", Kind.NUMBER: "number"}
A_DAY = date(2024, 1, 1)  # whose simulated rows an example is taken from
PAGE = Path(__file__).with_name("page.html").read_text(encoding="utf-8")  # which needs nothing but this service


def health(champion: Champion) -> dict[str, Any]:
    live = champion.live
    told: dict[str, Any] = {"version": live.about.version if live else None}
    if champion.trouble:
        told["trouble"] = champion.trouble
    if champion.waits:
        told["waits"] = "for a first champion"
    if champion.alone:
        told["registry"] = "none is asked: this version was kept here"
    elif champion.away:
        told["registry"] = f"does not answer since {champion.away}"
    elif not champion.asked:
        told["registry"] = "was not asked yet: this version was kept here"
    return told


def model(version: Version) -> dict[str, Any]:
    about, asked = version.about, version.asked.wanted
    return {
        "name": about.model,
        "version": about.version,
        "champion_since": about.since or None,
        "verdict": about.verdict or None,
        "verdict_reasons": about.reasons or None,
        "data": about.source or None,
        "kind": about.kind,
        "asked_with": asked.names,
        "reads": list(about.features),
        "gives": list(version.use_case.predictions),
        "constants": dict(about.constants),
        "summary": version.use_case.summary,
        "told_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def openapi(versions: Sequence[Version], *, locked: bool) -> dict[str, Any]:
    paths: dict[str, Any] = {"/v1/models": {"get": _operation("The models that answer", {}, "of each what it reads")}}
    for version in versions:
        paths[f"/v1/models/{version.about.model}:predict"] = {"post": _predict(version)}
    if len(versions) == 1:
        paths["/invocations"] = {"post": _invocations(versions[0])}
    told: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "Models", "version": "1"}, "paths": paths}
    if locked:
        told["components"] = {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}}
        told["security"] = [{"key": []}]
    return told


def example(version: Version) -> dict[str, Any]:
    """A row that is answered: one that is simulated, or what features usually are."""
    if version.asked.wanted.raw:
        found = _delivered(version.use_case.name)
        return {name: found[name] for name in version.asked.wanted.names}
    return _usual(version)


def _usual(version: Version) -> dict[str, Any]:
    words, usual = version.model.words, version.model.usual
    return {name: words[name][0] if name in words else usual.get(name) for name in version.about.features}


@cache
def _delivered(name: str) -> Mapping[str, Any]:
    use_case = use_cases.learning(name)
    owner = use_cases.learning(use_case.source)
    table = use_case.tables[0]
    source = use_cases.part(owner.name, "source")
    window = Window(start=A_DAY, end=A_DAY + timedelta(days=1))
    checking = Checking.of(Wanted(table=table, raw=True))
    for delivery in islice(source.simulated(window, owner.simulation), 10):
        for line in delivery.text.splitlines()[1:]:
            texts = line.split(",")
            if delivery.table != table.name or len(texts) != len(table.columns):
                continue
            rows = checking.rows({head: [text] for head, text in zip(table.header, texts, strict=True)}, 1)
            if not rows.reasons:
                columns = zip(table.header, table.column_names, strict=True)
                return {head: rows.columns[own][0].as_py() for head, own in columns}
    return dict.fromkeys(table.header)


def _predict(version: Version) -> dict[str, Any]:
    asked, use_case = version.asked.wanted, version.use_case
    heads = {name: head for head, name in zip(asked.table.header, asked.table.column_names, strict=True)}
    columns = [column for column in asked.table.columns if column.name not in asked.later]
    row = {"type": "object", "properties": {heads[column.name]: _column(column) for column in columns}}
    row["required"] = [heads[column.name] for column in columns if column.required]
    reasons = {"type": "boolean", "default": False, "description": "what moved each prediction most"}
    body = {"type": "object", "properties": {"rows": {"type": "array", "items": row}, "reasons": reasons}}
    body["required"] = ["rows"]
    content = {"application/json": {"schema": body, "example": {"rows": [example(version)]}}}
    gives = f"version, and of each row {', '.join(use_case.predictions)}, or why it is refused"
    return _operation(use_case.summary, content, gives)


def _invocations(version: Version) -> dict[str, Any]:
    told = {"dataframe_records": [_usual(version)]}
    content = {"application/json": {"schema": {"type": "object"}, "example": told}}
    return _operation("MLflow's scoring protocol, with features by name", content, "predictions")


def _operation(summary: str, content: Mapping[str, Any], gives: str) -> dict[str, Any]:
    told: dict[str, Any] = {"summary": summary, "responses": {"200": {"description": gives}}}
    if content:
        told["requestBody"] = {"required": True, "content": content}
        refused = {"401": "no key", "413": "too much", "422": "not understood", "429": "too often", "503": "not now"}
        told["responses"] |= {status: {"description": says} for status, says in refused.items()}
    return told


def _column(column: Column) -> dict[str, Any]:
    kind = TYPES[column.kind]
    told: dict[str, Any] = {"type": kind if column.required else [kind, "null"]}
    if column.codes:
        told["enum"] = [*column.codes, *([] if column.required else [None])]
    if column.low is not None:
        told["minimum"] = column.low
    if column.high is not None:
        told["maximum"] = column.high
    return told
