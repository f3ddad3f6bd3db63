"""A file of rows in, the same rows with what a version says of them out: on a real engine and a real registry."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

from spark_jobs.declare import BadRequest, Stage, Window
from spark_jobs.predicting import given as reading
from spark_jobs.predicting import remembered
from spark_jobs.predicting.file import Told
from spark_jobs.predicting.question import Question
from tests.spark.cellar import DAY, FIRST, HEADER, Cellar
from tests.spark.wine_files import MEASURED, QUALITY, Predicting, Row, as_csv, measured, read, some_wines

WINES = some_wines()
ANSWERS = ("probability", "called_good", "model_version", "reasons", "problem")


def said(probability: float | None = None, called_good: int | None = None, reasons: Any = None) -> Row:
    why = reasons and [one.asDict() for one in reasons]
    return {"probability": probability, "called_good": called_good, "reasons": why, "model_version": 1}


def test_rows_come_back_with_what_a_night_says_of_them(wines: Predicting, learned_wines: Path) -> None:
    """Typed, refused and scored as if they had been delivered."""
    wrong = {3: {"pH": "31.2"}, 13: {"colour": "rose"}, 23: {"alcohol": "strong", "density": ""}}
    wrong |= {33: {"free sulfur dioxide": "399"}}
    rows = [row | wrong.get(at, {}) for at, row in enumerate(WINES)]
    found = wines.rows(wines.file("new.csv", as_csv(rows)))

    cellar = Cellar(wines.spark, Path(shutil.copytree(learned_wines, wines.folder / "night")))
    cellar.deliver(1, *(",".join(row[name] for name in HEADER) for row in rows), name="new.csv")
    cellar.night(QUALITY, 1)
    cellar.run(Stage.SCORE, QUALITY, Window.of(FIRST + DAY))
    scored = cellar.rows(QUALITY, "gold", "predictions", "sample", "probability", "called_good", "reasons")
    refused = cellar.rows(QUALITY, "quarantine", "samples", "record", "reasons")
    night = {int(sample.rpartition(":")[2]): {"problem": None, **said(*rest)} for sample, *rest in scored}
    night |= {record: {"problem": "; ".join(why), **said()} for record, why in refused}

    assert len(refused) == len(wrong)
    assert any(row["reasons"] for row in found)
    assert found == [row | night[record] for record, row in enumerate(map(measured, rows), 1)]


def test_whatever_a_file_is_written_as_the_answers_are_the_same(wines: Predicting) -> None:
    numbers = [{n: v if n == "colour" else float(v) for n, v in measured(row).items()} for row in WINES]
    lines = "".join(json.dumps(row) + "\n" for row in numbers)
    pq.write_table(pa.Table.from_pylist(numbers), wines.folder / "wines.parquet")
    files = (
        *(wines.file("wines.csv", as_csv(WINES)), wines.file("semicolons.csv", as_csv(WINES, delimiter=";"))),
        *(wines.file("wines.jsonl", lines), wines.file("wines", lines), wines.folder / "wines.parquet"),
    )
    every = [[{name: row[name] for name in ANSWERS} for row in wines.rows(file, "out.parquet")] for file in files]
    assert all(found == every[0] for found in every)
    assert len({row["probability"] for row in every[0]}) > 30


def test_rows_are_given_back_as_they_came(wines: Predicting) -> None:
    whole = measured(WINES[0]) | {"alcohol": 9.5, "density": "0.9970", "id": 7, "note": {"by": "Zo\u00eb"}}
    lacks = {name: value for name, value in whole.items() if name != "density"}
    file = wines.file("a.jsonl", "".join(json.dumps(row) + "\n" for row in (whole, lacks)))
    first, second = wines.rows(file)
    assert {name: value for name, value in first.items() if name not in ANSWERS} == whole
    assert {name: value for name, value in second.items() if name not in ANSWERS} == lacks
    assert (first["problem"], second["problem"]) == (None, "density is missing")
    text, _ = wines.rows(file, "out.csv")
    assert (text["alcohol"], text["id"], text["note"]) == ("9.5", "7", '{"by": "Zo\u00eb"}')


def test_people_read_why_and_programs_get_a_list(wines: Predicting) -> None:
    file = wines.file("wines.csv", as_csv(WINES))
    words, lists = wines.rows(file, "out.csv"), wines.rows(file)
    why, why_listed = next(
        (w["reasons"], row["reasons"]) for w, row in zip(words, lists, strict=True) if row["reasons"]
    )
    first = why_listed[0]
    assert why.startswith(f"{first['feature']} {first['value']:g}, usually {round(first['usual'], 4):g}: ")
    assert len(why.split("; ")) == len(why_listed) == 3
    assert [bool(row["reasons"]) for row in words] == [bool(row["reasons"]) for row in lists]


def test_what_is_known_only_later_is_not_asked_for_and_not_read(wines: Predicting) -> None:
    graded = [row | {"quality": "not tasted"} for row in WINES]
    with_it = wines.rows(wines.file("b.csv", as_csv(graded, HEADER)))
    assert {row.pop("quality") for row in with_it} == {"not tasted"}
    assert with_it == wines.rows(wines.file("a.csv", as_csv(WINES)))


def test_columns_are_found_by_name_and_ours_take_the_place_of_earlier_ones(wines: Predicting) -> None:
    first = wines.predict(wines.file("a.csv", as_csv(WINES, MEASURED[::-1])), "first.csv")
    second = wines.predict(first, "second.csv")
    assert second.read_text() == first.read_text()
    ordered = wines.rows(wines.file("b.csv", as_csv(WINES)), "third.csv")
    assert [row["probability"] for row in ordered] == [row["probability"] for row in read(first)]


def test_a_record_that_cannot_be_split_comes_back_with_its_text(wines: Predicting) -> None:
    header, good = as_csv(WINES[:1]).encode().splitlines()
    latin = good.replace(WINES[0]["colour"].encode(), "ros\u00e9".encode("latin-1"))
    lines = (header, good, b"red,7.4" + b",0" * 128, latin, b'"never closed,1', good)
    found = wines.rows(wines.file("a.csv", b"\n".join(lines)))
    shown = latin.decode("utf-8", "replace")
    assert [row["problem"] for row in found] == [
        *(None, f"has 130 fields where the header has 12: red,7.4{',0' * 96},", f"is not UTF-8: {shown}"),
        *('has a quote that is never closed: "never closed,1', None),
    ]
    assert [row["probability"] is None for row in found] == [False, True, True, True, False]


@drawn(
    kinds=st.lists(st.sampled_from(("good", "wrong", "short", "quoted")), max_size=40),
    chunk=st.integers(1, 9),
    block=st.integers(40, 700),
    out=st.sampled_from(("out.csv", "out.jsonl", "out.parquet")),
)
@example(kinds=[], chunk=3, block=100, out="out.csv")
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_comes_back_once_and_in_order(
    wines: Predicting, kinds: list[str], chunk: int, block: int, out: str
) -> None:
    lines = [",".join([*MEASURED, "id"])]
    for at, kind in enumerate(kinds):
        row = measured(WINES[at]) | {"id": f"n{at}"}
        row |= {"wrong": {"alcohol": "strong"}, "quoted": {"id": f'"n{at},\n"'}}.get(kind, {})
        lines.append(",".join(row.values()) if kind != "short" else f"n{at}")
    file = wines.file("a.csv", "\n".join([*lines, ""]))
    with pytest.MonkeyPatch.context() as smaller:
        smaller.setattr(reading, "MOST", chunk)
        smaller.setattr(reading, "BLOCK", block)
        found = wines.rows(file, out)
    ids = [(row["id"] or str(row["problem"]).partition(": ")[2]).strip(",\n") for row in found]
    assert ids == [f"n{at}" for at in range(len(kinds))]
    assert [bool(row["problem"]) for row in found] == [kind in ("wrong", "short") for kind in kinds]
    assert [row["probability"] in (None, "") for row in found] == [kind in ("wrong", "short") for kind in kinds]


def test_rows_that_say_the_same_are_asked_about_once(wines: Predicting, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, asked = Question.ask, list[int]()

    def counted(question: Question, rows: pa.Table) -> pa.Table:
        asked.append(len(rows))
        return ask(question, rows)

    different = [row | {"alcohol": "?" if at == 4 else row["alcohol"], "id": str(at)} for at, row in enumerate(WINES)]
    once = wines.rows(wines.file("a.csv", as_csv(different, [*MEASURED, "id"])))
    monkeypatch.setattr(Question, "ask", counted)
    monkeypatch.setattr(reading, "MOST", 25)
    assert wines.rows(wines.file("b.csv", as_csv(different * 3, [*MEASURED, "id"]))) == once * 3
    assert sum(asked) == len({tuple(measured(row).values()) for row in different}) < len(WINES)
    monkeypatch.setattr(remembered, "MOST", 30)
    asked.clear()
    assert wines.rows(wines.file("c.csv", as_csv(different * 3, [*MEASURED, "id"]))) == once * 3
    assert len(WINES) < sum(asked) < 3 * len(WINES)


def test_the_lake_is_as_it_was(wines: Predicting, learned_wines: Path) -> None:
    def look() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in (learned_wines / "lake").rglob("*")}

    before = look()
    wines.rows(wines.file("a.csv", as_csv(WINES)))
    assert look() == before
    assert not (wines.folder / "none").exists()


def test_what_stood_under_the_name_stays_until_all_rows_are_there(wines: Predicting) -> None:
    file, out = wines.file("a.csv", as_csv(WINES)), wines.file("out.csv", "older")

    def interrupted(told: Told) -> None:
        assert out.read_text() == "older"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wines.predict(file, "out.csv", tell=interrupted)
    assert out.read_text() == "older"
    assert sorted(path.name for path in wines.folder.iterdir()) == ["a.csv", "mlflow.db", "out.csv"]
    assert len(wines.rows(file, "out.csv")) == len(WINES)


def test_a_file_that_changes_meanwhile_is_not_predicted_by_halves(
    wines: Predicting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST", 5)
    file = wines.file("a.csv", as_csv(WINES))

    def changed(_: Told) -> None:
        file.write_text("another")

    with pytest.raises(BadRequest, match=r"a\.csv: changed while it was read: nothing was written"):
        wines.predict(file, "out.csv", tell=changed)
    assert not (wines.folder / "out.csv").exists()


def test_how_far_it_is_is_told(wines: Predicting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST", 25)
    wines.predict(wines.file("a.csv", as_csv([WINES[0] | {"pH": "no"}, *WINES[1:]])))
    assert [(told.rows, told.problems) for told in wines.seen] == [(25, 1), (50, 1), (60, 1)]
    assert wines.seen[-1].read == 1.0
