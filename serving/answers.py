"""What is answered, as it is written: to each row by its place, and of one version, which is named."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from serving.bodies import JSON, Body
from serving.refusals import Told
from serving.tables import ARROW
from serving.version import Answer, Question, Version
from spark_jobs.declare.wanted import MANY, Wanted, named

Written = tuple[bytes, str]  # a body, and its kind


def told(answer: Answer, ignored: list[str]) -> bytes:
    """Of rows in JSON, the same."""
    rows: list[dict[str, Any]] = answer.table.to_pylist()
    if answer.rows.reasons:
        good = iter(rows)
        refused = answer.rows.reasons
        rows = [{"refused": refused[at]} if at in refused else next(good) for at in range(answer.rows.length)]
    whole = {"model": answer.about.model, "version": answer.about.version, "rows": rows}
    return orjson.dumps(whole | ({"ignored": ignored} if ignored else {}))


def as_arrow(answer: Answer, ignored: list[str]) -> bytes:
    """Of a table, a stream: a line for each row, and a column of why it is refused."""
    rows, names, columns = answer.rows, list(answer.table.schema.names), list(answer.table.columns)
    if rows.reasons:
        places: list[int | None] = [None] * rows.length
        for line, place in enumerate(range(rows.length) if rows.good is None else rows.good.tolist()):
            places[place] = line
        columns = [column.take(pa.array(places, pa.int64())) for column in columns]
    refused = pa.array([rows.reasons.get(place) for place in range(rows.length)], pa.list_(pa.string()))
    about = {"model": answer.about.model, "version": answer.about.version, "ignored": ", ".join(ignored)}
    table = pa.RecordBatch.from_arrays([*columns, refused], names=[*names, "refused"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.with_metadata(about)) as stream:
        stream.write_batch(table)
    return bytes(sink.getvalue())


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a request asks of a version, and how the answer is written."""

    body: Body
    wanted: Wanted  # what it is asked with
    question: Question
    write: Callable[[Answer], Written]


def typed(version: Version, body: Body, *, arrow: bool) -> Asked:
    """Of our own interface."""
    asked, names = version.asked.wanted, version.asked.names
    if lacks := [name for name in names if name not in body.columns] if body.length else []:
        what = f"the columns of its raw table {asked.table.name}" if asked.raw else "features by name"
        raise Told(422, f"no row names {named(lacks)}: {version.about.model} is asked with {what}")
    ignored = [name for name in body.columns if name not in names]
    return Asked(
        body=body,
        wanted=asked,
        question=version.question(body.columns, body.length, reasons=body.reasons),
        write=lambda answer: (as_arrow(answer, ignored), ARROW) if arrow else (told(answer, ignored), JSON),
    )


def protocol(version: Version, body: Body) -> Asked:
    """As MLflow's own server says it: predictions alone, of all rows or of none."""
    if lacks := [name for name in version.about.features if name not in body.columns]:
        raise Told(400, f"the model reads {', '.join(lacks[:MANY])}, which the body does not name")
    question = version.question_of_features(body.columns, body.length)
    wanted = version.features.wanted
    return Asked(body=body, wanted=wanted, question=question, write=lambda answer: _predictions(version, answer))


def _predictions(version: Version, answer: Answer) -> Written:
    if answer.rows.reasons:
        place, whys = min(answer.rows.reasons.items())
        raise Told(400, f"row {place}: {'; '.join(whys)}")
    rows = answer.table.select(list(version.model.columns.predictions)).to_pylist() if answer.rows.length else []
    return orjson.dumps({"predictions": rows}), JSON
