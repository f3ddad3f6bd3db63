"""Predictive maintenance through its stages, on a small simulated plant: from raw files to the list of a morning."""

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from deltalake import DeltaTable
from mlflow import MlflowClient  # noqa: TID253 - tests load what they test
from pyspark.sql import SparkSession

from nightshift import registry
from spark_jobs.declare import EVERY_NIGHT, Job, Place, Stage, TimeSplit, Window
from spark_jobs.lakehouse import Lake
from spark_jobs.stages import evaluate, features, ingest, refine, score, train
from spark_jobs.use_cases.predictive_maintenance import model
from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, USE_CASE
from spark_jobs.work import Result, Work

pytestmark = pytest.mark.timeout(1200)

DAY = timedelta(days=1)
RANGE = Window(start=date(2024, 1, 1), end=date(2024, 2, 20))
SMALL = replace(
    USE_CASE,
    split=TimeSplit(judge=10 * DAY, validate=10 * DAY, embargo=2 * DAY),
    gate=replace(USE_CASE.gate, limit=0.2, rows=200, bounds=(), resamples=100),
    search=replace(USE_CASE.search, trials=1, batch=1),
)
MACHINES = 40


@dataclass(frozen=True, kw_only=True)
class Plant:
    """What a range through all stages left."""

    spark: SparkSession
    folder: Path
    client: MlflowClient
    run: str
    results: dict[str, Result]
    opened: dict[str, dict[str, tuple[int, int]]]  # after each stage: rows of each table, as others count them

    @property
    def place(self) -> Place:
        return _place(self.folder)

    def rows(self, table: str, *columns: str) -> pd.DataFrame:
        found: Any = Lake(self.spark, self.place.lake, SMALL.name).gold(table).read().select(*columns).toPandas()
        return pd.DataFrame(found)


def _place(folder: Path) -> Place:
    address = f"sqlite:///{folder}/mlflow.db"
    return Place(
        lake=f"{folder}/lake",
        landing=f"{folder}/landing",
        tracking=address,
        registry=address,
        simulation=f"machines={MACHINES}",
    )


def _promote(client: MlflowClient, verdict: Result) -> None:
    act = registry.Act(by="the test", why="the gate says so", run_key="test/1")
    registry.promote(client, SMALL.name, verdict["version"], act, judged_against=verdict["champion"])


@pytest.fixture(scope="module")
def plant(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    folder = tmp_path_factory.mktemp("plant")
    place = _place(folder)
    client = MlflowClient(place.tracking, place.registry)
    run = client.create_run(client.create_experiment(SMALL.name, artifact_location=f"{folder}/artifacts")).info.run_id
    results: dict[str, Result] = {}
    opened: dict[str, dict[str, tuple[int, int]]] = {}

    def stage(module: Any, **job: Any) -> None:
        name = Stage(module.__name__.rpartition(".")[2])
        asked = Job(stage=name, use_case=SMALL.name, window=RANGE, run=run, **job)
        results[name] = module.run(Work(job=asked, place=place, use_case=SMALL, spark=spark))
        opened[name] = _opened_by_others(Path(place.lake))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "BOOSTING", {**model.BOOSTING, "rounds": 60, "patience": 10, "max_bin": 256})
        patch.setattr(model, "TREES", {**model.TREES, "n_estimators": 10, "negatives": 500})
        for module in (ingest, refine, features, train):
            stage(module)
        stage(evaluate, version=results["train"]["version"])
        _promote(client, results["evaluate"])
        stage(score)
    return Plant(spark=spark, folder=folder, client=client, run=run, results=results, opened=opened)


def _opened_by_others(lake: Path) -> dict[str, tuple[int, int]]:
    """Rows of every table: by delta-rs, and by DuckDB over the files that delta-rs names."""
    found = {}
    for log in lake.rglob("_delta_log"):
        table = DeltaTable(log.parent)
        files = table.file_uris()
        query = f"SELECT count(*) FROM read_parquet({files})"
        counted = duckdb.connect().execute(query).fetchall()[0][0] if files else 0
        found[str(log.parent.relative_to(lake))] = (table.to_pyarrow_table().num_rows, counted)
    return found


def test_the_version_that_was_trained_is_judged_crowned_and_scores_every_machine(plant: Plant) -> None:
    assert plant.results["evaluate"]["verdict"] == "PROMOTE"
    assert plant.results["score"]["version"] == plant.results["train"]["version"] == "1"
    scored = plant.rows("predictions", "machineID", "at")
    assert set(scored["machineID"]) == set(range(1, MACHINES + 1))
    assert scored.groupby("machineID")["at"].nunique().min() >= 2 * (len(list(RANGE.days)) - 1)


