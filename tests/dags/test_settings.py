"""What the Airflow side is told from outside."""

from pathlib import Path

import pytest

from nightshift import links
from nightshift.settings import CHECKOUT, QUIET, job_environment, settings
from spark_jobs.declare import BadRequest, Place


def test_without_a_word_everything_lies_below_the_checkout() -> None:
    told = settings({})
    assert told.place == Place(
        lake=f"{CHECKOUT}/.nightshift/lake",
        landing=f"{CHECKOUT}/.nightshift/landing",
        tracking="http://127.0.0.1:5000",
        registry="http://127.0.0.1:5000",
        engine="sc://localhost:15002",
        token=f"{CHECKOUT}/.nightshift/engine/token",
        source="simulated",
    )
    assert (told.pool, told.slots, told.python) == ("spark", 2, CHECKOUT / ".venv/spark/bin/python")
    assert told.pages == "http://127.0.0.1:5000"


def test_every_setting_is_heard(tmp_path: Path) -> None:
    told = settings(
        {
            "SPARK_TARGET": "cluster",
            "NIGHTSHIFT_HOME": str(tmp_path),
            "NIGHTSHIFT_LAKE": "s3://lake",
            "NIGHTSHIFT_LANDING": "s3://landing",
            "NIGHTSHIFT_MLFLOW_PAGES": "https://mlflow.example.org",
            "NIGHTSHIFT_MLFLOW": "http://mlflow:1",
            "NIGHTSHIFT_REGISTRY": "http://registry:1",
            "NIGHTSHIFT_ENGINE": "sc://localhost:1",
            "NIGHTSHIFT_ENGINE_TOKEN": "/run/secrets/engine",
            "NIGHTSHIFT_SOURCE": "own",
            "NIGHTSHIFT_SIMULATION": "seed=3",
            "NIGHTSHIFT_SPARK_POOL": "jobs",
            "NIGHTSHIFT_SPARK_SLOTS": "5",
        }
    )
    assert told.place == Place(
        lake="s3://lake",
        landing="s3://landing",
        tracking="http://mlflow:1",
        registry="http://registry:1",
        engine="sc://localhost:1",
        token="/run/secrets/engine",  # noqa: S106 - the file of one
        source="own",
        simulation="seed=3",
    )
    assert (told.pool, told.slots, told.home) == ("jobs", 5, tmp_path)
    assert (told.target, told.pages) == ("cluster", "https://mlflow.example.org")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SPARK_TARGET", "laptop", "SPARK_TARGET: is one of local, cluster, databricks, got 'laptop'"),
        ("NIGHTSHIFT_SPARK_SLOTS", "many", "NIGHTSHIFT_SPARK_SLOTS: is a whole number, got 'many'"),
        ("NIGHTSHIFT_SPARK_SLOTS", "0", "NIGHTSHIFT_SPARK_SLOTS: is at least 1, got 0"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_and_never_guessed(name: str, value: str, says: str) -> None:
    with pytest.raises(BadRequest) as refused:
        settings({name: value})
    assert str(refused.value) == says


def test_a_link_leads_where_a_browser_finds_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which need not be where jobs find it."""
    monkeypatch.setenv("NIGHTSHIFT_MLFLOW", "http://mlflow:5000")
    monkeypatch.setenv("NIGHTSHIFT_MLFLOW_PAGES", "https://mlflow.example.org")
    opened = {"tracking": "http://mlflow:5000", "experiment": "1", "run": "abc"}
    assert links.run_page(opened) == "https://mlflow.example.org/#/experiments/1/runs/abc"


def test_a_source_nobody_knows_is_refused() -> None:
    with pytest.raises(BadRequest, match=r"^source: is one of simulated, public, own, got 'internet'"):
        _ = settings({"NIGHTSHIFT_SOURCE": "internet"}).place


def test_a_job_sees_what_it_needs_of_our_environment_and_no_secrets() -> None:
    ours = {
        "PATH": "/bin",
        "JAVA_HOME": "/java",
        "AIRFLOW__CORE__FERNET_KEY": "secret",
        "AIRFLOW_CONN_X": "secret",
        "MLFLOW_RUN_ID": "an older run",
        "MLFLOW_TRACKING_TOKEN": "needed",
        "AWS_ENDPOINT_URL": "where buckets are",
    }
    assert job_environment("here:bikes:train", ours) == {
        "PATH": "/bin",
        "MLFLOW_TRACKING_TOKEN": "needed",
        "AWS_ENDPOINT_URL": "where buckets are",
        **QUIET,
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONUNBUFFERED": "1",
        "NIGHTSHIFT_JOB": "here:bikes:train",
    }
