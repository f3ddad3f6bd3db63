"""What `make predict` refuses, or asks for otherwise: columns, versions, features; on a real registry."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from pyspark.sql import DataFrame

from spark_jobs.declare import BadRequest, NightshiftError, Refused, Retrain, tags
from spark_jobs.kinds import Candidate
from spark_jobs.predicting import given as reading
from spark_jobs.predicting.question import rows_of
from tests.spark import tiny
from tests.spark.cellar import HEADER, SCORE
from tests.spark.test_learning import linear
from tests.spark.wine_files import MEASURED, Predicting, as_csv, some_wines

WINES = some_wines()


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
        chunk = next(reading.given(file).chunks(MEASURED))
        lossy.question("given", "a.csv", in_words=False).ask(rows_of(chunk, 1))


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


def test_a_pipeline_of_spark_scores_files_too_and_gives_no_reasons(
    trained: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "candidates", lambda: (Candidate(name="line", kind="spark_ml", build=linear),))
    trained.use_case = replace(tiny.USE_CASE, search=replace(tiny.USE_CASE.search, spaces={}), reasons=1)
    assert trained.train(60, retrain=Retrain.ALWAYS)["version"] == "2"
    facts = tiny.facts(1)
    asking = Predicting(trained.spark, trained.folder, trained.place.tracking, trained.use_case)
    lines = "".join(json.dumps({"x1": x1, "x2": x2}) + "\n" for x1, x2 in facts[["x1", "x2"]].to_numpy().tolist())
    found = asking.rows(asking.file("a.jsonl", lines), wanted="2")
    assert [row["prediction"] for row in found] == pytest.approx((3 * facts["x1"] + facts["x2"]).tolist(), abs=0.1)
    assert {(row["reasons"], row["problem"]) for row in found} == {(None, None)}