def test_every_table_is_read_by_others_after_every_stage(plant: Plant) -> None:
    assert list(plant.opened) == list(EVERY_NIGHT)
    for stage, tables in plant.opened.items():
        assert len(tables) >= len(SMALL.tables), stage
        assert all(by_delta == by_duckdb for by_delta, by_duckdb in tables.values()), (stage, tables)
    ours = {name: plant.spark.read.format("delta").load(f"{plant.place.lake}/{name}") for name in tables}
    assert {name: rows.count() for name, rows in ours.items()} == {name: rows for name, (rows, _) in tables.items()}


def test_the_list_names_each_alarm_that_stands_at_the_end_of_its_day_and_no_other(plant: Plant) -> None:
    said = plant.rows("predictions", "day", "machineID", "at", *(f"{one}_alarm" for one in COMPONENTS))
    last = said[said["at"] == said.groupby("day")["at"].transform("max")]
    standing = {
        (row["day"], row["machineID"], component)
        for _, row in last.iterrows()
        for component in COMPONENTS
        if row[f"{component}_alarm"] == 1
    }
    listed = plant.rows("machines_to_visit", "day", "machineID", "component")
    assert standing
    assert set(listed.itertuples(index=False, name=None)) == standing


def test_most_of_those_listed_do_fail_within_a_day(plant: Plant) -> None:
    """On days the model was not fitted on; by chance about one in a hundred would."""
    listed = plant.rows("machines_to_visit", "day", "machineID", "component")
    newest = listed[pd.to_datetime(listed["day"]) >= pd.Timestamp(RANGE.end - 10 * DAY)]
    truth = plant.rows("labels", "day", "machineID", "at", *COMPONENTS)
    truth = truth[truth["at"].dt.hour == 0].set_index(["day", "machineID"])
    known = [row for row in newest.itertuples() if (row.day, row.machineID) in truth.index]
    right = [truth.loc[(row.day, row.machineID), row.component] for row in known]
    assert len(known) >= 3
    assert sum(right) / len(right) >= 0.5


def test_the_newest_day_s_list_is_a_file_and_a_table_of_the_night_s_run(plant: Plant) -> None:
    newest = plant.rows("predictions", "day")["day"].max()
    listed = plant.rows("machines_to_visit", "day", "machineID", "component")
    wanted = sorted(listed[listed["day"] == newest][["machineID", "component"]].itertuples(index=False, name=None))
    exported = pd.read_csv(Path(plant.place.lake) / SMALL.name / "export" / "machines_to_visit.csv")
    assert sorted(exported[["machineID", "component"]].itertuples(index=False, name=None)) == wanted
    shown = json.loads(Path(plant.client.download_artifacts(plant.run, "machines_to_visit.json")).read_text())
    assert len(shown["data"]) == len(wanted)


def test_each_alarm_has_the_three_features_that_moved_it_most_and_nothing_else_has_any(plant: Plant) -> None:
    rows = plant.rows("predictions", "reasons", *(f"{one}_alarm" for one in COMPONENTS))
    alarms = rows[[f"{one}_alarm" for one in COMPONENTS]].to_numpy()
    counted = rows["reasons"].map(lambda given: 0 if given is None else len(given)).to_numpy()
    assert (counted == 3 * alarms.sum(axis=1)).all()
    for given, alarm in zip(rows["reasons"], alarms, strict=True):
        wanted = [f"{one}_probability" for one, is_raised in zip(COMPONENTS, alarm, strict=True) if is_raised]
        assert list(dict.fromkeys(reason["prediction"] for reason in ([] if given is None else given))) == wanted


def test_reasons_are_read_by_others_as_we_wrote_them(plant: Plant) -> None:
    table = DeltaTable(Path(plant.place.lake) / SMALL.name / "gold" / "predictions")
    files = table.file_uris()
    query = f"SELECT sum(len(reasons)), max(reasons[1].feature) FROM read_parquet({files})"
    ours = plant.rows("predictions", "reasons")["reasons"].dropna()
    wanted = (sum(map(len, ours)), max(given[0]["feature"] for given in ours))
    assert duckdb.connect().execute(query).fetchall() == [wanted]
    by_delta = [given for given in table.to_pyarrow_table().column("reasons").to_pylist() if given]
    assert (sum(map(len, by_delta)), max(given[0]["feature"] for given in by_delta)) == wanted


def test_the_list_says_in_words_why_a_machine_is_to_be_visited(plant: Plant) -> None:
    said = plant.rows("machines_to_visit", "why")["why"]
    assert said.str.contains(r"\w+ -?\d[\d.]*, usually -?\d").mean() > 0.9


def test_the_model_s_run_shows_what_moves_its_scores(plant: Plant) -> None:
    run = plant.client.get_model_version(SMALL.name, "1").run_id
    assert run
    files = {file.path for file in plant.client.list_artifacts(run, "plots")}
    assert "plots/what_moves.png" in files
    table = json.loads(Path(plant.client.download_artifacts(run, "what_moves.json")).read_text())
    assert table["columns"] == ["label", "feature", "moves"]
    assert len(table["data"]) == len(COMPONENTS) * len(SMALL.features.columns)
