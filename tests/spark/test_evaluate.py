"""Two versions are judged on the same rows, which neither has seen."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_jobs.declare import BadRequest, Bound, GroupBound, Refused, Retrain, tags
from spark_jobs.kinds import xgboost
from tests.spark import tiny

ALWAYS = Retrain.ALWAYS


def test_a_better_challenger_is_promoted_and_every_number_kept(rivals: tiny.World) -> None:
    parent = rivals.parent()
    judged = rivals.evaluate(60, "2", run=parent)
    numbers = judged["numbers"]
    assert (judged["verdict"], judged["version"], judged["champion"], judged["times"]) == ("PROMOTE", "2", "1", 0)
    assert numbers["rows"] == 7 * 24
    assert numbers["lead"] == numbers["champion"]["rmse"] - numbers["challenger"]["rmse"] > 1
    low, high = numbers["interval"]
    assert 0 < low < numbers["lead"] < high
    stored = json.loads(artifact(rivals, "2", "verdict.json"))
    assert {name: stored[name] for name in judged} == judged
    assert "PROMOTE: version 2 against champion, version 1" in artifact(rivals, "2", "verdict.md")
    assert {"verdict.json", "verdict.md"} <= {file.path for file in rivals.client.list_artifacts(parent)}
    assert rivals.client.get_run(parent).data.metrics["judge_rmse"] == numbers["challenger"]["rmse"]
    found = rivals.tags_of("2")
    assert found[tags.VERDICT] == "PROMOTE"
    assert found[tags.REASONS] == "; ".join(judged["reasons"])


def artifact(world: tiny.World, version: str, name: str) -> str:
    run = str(world.client.get_model_version("tiny", version).run_id)
    return Path(world.client.download_artifacts(run, name)).read_text()


def test_the_first_model_is_judged_by_the_limits_alone(trained: tiny.World) -> None:
    assert trained.evaluate(60, "1")["reasons"] == ["no champion yet, and rmse keeps its limit of 2"]
    trained.use_case = replace(trained.use_case, gate=replace(trained.use_case.gate, limit=0.01))
    assert trained.evaluate(60, "1")["verdict"] == "REJECT"


def test_a_model_no_better_than_the_champion_is_rejected(trained: tiny.World) -> None:
    trained.crown("1")
    trained.train(60, retrain=ALWAYS)
    judged = trained.evaluate(60, "2")
    assert judged["verdict"] == "REJECT"
    assert judged["numbers"]["lead"] == 0
    assert judged["reasons"][0].startswith("rmse leads by 0, the gate asks for at least")


def test_the_same_job_twice_gives_the_same_verdict(rivals: tiny.World) -> None:
    first = rivals.evaluate(60, "2")
    assert rivals.evaluate(60, "2") == first
    rivals.crown("2")
    assert rivals.evaluate(60, "2") == first


def test_a_champion_that_saw_the_judge_rows_is_no_rival(trained: tiny.World) -> None:
    """A challenger trained on an old window meets a champion of a newer one."""
    trained.crown(str(trained.train(80)["version"]))
    judged = trained.evaluate(60, "1")
    assert (judged["verdict"], judged["champion"]) == ("REJECT", "2")
    assert judged["reasons"] == ["too few judge rows that no contestant has seen: 0, the gate asks for 48"]


def test_only_rows_that_the_champion_saw_are_dropped_for_both(trained: tiny.World) -> None:
    """Days 53 to 59 judge; the champion was fitted up to day 55, and an embargo of one day lies behind that."""
    trained.crown(str(trained.train(63)["version"]))
    assert trained.evaluate(60, "1")["numbers"]["rows"] == 4 * 24


def test_verdicts_of_older_versions_on_the_same_rows_are_counted_and_of_newer_ones_are_not(rivals: tiny.World) -> None:
    assert rivals.evaluate(60, "2")["times"] == 0
    assert rivals.evaluate(60, "1")["times"] == 0
    assert rivals.evaluate(60, "2")["times"] == 1
    assert "have judged 1 times before" in artifact(rivals, "2", "verdict.md")


def broken(*_: Any) -> dict[str, float]:
    raise ZeroDivisionError("nothing to divide by")


@pytest.mark.parametrize(
    ("measured", "says"),
    [
        (broken, "judging failed: ZeroDivisionError: nothing to divide by"),
        (lambda *_: {}, "rmse of the challenger is None"),
        (lambda *_: {"rmse": float("nan")}, "rmse of the challenger is nan"),
    ],
)
def test_a_measure_that_fails_is_a_reason_to_reject(
    trained: tiny.World, monkeypatch: pytest.MonkeyPatch, measured: Any, says: str
) -> None:
    monkeypatch.setattr(tiny, "measure", measured)
    judged = trained.evaluate(60, "1")
    assert (judged["verdict"], judged["reasons"]) == ("REJECT", [says])
    assert json.dumps(judged, allow_nan=False)
    assert trained.tags_of("1")[tags.VERDICT] == "REJECT"


def no_scores(self: Any, frame: DataFrame, keep: list[str]) -> DataFrame:
    raise RuntimeError("the model is broken")


def test_a_model_that_cannot_score_is_rejected(trained: tiny.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xgboost.Boosters, "score", no_scores)
    assert trained.evaluate(60, "1")["reasons"] == ["judging failed: RuntimeError: the model is broken"]


def test_a_model_that_cannot_be_loaded_is_rejected(trained: tiny.World) -> None:
    (model,) = trained.folder.rglob("boosters.json")
    model.write_text("{")
    judged = trained.evaluate(60, "1")
    assert judged["verdict"] == "REJECT"
    assert judged["reasons"][0].startswith("version 1 cannot be loaded: JSONDecodeError: Expecting property name")


def test_a_version_tells_of_many_reasons_as_many_as_its_page_takes(trained: tiny.World) -> None:
    bounds = tuple(Bound(metric=f"metric {i}", better="lower", limit=1) for i in range(200))
    trained.use_case = replace(trained.use_case, gate=replace(trained.use_case.gate, bounds=bounds))
    assert len(trained.evaluate(60, "1")["reasons"]) == 200
    assert len(str(trained.client.get_model_version("tiny", "1").description)) == 5000


def test_too_few_judge_rows_are_no_judgement(trained: tiny.World) -> None:
    rows = tiny.facts(60)
    trained.fill(rows[(rows["at"] < pd.Timestamp("2024-02-23")) | (rows["at"] >= pd.Timestamp("2024-02-28 01:00"))])
    judged = trained.evaluate(60, "1")
    assert judged["reasons"] == ["too few judge rows that no contestant has seen: 47, the gate asks for 48"]


def test_a_column_that_a_contestant_reads_must_be_there(trained: tiny.World) -> None:
    trained.fill(tiny.facts(60).drop(columns="x2"))
    trained.use_case = replace(trained.use_case, features=replace(trained.use_case.features, columns=("x1",)))
    with pytest.raises(Refused, match="gold/features has no column x2, which"):
        trained.evaluate(60, "1")


def test_a_version_must_be_named_and_exist(trained: tiny.World) -> None:
    with pytest.raises(BadRequest, match="version: evaluate judges one version: add --version=<number>"):
        trained.evaluate(60, "")
    with pytest.raises(Refused, match="model tiny has no version 7"):
        trained.evaluate(60, "7")


def picture(judged: pd.DataFrame, constants: Any, importance: pd.DataFrame) -> dict[str, Any]:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot(judged["at"], judged["prediction"])
    figure.suptitle(f"{sorted(importance['feature'])} {constants}")
    return {"two_weeks": figure}


def test_plots_of_the_judge_rows_stand_on_the_training_run(
    trained: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "plots", picture, raising=False)
    trained.evaluate(60, "1")
    run = str(trained.client.get_model_version("tiny", "1").run_id)
    assert [file.path for file in trained.client.list_artifacts(run, "plots")] == [
        "plots/two_weeks.png",
        "plots/what_moves.png",
    ]
    moves = json.loads(artifact(trained, "1", "what_moves.json"))["data"]
    assert [feature for _, feature, _ in moves] == ["x1", "x2"]
    assert moves[0][2] > 2 * moves[1][2]


def test_a_plot_that_fails_decides_nothing(trained: tiny.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny, "plots", broken, raising=False)
    assert trained.evaluate(60, "1")["verdict"] == "PROMOTE"


HIGH = 2


def high(frame: DataFrame, constants: Any) -> DataFrame:
    return frame.withColumn("called", (f.col("prediction") > HIGH).cast("int"))


def accuracy(judged: pd.DataFrame, constants: Any) -> dict[str, float]:
    return {"accuracy": float(((judged["prediction"] > HIGH) == judged["y"]).mean())}


@pytest.fixture
def sided(rivals: tiny.World, monkeypatch: pytest.MonkeyPatch) -> tiny.World:
    """Whether y is high; rows of the night are of no side, and no model reads sides."""
    monkeypatch.setattr(tiny, "decide", high, raising=False)
    monkeypatch.setattr(tiny, "measure", accuracy)
    rows = tiny.facts(80)
    hour = rows["at"].dt.hour
    side = pd.Series("left", rows.index, dtype=object).where(hour < 12, "right").where(hour >= 3, None)
    rivals.fill(rows.assign(side=side, y=(rows["y"] > HIGH).astype(int)))
    use_case = rivals.use_case
    rivals.use_case = replace(
        use_case,
        features=replace(use_case.features, columns=("x1", "x2", "side")),
        predictions=("prediction", "called"),
        slices=("side",),
        gate=replace(
            use_case.gate,
            metric="accuracy",
            better="higher",
            limit=0.5,
            group_rows=50,
            groups=(GroupBound(metric="recall", may_worsen=0.01),),
        ),
    )
    return rivals


def test_groups_are_looked_at_by_a_column_that_no_model_reads(sided: tiny.World) -> None:
    judged = sided.evaluate(60, "2")
    assert judged["verdict"] == "PROMOTE"
    assert "groups" not in judged["numbers"]  # which go through Airflow
    groups = json.loads(artifact(sided, "2", "verdict.json"))["numbers"]["groups"]
    assert (groups["rows"], groups["bounds"]) == (50, [{"metric": "recall", "may_worsen": 0.01}])
    side = groups["slices"]["side"]
    assert {name: group["rows"] for name, group in side["groups"].items()} == {"right": 7 * 12, "left": 7 * 9}
    assert side["small"] == {"missing": 7 * 3}
    assert 0.9 < side["groups"]["left"]["numbers"]["challenger"]["accuracy"]["value"] <= 1
    assert sorted(side["between"]) == ["challenger", "champion"]


def test_groups_are_told_and_drawn_on_the_training_run(sided: tiny.World) -> None:
    sided.evaluate(60, "2")
    said = artifact(sided, "2", "verdict.md")
    assert "| right | 84 | " in said
    assert "Too small to measure, with their rows: missing (21)." in said
    version = sided.client.get_model_version("tiny", "2")
    assert "Groups by side: verdict.md of the training's run." in str(version.description)
    table = json.loads(artifact(sided, "2", "groups.json"))
    assert [row[:4] for row in table["data"]] == [
        *(["side", "right", 84, who] for who in ("challenger", "champion", "lead")),
        *(["side", "left", 63, who] for who in ("challenger", "champion", "lead")),
        ["side", "missing", 21, "too few rows"],
    ]
    pictures = [file.path for file in sided.client.list_artifacts(str(version.run_id), "plots")]
    assert "plots/groups_side.png" in pictures


def test_a_group_that_loses_too_much_is_a_reason_to_reject(sided: tiny.World) -> None:
    sided.crown("2")
    judged = sided.evaluate(60, "1")
    assert judged["verdict"] == "REJECT"
    assert [one for one in judged["reasons"] if one.startswith("recall of side='left' is 0.")]


def test_what_no_group_can_be_looked_at_by_is_a_reason_to_reject(
    sided: tiny.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "decide", lambda frame, _: frame.withColumn("called", f.lit(2)))
    assert sided.evaluate(60, "2")["reasons"] == [
        "judging failed: ValueError: groups are looked at by what is 0 or 1, and called holds 2"
    ]
