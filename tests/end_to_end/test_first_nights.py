"""One range, one night, and one kill with a retry, through the real scheduler."""

import stat
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import SparkSession

from local import rollback
from local.commands import CannotGoOn
from local.summary import summary
from spark_jobs.declare import Window, tags
from spark_jobs.lakehouse import Lake
from tests.end_to_end.conftest import DAYS, FirstNights
from tests.end_to_end.scheduler import DAG, LOOPBACK, listening

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytestmark = pytest.mark.timeout(1800)  # the first test waits for everything to start and two runs

STAGES = {"ingest", "refine", "features", "train", "evaluate", "score"}
EVERYTHING = STAGES | {"check", "open_run", "promote", "ask", "close_run"}


@pytest.fixture(scope="module")
def lake(nights: FirstNights, spark: SparkSession) -> Lake:
    return Lake(spark, str(nights.scheduler.lake), DAG)


def promoted(nights: FirstNights) -> int:
    """The newest version that one of the runs made champion; the first night may or may not beat the range's."""
    verdicts = [nights.scheduler.result(one.run, "evaluate") for one in (nights.range, nights.night)]
    assert verdicts[0]["verdict"] == "PROMOTE"
    versions: list[int] = [verdict["version"] for verdict in verdicts if verdict and verdict["verdict"] == "PROMOTE"]
    return versions[-1]


def test_a_range_does_everything_once_for_all_its_days(nights: FirstNights) -> None:
    states = nights.scheduler.states(nights.range.run)
    assert nights.range.state == "success"
    assert states == dict.fromkeys(EVERYTHING, "success") | {"ask": "skipped"}  # nobody has to approve its model
    rides = nights.scheduler.result(nights.range.run, "refine")["rows"]["rides"]
    assert rides["in"] == rides["kept"] + rides["superseded"] + rides["quarantined"]
    assert rides["in"] >= 24 * DAYS


def test_the_night_after_covers_the_one_day_the_range_left(nights: FirstNights) -> None:
    assert nights.night.state == "success"
    whole, night = (nights.scheduler.window(one.run) for one in (nights.range, nights.night))
    assert night == Window.of(whole.end)
    assert nights.scheduler.states(nights.night.run)["score"] == "success"


def test_silver_holds_each_hour_once_and_every_record_is_accounted_for(lake: Lake) -> None:
    records = lake.bronze("rides").read().count()
    silver, quarantine = lake.silver("rides").read(), lake.quarantine("rides").read()
    assert silver.count() == silver.select("at").distinct().count()
    assert records == silver.count() + quarantine.count()
    assert silver.select("day").distinct().count() == DAYS + 1


def test_tomorrow_is_foretold_by_the_champion(nights: FirstNights, lake: Lake) -> None:
    version = nights.scheduler.result(nights.night.run, "score")["version"]
    tomorrow = nights.scheduler.window(nights.night.run).end
    scored = lake.gold("predictions").read().where(f"day = DATE'{tomorrow}' AND model_version = {version}")
    assert {row.at.hour for row in scored.collect()} <= set(range(24))
    assert scored.count() >= 20
    assert scored.where("prediction IS NULL OR in_fitting").count() == 0


def test_every_dag_run_has_one_closed_mlflow_run_and_the_champion_its_alias(
    nights: FirstNights, mlflow: "MlflowClient"
) -> None:
    (experiment,) = mlflow.search_experiments(filter_string=f"name = '{DAG}'")
    runs = mlflow.search_runs([experiment.experiment_id], f"tags.`{tags.RUN_KEY}` != ''")
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert sorted(run.data.tags[tags.RUN_KEY] for run in runs) == sorted(
        f"{DAG}/{one.run}" for one in (nights.range, nights.night)
    )
    assert mlflow.get_registered_model(DAG).aliases[tags.CHAMPION] == promoted(nights)


def test_make_run_ends_with_a_table_that_names_records_versions_and_places(nights: FirstNights) -> None:
    table = summary(nights.scheduler.services, [nights.range, nights.night])
    champion = f"champion is version {promoted(nights)}"
    for word in ("quarantined", "verdict PROMOTE", champion, nights.scheduler.home.airflow_url):
        assert word in table


def test_a_roll_back_that_is_refused_is_one_sentence_at_the_terminal(nights: FirstNights) -> None:
    home = nights.scheduler.home
    typed = {"NIGHTSHIFT_HOME": str(home.root), "AIRFLOW_PORT": str(home.airflow_port)}
    typed |= {"MODEL": "predictive_maintenance", "REASON": "nobody needs it"}
    with pytest.raises(CannotGoOn) as refused:
        rollback.main("roll back", typed)
    assert str(refused.value) == ("model: predictive_maintenance has no champion, so there is nothing to roll back")


def test_nothing_answers_on_another_address_than_this_machine_s_own(nights: FirstNights) -> None:
    assert listening(nights.scheduler.everything()) == LOOPBACK


def test_keys_and_password_are_for_their_owner_only(nights: FirstNights) -> None:
    home = nights.scheduler.home
    for file in (home.passwords, home.airflow / "airflow.cfg"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert nights.scheduler.airflow.password not in ("", "admin", "airflow")
