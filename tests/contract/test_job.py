"""What crosses from Airflow to Spark is one list of strings, there and back without loss."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.declare import BadRequest, Job, Parameters, Place, Retrain, Stage, Window, parse
from spark_jobs.declare.job import SOURCES

WORDS = st.text(max_size=20)
WINDOWS = st.builds(Window.of, st.dates(max_value=date(2100, 1, 1)), st.dates(min_value=date(2100, 1, 1)))
PLACES = st.builds(
    Place,
    lake=WORDS,
    landing=WORDS,
    tracking=WORDS,
    registry=WORDS,
    engine=WORDS,
    token=WORDS,
    source=st.sampled_from(SOURCES),
    simulation=WORDS,
)


def _to_the_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS
JOBS = st.builds(
    Job,
    stage=st.sampled_from(Stage),
    use_case=st.from_regex(r"[a-z][a-z0-9_]{1,49}", fullmatch=True),
    window=WINDOWS,
    run=WORDS,
    retrain=st.sampled_from(Retrain),
    version=st.integers(1).map(str) | st.just(""),
    also=WORDS,
    parameters=st.dictionaries(WORDS, st.dictionaries(WORDS, VALUES, max_size=3), max_size=2),
    search=st.sampled_from(["", "grid", "genetic", "optuna"]),
    until=st.none() | st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC)).map(_to_the_minute),
)


@given(PLACES, JOBS)
@settings(deadline=None)
def test_a_job_comes_back_as_it_was(place: Place, job: Job) -> None:
    assert parse([*place.argv(), *job.argv()]) == (place, job)


def test_an_argument_list_is_short_and_reads_well() -> None:
    job = Job(stage=Stage.SCORE, use_case="bike_sharing", window=Window.of(date(2024, 2, 29)), version="3")
    assert job.argv() == ["score", "bike_sharing", "--start=2024-02-29", "--end=2024-03-01", "--version=3"]


def test_parameters_travel_as_one_word_in_the_order_of_their_names() -> None:
    given: Parameters = {"trees": {"depth": 3}, "boosting": {"lambda": 1, "eta": 0.1}}
    job = Job(stage=Stage.TRAIN, use_case="shop", window=Window.of(date(2024, 2, 29)), parameters=given)
    assert job.argv()[-1] == '--parameters={"boosting": {"eta": 0.1, "lambda": 1}, "trees": {"depth": 3}}'


@pytest.mark.parametrize(
    ("stage", "last", "small"),
    [
        (Stage.REFINE, date(2024, 1, 31), True),
        (Stage.REFINE, date(2024, 2, 1), False),
        (Stage.TRAIN, date(2024, 1, 1), False),
        (Stage.EVALUATE, date(2024, 1, 1), False),
        (Stage.PROFILE, date(2024, 1, 1), False),
    ],
)
def test_a_job_of_a_month_is_small_and_training_never(stage: Stage, last: date, small: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    assert Job(stage=stage, use_case="shop", window=Window.of(date(2024, 1, 1), last)).small is small


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ("--source=elsewhere", "source: is one of simulated, public, own, got 'elsewhere'"),
        ("--version=three", "version: is a number, got 'three'"),
        ("--end=2024-01-01", "window: starts on 2024-01-01 and ends before 2024-01-01: that holds no day"),
        ("--start=soon", "job: argument --start: is a day like 2024-01-31, got 'soon'"),
        ("--parameters={", 'job: argument --parameters: is JSON like {"boosting": {"eta": 0.1}}, got \'{\''),
        ("--parameters=[1]", 'job: argument --parameters: is JSON like {"boosting": {"eta": 0.1}}, got \'[1]\''),
        (
            '--parameters={"a": 1}',
            'job: argument --parameters: is JSON like {"boosting": {"eta": 0.1}}, got \'{"a": 1}\'',
        ),
        ("--search=evolution", "search: is one of grid, genetic, optuna, got 'evolution'"),
        ("--until=2024-01-01", "job: argument --until: is a minute like 2024-01-31T10:20 (UTC), got '2024-01-01'"),
        ("--colour=red", "job: unrecognized arguments: --colour=red"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(changed: str, says: str) -> None:
    place = Place(lake="l", landing="n", tracking="t", registry="r")
    job = Job(stage=Stage.INGEST, use_case="bike_sharing", window=Window.of(date(2024, 1, 1)))
    with pytest.raises(BadRequest) as error:
        parse([*place.argv(), *job.argv(), changed])
    assert str(error.value) == says


@pytest.mark.parametrize(
    ("lake", "landing", "exports"),
    [
        ("/data/lake", "/data/landing", "/data/lake/bikes/export"),
        ("s3://lake", "s3://landing", "s3://lake/bikes/export"),
        ("main.bikes", "/Volumes/main/bikes/nightshift/landing", "/Volumes/main/bikes/nightshift/export/bikes"),
    ],
)
def test_exports_lie_in_the_lake_or_in_the_volume_of_a_catalog(lake: str, landing: str, exports: str) -> None:
    assert Place(lake=lake, landing=landing, tracking="t", registry="r").exports("bikes") == exports


@pytest.mark.parametrize(("changed", "allowed"), [("--retrain=maybe", "if due"), ("guess", "refine")])
def test_a_word_that_is_not_known_is_answered_with_those_that_are(changed: str, allowed: str) -> None:
    with pytest.raises(BadRequest, match=f"invalid choice: .*choose from.*{allowed}"):
        parse([changed, "--start=2024-01-01", "--end=2024-01-02"])


def test_a_job_without_a_window_is_refused() -> None:
    with pytest.raises(BadRequest, match=r"job: the following arguments are required: .*--start, --end"):
        parse(["ingest", "bike_sharing"])
