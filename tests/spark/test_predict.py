"""A file of rows in, the same rows with what a version says of them out: on a real engine and a real registry."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, settings
from hypothesis import given as drawn
from hypothesis import strategies as st
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.declare import BadRequest, NightshiftError, Refused, Stage, Window, tags
from spark_jobs.predicting import given as reading
from spark_jobs.predicting.file import Told
from tests.spark import tiny
from tests.spark.cellar import DAY, FIRST, HEADER, SCORE, Cellar
from tests.spark.conftest import MadeOnce
from tests.spark.wine_files import MEASURED, QUALITY, Predicting, Row, as_csv, learn, measured, read, some_wines

WINES = some_wines()
ANSWERS = ("probability", "called_good", "model_version", "reasons", "problem")


@pytest.fixture(scope="session")
def learned(spark: SparkSession, made_once: MadeOnce, empty_mlflow: Path) -> Path:
    def make(folder: Path) -> None:
        shutil.copy(empty_mlflow, folder / "mlflow.db")
        cellar = Cellar(spark, folder)
        MlflowClient(cellar.address).create_experiment("wine_quality", artifact_location=f"{folder}/artifacts")
        learn(cellar)

    return made_once("wines", make)


@pytest.fixture
def wines(spark: SparkSession, learned: Path, tmp_path: Path) -> Predicting:
    shutil.copy(learned / "mlflow.db", tmp_path / "mlflow.db")
    return Predicting(spark, tmp_path, f"sqlite:///{tmp_path}/mlflow.db")


def said(probability: float | None = None, called_good: int | None = None, reasons: Any = None) -> Row:
    why = reasons and [one.asDict() for one in reasons]
    return {"probability": probability, "called_good": called_good, "reasons": why, "model_version": 1}


def test_rows_come_back_with_what_a_night_says_of_them(wines: Predicting, learned: Path) -> None:
    """Typed, refused and scored as if they had been delivered."""
    wrong = {3: {"pH": "31.2"}, 13: {"colour": "rose"}, 23: {"alcohol": "strong", "density": ""}}
    wrong |= {33: {"free sulfur dioxide": "399"}}
    rows = [row | wrong.get(at, {}) for at, row in enumerate(WINES)]
    found = wines.rows(wines.file("new.csv", as_csv(rows)))

    cellar = Cellar(wines.spark, Path(shutil.copytree(learned, wines.folder / "night")))
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


def test_the_lake_is_as_it_was(wines: Predicting, learned: Path) -> None:
    def look() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in (learned / "lake").rglob("*")}

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


def test_columns_that_lack_are_refused_with_their_names(wines: Predicting) -> None:
    file = wines.file("a.csv", as_csv(WINES, [*MEASURED[2:], "quality"]))
    says = r"FILE: .*a\.csv: lacks colour, fixed acidity\. It has volatile acidity, .*, alcohol and 1 more; "
    with pytest.raises(BadRequest, match=says):
        wines.version(file)


def test_columns_that_nobody_knows_are_ignored_and_named(wines: Predicting) -> None:
    more = [f"c{place}" for place in range(120)]
    file = wines.file("a.csv", as_csv([row | dict.fromkeys(more, "?") for row in WINES], [*more, *HEADER]))
    assert wines.version(file).asked.ignored(reading.given(file)) == more
    assert {row["problem"] for row in wines.rows(file)} == {None}


def test_a_version_is_asked_for_by_its_number(wines: Predicting) -> None:
    file = wines.file("a.csv", as_csv(WINES))
    first, second = wines.rows(file), wines.rows(file, wanted="2")
    assert {row["model_version"] for row in second} == {2}
    assert [row["probability"] for row in first] != [row["probability"] for row in second]
    with pytest.raises(Refused, match="VERSION: wine_quality has no version 7; it has 1, 2"):
        wines.version(file, "7")


def test_a_withdrawn_version_is_not_asked(wines: Predicting) -> None:
    file = wines.file("a.csv", as_csv(WINES))
    withdrawn = json.dumps({"since": "2026-11-01T03:00:00+00:00", "by": "admin", "why": "too sweet"})
    wines.client.set_model_version_tag("wine_quality", "1", tags.WITHDRAWN, withdrawn)
    says = (
        "version 1 of wine_quality was withdrawn 2026-11-01T03:00:00.00:00 by admin: too sweet. .* make rollback MODEL="
    )
    for wanted in ("", "1"):
        with pytest.raises(Refused, match=says):
            wines.version(file, wanted)


def test_without_a_champion_a_version_has_to_be_named(wines: Predicting) -> None:
    file = wines.file("a.csv", as_csv(WINES))
    wines.client.delete_registered_model_alias("wine_quality", tags.CHAMPION)
    with pytest.raises(
        Refused, match=r"wine_quality has no champion yet\. Name one of its versions, VERSION=\.\.\.: 1, 2"
    ):
        wines.version(file)
    wines.use_case = SCORE
    with pytest.raises(Refused, match="wine_score has no version yet: a night trains one"):
        wines.version(file)


def test_a_version_of_another_use_case_is_refused_by_what_it_reads(wines: Predicting) -> None:
    wines.client.set_model_version_tag("wine_quality", "2", tags.FEATURES, "hour,temp")
    version = wines.version(wines.file("a.csv", as_csv(WINES)), "2")
    with pytest.raises(Refused, match="version 2 reads hour, temp, which features of wine_quality no longer are"):
        version.question("given", "a.csv", in_words=False)


def test_features_that_lose_rows_are_refused_rather_than_given_to_others(wines: Predicting) -> None:
    file = wines.file("a.csv", as_csv(WINES))
    version = wines.version(file)

    def of_some(frames: Mapping[str, DataFrame]) -> DataFrame:
        return version.asked.features(frames).where("alcohol > 10")

    lossy = replace(version, asked=replace(version.asked, features=of_some))
    with pytest.raises(NightshiftError, match=r"wine_quality/features.py: features\(\) does not give back each row"):
        lossy.question("given", "a.csv", in_words=False).ask(next(reading.given(file).chunks(MEASURED)), 1)


def test_where_features_are_made_of_many_rows_the_file_holds_features(trained: tiny.World) -> None:
    trained.crown("1")
    facts = tiny.facts(1)
    asking = Predicting(trained.spark, trained.folder, trained.place.tracking, tiny.USE_CASE)
    rows = [{"x1": x1, "x2": x2} for x1, x2 in facts[["x1", "x2"]].to_numpy().tolist()]
    rows[5]["x2"] = None
    lines = "".join(json.dumps(row) + "\n" for row in [*rows, {"x1": "much", "x2": 1}])
    found = asking.rows(asking.file("a.jsonl", lines))
    trained.score(1)
    night = [row["prediction"] for row in trained.lake.gold("predictions").read().orderBy("at").collect()]
    assert [row["prediction"] for row in found[:5]] == night[:5]
    assert found[5]["prediction"] not in (None, night[5])
    assert (found[-1]["prediction"], found[-1]["problem"]) == (None, "x1 is not a number")
    with pytest.raises(
        BadRequest, match=r"lacks x2\. It has x1; tiny takes features by name, as gold/features has them"
    ):
        asking.version(asking.file("b.csv", "x1\n1\n"))
