"""What MLflow's pages say of a run's data and origin, and of a model: for people who read nothing else."""

import json
from typing import Any

import pytest
from mlflow.entities import DatasetInput  # noqa: TID253 - tests load what they test

from spark_jobs import use_cases
from spark_jobs.declare import tags
from spark_jobs.learning.card import SIMULATED, card
from tests.spark import tiny

TRAINED = ("train", "validate")


def named(world: tiny.World, run: str) -> dict[tuple[str, str], Any]:
    """The datasets of a run, by table and part."""
    return {(one.dataset.name, tag.value): one.dataset for one in inputs_of(world, run) for tag in one.tags}


def inputs_of(world: tiny.World, run: str) -> list[DatasetInput]:
    inputs = world.client.get_run(run).inputs
    return list(inputs.dataset_inputs) if inputs else []


def version_run(world: tiny.World, version: str) -> str:
    return str(world.client.get_model_version("tiny", version).run_id)


def test_a_training_names_its_tables_their_versions_and_what_rows_were_for(trained: tiny.World) -> None:
    found = named(trained, version_run(trained, "1"))
    assert sorted(found) == [(f"gold/{table}", part) for table in ("features", "labels") for part in TRAINED]
    validated = found["gold/labels", "validate"]
    assert validated.source_type == "delta_table"
    path = json.loads(validated.source)["path"]
    assert path.endswith("/lake/tiny/gold/labels")
    assert json.loads(validated.source)["delta_table_version"] == 0
    assert json.loads(validated.profile) == {
        "num_rows": 7 * 24,
        "from": "2024-02-15T00:00:00+00:00",
        "to": "2024-02-22T00:00:00+00:00",
    }
    assert validated.digest.startswith("version-0-")


def test_rows_that_judge_are_named_on_the_version_s_run_and_on_the_night_s(trained: tiny.World) -> None:
    night = trained.parent()
    rows = trained.evaluate(60, "1", run=night)["numbers"]["rows"]
    for run in (version_run(trained, "1"), night):
        judged = named(trained, run)["gold/features", "judge"]
        assert json.loads(judged.profile)["num_rows"] == rows == 7 * 24


def test_what_is_said_twice_is_named_once(trained: tiny.World) -> None:
    run = version_run(trained, "1")
    for _ in range(2):
        trained.evaluate(60, "1")
    assert len(inputs_of(trained, run)) == 6


def test_a_version_of_another_table_version_is_another_dataset(trained: tiny.World) -> None:
    rows = tiny.facts(80)
    rows.loc[5, "y"] += 1
    trained.fill(rows)
    trained.train(60)
    before, after = (named(trained, version_run(trained, version)) for version in ("1", "2"))
    assert before["gold/labels", "train"].digest != after["gold/labels", "train"].digest
    assert json.loads(after["gold/labels", "train"].source)["delta_table_version"] == 1


def test_other_rows_of_one_version_are_another_dataset_with_a_profile_of_its_own(trained: tiny.World) -> None:
    for days in (60, 61):
        trained.evaluate(days, "1")
    inputs = [one.dataset for one in inputs_of(trained, version_run(trained, "1")) if one.tags[0].value == "judge"]
    ends = {(one.name, json.loads(one.profile or "")["to"][:10]) for one in inputs}
    assert ends == {(f"gold/{name}", day) for name in ("features", "labels") for day in ("2024-03-01", "2024-03-02")}


def test_a_training_says_who_started_its_night_and_with_which_code(world: tiny.World) -> None:
    world.fill(tiny.facts(60))
    night = world.parent()
    begun = {"mlflow.user": "ann", "mlflow.source.name": "Airflow: tiny/1", "mlflow.source.git.commit": "v1"}
    for name, value in (begun | {tags.CODE: "v1"}).items():
        world.client.set_tag(night, name, value)
    run = world.client.get_run(world.train(60, run=night)["run_id"])
    assert {name: run.data.tags[name] for name in (*begun, tags.CODE)} == begun | {tags.CODE: "v1"}


def test_a_training_by_hand_says_whose_hand_it_was(world: tiny.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "bob")
    world.fill(tiny.facts(60))
    run = world.client.get_run(world.train(60)["run_id"])
    assert (run.data.tags["mlflow.user"], run.data.tags["mlflow.source.name"]) == ("bob", "python -m spark_jobs")


def test_a_version_says_in_words_what_it_is_and_later_how_it_was_judged(trained: tiny.World) -> None:
    before = str(trained.client.get_model_version("tiny", "1").description)
    for words in (
        "**What y will be**: one row per hour.",
        "2 features of facts",
        "boosted (xgboost), fitted on the rows from 2023-03-02 to 2024-02-22",
        "gold/features version 0, gold/labels version 0",
        "by rmse (lower is better, at most 2) on at least 48",
        "**Limits.** It reads at most 365 days back",
    ):
        assert words in before
    assert "Verdict" not in before
    trained.evaluate(60, "1")
    after = str(trained.client.get_model_version("tiny", "1").description)
    assert after.startswith(before.rstrip())
    says = "PROMOTE against no champion, by 168 rows from 2024-02-23 to 2024-03-01: no champion yet, and rmse keeps"
    assert f"**Verdict.** {says}" in after


def test_the_registered_model_says_what_all_its_versions_foretell(trained: tiny.World) -> None:
    said = str(trained.client.get_registered_model("tiny").description)
    assert said == card(tiny.USE_CASE, "own", {})
    assert "**Made**" not in said


def test_models_of_simulated_data_say_so_and_of_published_ones_what_is_to_be_known() -> None:
    bikes = use_cases.learning("bike_sharing")
    assert SIMULATED in card(bikes, "simulated", {})
    assert SIMULATED not in card(bikes, "public", {})
    assert "Of the published data: perfect forecast" in card(bikes, "public", {})


@pytest.mark.parametrize("name", use_cases.models())
def test_every_use_case_has_its_card(name: str) -> None:
    use_case = use_cases.learning(name)
    said = card(use_case, "simulated", {})
    assert said.startswith(f"**{use_case.summary}**")
    assert [word for word in ("From", "Judged", "Limits.") if f"**{word}**" not in said] == []
