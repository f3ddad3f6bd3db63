"""What the known reference gets wrong, by the numbers of its defects: each test is named as what ours does.

Those that take whole nights are in tests/spark/test_predictive_maintenance_nights.py.
"""

from datetime import timedelta

from pandas.testing import assert_frame_equal
from pyspark.sql import SparkSession

from spark_jobs.declare import TimeSplit
from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, HORIZON, MODELS, USE_CASE
from tests.use_cases.plant import event, expected, foretold, hourly, made, reading, time

TENTH = "2024-03-10"
BARE_ROWS = [{"at": time(at).replace(tzinfo=None)} for at in ("2024-03-10 12:00", "2024-03-11 00:00")]


def test_01_a_row_knows_nothing_from_its_stamp_on(spark: SparkSession) -> None:
    at, after = "2024-03-11 00:00", "2024-03-11 01:00"
    found = made(
        spark,
        [TENTH],
        telemetry=[reading(at, volt=170), reading(after, volt=190)],
        errors=[event(at, "error1"), event(after, "error1")],
        maintenance=[event(at, "comp1"), event(after, "comp1")],
        failures=[event(at, "comp1"), event(after, "comp1")],
    )
    assert_frame_equal(found, expected(*BARE_ROWS), check_dtype=False)


def test_02_the_last_replacement_counts_for_its_component_and_for_no_other(spark: SparkSession) -> None:
    maintenance = [
        *(event(at, "comp1") for at in ("2023-06-01 06:00", "2024-03-07 12:00", "2024-03-10 18:00")),
        event("2024-01-01 00:00", "comp3"),
    ]
    found = made(spark, [TENTH], maintenance=maintenance)
    days = found[[f"{component}_replaced_days" for component in COMPONENTS]].fillna(-1).to_numpy().tolist()
    assert days == [[3, -1, 69.5, -1], [0.25, -1, 70, -1]]


def test_03_two_components_that_fail_together_are_both_labelled_and_no_third(spark: SparkSession) -> None:
    failures = [event("2024-03-11 06:00", "comp1"), event("2024-03-11 06:00", "comp2")]
    assert foretold(spark, [TENTH, "2024-03-11"], failures) == {
        "03-10 00:00": "",
        "03-11 00:00": "comp1 in 6 h comp2 in 6 h",
    }


def test_04_two_failures_in_one_step_are_one_row(spark: SparkSession) -> None:
    failures = [event("2024-03-10 06:00", "comp1"), event("2024-03-10 07:00", "comp1")]
    found = made(spark, [TENTH], failures=failures)
    assert found[["at", "comp1_failed_days"]].to_numpy().tolist() == [
        [found["at"][0], 5 / 24],
        [found["at"][1], 17 / 24],
    ]
    assert foretold(spark, [TENTH], failures) == {"03-10 00:00": "comp1 in 6 h"}


def test_05_parts_of_a_split_lie_further_apart_than_a_label_looks_ahead() -> None:
    assert isinstance(USE_CASE.split, TimeSplit)
    assert USE_CASE.split.embargo >= HORIZON
    assert USE_CASE.labels.horizon == HORIZON == timedelta(days=1)


def test_06_a_row_is_the_same_whatever_range_is_asked_for(spark: SparkSession) -> None:
    told = {
        "telemetry": hourly("2024-03-01 00:00", 240, volt=170.123),
        "errors": [event("2024-03-04 12:00", "error2")],
        "maintenance": [event("2014-07-01 06:00", "comp4")],
    }
    alone = made(spark, [TENTH], **told)
    within = made(spark, ["2024-03-03", "2024-03-09", TENTH, "2024-03-20"], **told)
    rows = within[within["at"].isin(alone["at"])].reset_index(drop=True)
    assert_frame_equal(alone, rows, check_exact=True)


def test_07_a_gap_does_not_let_older_readings_into_a_window(spark: SparkSession) -> None:
    """Twelve rows are twelve hours for one who counts rows."""
    telemetry = [*hourly("2024-03-09 12:00", 12, volt=999 / 4), *hourly("2024-03-10 10:00", 2, volt=170)]
    found = made(spark, [TENTH], telemetry=telemetry)
    assert found["volt_mean_12h"].iloc[0] == found["volt_maximum_12h"].iloc[0] == 170
    assert found["volt_maximum_24h"].tolist() == [999 / 4, 170]


def test_08_a_missing_reading_is_counted_as_missing_and_not_as_zero(spark: SparkSession) -> None:
    telemetry = [*hourly("2024-03-10 00:00", 6, volt=170), *hourly("2024-03-10 06:00", 6, rotate=450)]
    first = made(spark, [TENTH], telemetry=telemetry).iloc[0]
    assert first[["volt_mean_12h", "volt_minimum_12h", "volt_deviation_12h", "missing_12h"]].tolist() == [
        170,
        170,
        0,
        0.75,
    ]


def test_09_the_gate_asks_for_failures_found_and_never_for_accuracy() -> None:
    asked = {USE_CASE.gate.metric, *(bound.metric for bound in USE_CASE.gate.bounds)}
    assert asked >= {"recall", "warned"}
    assert not [metric for metric in asked if "accuracy" in metric]


def test_10_a_column_is_its_model_and_its_component_whatever_the_fleet_holds(spark: SparkSession) -> None:
    found = made(spark, [TENTH], machines=[(1, "model4", 3)])
    assert found[list(MODELS)].to_numpy().tolist() == [[0, 0, 0, 1]] * 2
    assert [name.split("_")[0] for name in USE_CASE.predictions] == [*COMPONENTS, *COMPONENTS]
    assert USE_CASE.labels.columns == COMPONENTS
