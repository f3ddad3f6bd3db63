"""Predictive maintenance's models: when they raise an alarm, what alarms are worth, and what people see of them."""

import io
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from spark_jobs.declare.space import suggested
from spark_jobs.kinds import Candidate, Columns
from spark_jobs.kinds.on_spark import REASONS
from spark_jobs.learning.model_part import code_of, model_part
from spark_jobs.use_cases.predictive_maintenance import forest
from spark_jobs.use_cases.predictive_maintenance.model import NO_ALARM, calibrate, candidates, measure, plots
from spark_jobs.use_cases.predictive_maintenance.reports import machines_to_visit
from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, REMEMBERED, USE_CASE

COLUMNS = Columns.of(USE_CASE)
PROBABILITIES = [f"{component}_probability" for component in COMPONENTS]
START = datetime(2024, 3, 1)


def named(name: str) -> Candidate:
    return next(candidate for candidate in candidates() if candidate.name == name)


def healthy(machines: int = 2, steps: int = 10) -> pd.DataFrame:
    """Judge rows on which nothing fails and nobody expects it to."""
    at = [START + timedelta(hours=12 * step) for step in range(steps)]
    rows = pd.DataFrame(
        [(machine, time) for machine in range(1, machines + 1) for time in at], columns=["machineID", "at"]
    )
    nothing: dict[str, Any] = dict.fromkeys(PROBABILITIES, 0.01) | dict.fromkeys(COMPONENTS, 0)
    return rows.assign(**nothing | {f"{component}_hours": np.nan for component in COMPONENTS})


def failing(rows: pd.DataFrame, machine: int, component: str, hour: float) -> pd.DataFrame:
    """The component fails so many hours after the start, and rows up to a day before know it."""
    until = START + timedelta(hours=hour) - rows["at"]
    soon = (rows["machineID"] == machine) & (until > timedelta()) & (until <= timedelta(days=1))
    rows.loc[soon, component] = 1
    rows.loc[soon, f"{component}_hours"] = until[soon] / timedelta(hours=1)
    return rows


def expected(rows: pd.DataFrame, machine: int, component: str, step: int, probability: float = 0.9) -> pd.DataFrame:
    at = START + timedelta(hours=12 * step)
    rows.loc[(rows["machineID"] == machine) & (rows["at"] == at), f"{component}_probability"] = probability
    return rows


def test_the_threshold_lets_through_all_it_can_at_nine_alarms_in_ten_right() -> None:
    rows = healthy(machines=4, steps=10)
    for place, probability in enumerate(np.linspace(0.99, 0.5, 20)):
        component = COMPONENTS[place % 4]
        rows.loc[place, f"{component}_probability"] = probability
        rows.loc[place, component] = int(place not in (9, 18, 19))
    threshold = calibrate(rows)["threshold"]
    # Of the first 10 alarms 9 are right, of the first 18 17; of 19 17 are too few.
    assert threshold == pytest.approx(np.linspace(0.99, 0.5, 20)[17])
    found = measure(rows, {"threshold": threshold})
    assert found["precision"] == pytest.approx(17 / 18)
    assert found["recall"] == 1.0


def test_equal_probabilities_share_one_threshold() -> None:
    rows = failing(healthy(), 1, "comp1", 30)
    assert calibrate(rows) == {"threshold": NO_ALARM}  # all or none: 2 of 80 are no nine in ten


def test_where_no_threshold_is_precise_there_is_no_alarm() -> None:
    rows = expected(failing(healthy(), 1, "comp1", 30), 2, "comp2", 3)
    found = measure(rows, calibrate(rows))
    assert (found["recall"], found["warned"], found["false_alarms_per_machine_month"]) == (0.0, 0.0, 0.0)
    assert np.isnan(found["precision"])


def test_alarms_are_counted_together_and_for_each_component() -> None:
    rows = failing(failing(healthy(), 1, "comp1", 30), 2, "comp3", 60)  # two rows each
    rows = expected(expected(rows, 1, "comp1", 1), 1, "comp1", 2)
    rows = expected(expected(rows, 2, "comp3", 3), 2, "comp2", 3)
    found = measure(rows, {"threshold": 0.5})
    assert found["failing_share"] == pytest.approx(4 / rows[list(COMPONENTS)].size)
    assert found["mean_probability"] == pytest.approx(rows[PROBABILITIES].to_numpy().mean())
    assert (found["precision"], found["recall"]) == (0.75, 0.75)
    assert (found["comp1_precision"], found["comp1_recall"], found["comp1_pr_auc"]) == (1.0, 1.0, 1.0)
    assert (found["comp2_precision"], found["comp3_precision"], found["comp3_recall"]) == (0.0, 1.0, 0.5)
    assert np.isnan(found["comp2_recall"])
    assert np.isnan(found["comp4_pr_auc"])
    assert found["false_alarms_per_machine_month"] == pytest.approx(1 / (20 * 12 / 24 / 30.4))


def test_the_area_under_precision_and_recall_is_the_mean_precision_at_each_failure() -> None:
    rows = healthy(machines=1, steps=5).assign(comp1=[1, 0, 1, 0, 0], comp1_probability=[0.9, 0.8, 0.7, 0.6, 0.5])
    assert measure(rows, {"threshold": 0.5})["comp1_pr_auc"] == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize(
    ("step", "warned"), [(0, 0.0), (1, 1.0), (2, 0.0)], ids=["36 hours before", "24 hours before", "5 hours before"]
)
def test_a_warning_comes_within_the_horizon_and_six_hours_ahead(step: int, warned: float) -> None:
    rows = expected(failing(healthy(), 1, "comp1", 29), 1, "comp1", step)
    assert measure(rows, {"threshold": 0.5})["warned"] == warned


def test_a_failure_is_warned_of_once_and_for_its_own_component() -> None:
    rows = failing(failing(healthy(), 1, "comp1", 30), 1, "comp2", 30)
    rows = expected(expected(rows, 1, "comp1", 1), 1, "comp1", 2)
    assert measure(rows, {"threshold": 0.5})["warned"] == 0.5


def test_to_say_nothing_is_right_nearly_always_and_worth_nothing() -> None:
    found = measure(failing(healthy(), 1, "comp1", 30), {"threshold": NO_ALARM})
    assert found["accuracy"] == found["always_healthy_accuracy"] == 1 - 2 / 80
    assert found["recall"] == found["always_healthy_recall"] == 0.0


def test_rows_that_were_drawn_twice_count_twice_and_warn_once() -> None:
    rows = expected(failing(healthy(), 1, "comp1", 30), 1, "comp1", 1)
    twice = pd.concat([rows, rows])
    assert measure(twice, {"threshold": 0.5}) == pytest.approx(measure(rows, {"threshold": 0.5}), nan_ok=True)


def test_the_gate_finds_its_metrics() -> None:
    found = measure(failing(healthy(), 1, "comp1", 30), {"threshold": 0.5})
    assert {USE_CASE.gate.metric, *(bound.metric for bound in USE_CASE.gate.bounds)} <= set(found)


def test_an_alarm_is_a_probability_that_reaches_the_threshold(spark: SparkSession) -> None:
    rows = healthy(machines=1, steps=3).assign(comp1_probability=[0.49, 0.5, 0.51])[["at", *PROBABILITIES]]
    decided: Any = (
        model_part(USE_CASE.name).decide(spark.createDataFrame(rows), {"threshold": 0.5}).orderBy("at").toPandas()
    )
    assert decided["comp1_alarm"].tolist() == [0, 1, 1]
    assert decided["comp4_alarm"].tolist() == [0, 0, 0]
    assert {*USE_CASE.predictions} <= {*decided.columns}


def known(machines: int = 60, steps: int = 60) -> pd.DataFrame:
    """Rows with features: each component fails where its sensor's slope is steep, on one row in fifty."""
    rows, draw = healthy(machines, steps), np.random.default_rng(1)
    named = {name: draw.normal(size=len(rows)) for name in USE_CASE.features.columns}
    for sensor, component in zip(("volt", "rotate", "pressure", "vibration"), COMPONENTS, strict=True):
        rows[component] = (named[f"{sensor}_slope_24h"] > 2.05).astype(int)
    named["volt_mean_7d"][::7] = np.nan
    return rows.drop(columns=PROBABILITIES).join(pd.DataFrame(named))


def test_boosting_learns_what_is_rare_at_every_corner_of_its_space() -> None:
    import optuna

    boosting, rows, later = named("boosting"), known(), known(steps=30)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    bounds = {
        "max_depth": (3, 6),
        "eta": (0.03, 0.12),
        "min_child_weight": (0.02, 2),
        "colsample_bytree": (0.2, 0.7),
        "lambda": (0.3, 10),
        "positive_weight": (1, 20),
    }
    for extreme in (0, 1):
        study.enqueue_trial({name: values[extreme] for name, values in bounds.items()})
        params = {**boosting.params, **suggested(USE_CASE.search.spaces["boosting"], study.ask()), "rounds": 40}
        judged = later.join(boosting.fit(rows, params, COLUMNS).predict(later))
        assert measure(judged, calibrate(judged))["pr_auc"] > 0.9


def test_the_forest_is_fitted_on_request_on_all_failures_and_some_healthy_rows(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TREES": 8, "DEPTH": 5, "HEALTHY": 400}.items():
        monkeypatch.setattr(forest, name, value)
    reference, rows = named("forest"), spark.createDataFrame(known()).cache()
    assert reference.name in USE_CASE.search.on_request
    drawn: Any = forest.sampled(rows).groupBy("failing").agg({"*": "count", "weight": "sum"}).toPandas()
    counts = drawn.set_index("failing")
    assert counts.loc[True, "count(1)"] == rows.where("greatest(comp1, comp2, comp3, comp4) = 1").count()
    assert 300 < counts.loc[False, "count(1)"] < 500
    assert counts["sum(weight)"].sum() == pytest.approx(rows.count(), rel=0.15)
    model = reference.fit(rows, reference.params, COLUMNS)
    keep = ["machineID", "at", "weight", *USE_CASE.labels.columns, *USE_CASE.labels.facts]
    judged: Any = model.score(forest.sampled(rows), keep).toPandas()
    assert measure(judged, {"threshold": 0.5})["pr_auc"] > 0.5
    said, true = (
        np.average(judged[names], axis=0, weights=judged["weight"]) for names in (PROBABILITIES, list(COMPONENTS))
    )
    assert (said / true > 0.5).all()
    assert (said / true < 2).all()  # seven times as much, did the healthy rows not weigh what they stand for


def test_pictures_are_drawn_of_what_there_is() -> None:
    rows = expected(failing(healthy(), 1, "comp1", 30), 1, "comp1", 1)
    rows = rows.assign(**{f"{sensor}_mean_12h": 100.0 for sensor in ("volt", "rotate", "pressure", "vibration")})
    importance = pd.DataFrame(
        {"label": ["comp1", "comp1", "comp2"], "feature": ["age", "model1", "age"], "importance": [0.7, 0.3, 1.0]}
    )
    figures = plots(rows, {"threshold": 0.5}, importance)
    assert sorted(figures) == ["importance", "precision_recall", "timeline"]
    for figure in [
        *figures.values(),
        *plots(healthy().assign(**rows.iloc[:, -4:]), {"threshold": 0.5}, importance).values(),
    ]:
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
        assert picture.getbuffer().nbytes > 5_000
    assert "importance" not in plots(rows, {"threshold": 0.5}, importance.iloc[:0])


def test_the_timeline_shows_the_machine_that_failed_most_with_its_alarms() -> None:
    rows = expected(failing(healthy(3), 2, "comp4", 30), 2, "comp4", 1)
    rows = rows.assign(**{f"{sensor}_mean_12h": 100.0 for sensor in ("volt", "rotate", "pressure", "vibration")})
    axes = plots(rows, {"threshold": 0.5}, pd.DataFrame(columns=["label", "feature", "importance"]))["timeline"].axes
    drawn = [(line.get_marker(), *(np.asarray(one).tolist() for one in line.get_data())) for line in axes[-1].lines]
    alarm = [(times, heights) for marker, times, heights in drawn if marker == "|" and len(times)]
    failure = [(times, heights) for marker, times, heights in drawn if marker == "x"]
    assert [(pd.Timestamp(times[0]), heights) for times, heights in alarm] == [
        (pd.Timestamp(START) + timedelta(hours=12), [3])
    ]
    assert [(pd.Timestamp(times[0]), heights) for times, heights in failure] == [
        (pd.Timestamp(START) + timedelta(hours=30), [3])
    ]


def predictions(spark: SparkSession, alarms: dict[tuple[int, str], list[int]]) -> Any:
    """Of two machines, six steps from 12:00 on, with these alarms."""
    rows = []
    for machine in (1, 2):
        for step in range(6):
            at = START + timedelta(hours=12 * (step + 1))
            found = {name: alarms.get((machine, name), [0] * 6)[step] for name in COMPONENTS}
            rows.append(
                {"day": (at - timedelta(seconds=1)).date(), "machineID": machine, "at": at}
                | {f"{name}_probability": 0.1 + 0.8 * alarm for name, alarm in found.items()}
                | {f"{name}_alarm": alarm for name, alarm in found.items()}
            )
    return spark.createDataFrame(pd.DataFrame(rows)).withColumn("reasons", f.lit(None).cast(REASONS))


def visits(frame: Any) -> list[tuple[str, int, str, str]]:
    rows = machines_to_visit({"predictions": frame}).orderBy("day", "machineID", "component").collect()
    assert all(row["probability"] == pytest.approx(0.9) for row in rows)
    return [(f"{row['day']:%d}", row["machineID"], row["component"], f"{row['since']:%d %H}") for row in rows]


def test_who_is_to_be_visited_is_who_stands_in_alarm_at_the_end_of_the_day(spark: SparkSession) -> None:
    alarms = {(1, "comp2"): [0, 1, 1, 1, 1, 0], (2, "comp4"): [1, 1, 0, 1, 1, 1], (2, "comp1"): [1, 0, 0, 0, 0, 0]}
    assert visits(predictions(spark, alarms)) == [
        ("01", 1, "comp2", "02 00"),
        ("01", 2, "comp4", "01 12"),
        ("02", 1, "comp2", "02 00"),
        ("02", 2, "comp4", "03 00"),
        ("03", 2, "comp4", "03 00"),
    ]


def test_a_long_alarm_says_the_same_of_a_day_alone_and_in_a_range(spark: SparkSession) -> None:
    """A day alone is given as many days before it as the report declares."""
    whole = standing(spark, days=20)
    cut = whole.where(f.col("day") >= f.lit(START.date() + timedelta(days=19) - REMEMBERED))
    assert visits(cut)[-1] == visits(whole)[-1] == ("20", 1, "comp2", "07 00")


def standing(spark: SparkSession, days: int) -> Any:
    """One machine in alarm for days on end."""
    stamps = [START + timedelta(hours=12 * (step + 1)) for step in range(2 * days)]
    rows = [
        {"day": (at - timedelta(seconds=1)).date(), "machineID": 1, "at": at}
        | {f"{name}_probability": 0.9 for name in COMPONENTS}
        | {f"{name}_alarm": int(name == "comp2") for name in COMPONENTS}
        for at in stamps
    ]
    return spark.createDataFrame(pd.DataFrame(rows)).withColumn("reasons", f.lit(None).cast(REASONS))


def test_a_day_without_alarms_has_an_empty_list(spark: SparkSession) -> None:
    assert visits(predictions(spark, {})) == []


def test_an_alarm_is_explained_in_words_by_what_raised_it(spark: SparkSession) -> None:
    given = [
        ("comp2_probability", "vibration_mean_24h", 45.1234, 39.87, 0.4, None),
        ("comp2_probability", "comp4_never_failed", 1.0, 0.25, 0.2, None),
        ("comp2_probability", "comp1_failed_days", None, 200.0, 0.1, None),
        ("comp2_probability", "volt_mean_12h", 170.0, 170.8, -0.3, None),
        ("comp1_probability", "error1_24h", 2.0, 0.1, 0.4, None),
    ]
    rows = predictions(spark, {(1, "comp2"): [0, 1, 0, 0, 0, 0]}).withColumn("reasons", as_reasons(given))
    (row,) = machines_to_visit({"predictions": rows}).collect()
    assert row["why"] == (
        "vibration mean of 24 h 45.1, usually 39.9; comp4_never_failed 1, usually 0.25; "
        "days since comp1 failed unknown, usually 200"
    )


def as_reasons(given: list[tuple[str, str, float | None, float, float, None]]) -> Any:
    names = ("prediction", "feature", "value", "usual", "by", "word")
    each = (f.struct(*(f.lit(one).alias(name) for name, one in zip(names, reason, strict=True))) for reason in given)
    return f.array(*each).cast(REASONS)


def test_extra_trees_learn_what_is_rare_and_their_probabilities_are_true() -> None:
    trees, rows, later = named("extra_trees"), known(), known(steps=30)
    assert trees.params["n_estimators"] == 400
    few = {**trees.params, "n_estimators": 30, "negatives": 400}
    judged = later.join(trees.fit(rows, few, COLUMNS).predict(later))
    assert measure(judged, calibrate(judged))["pr_auc"] > 0.5
    said, true = (judged[list(names)].to_numpy().mean() for names in (PROBABILITIES, COMPONENTS))
    assert said == pytest.approx(true, rel=0.5)  # fifty times as much, did they stand for half of all rows


def test_what_a_model_is_made_by_holds_the_modules_it_imports_but_no_pictures() -> None:
    code = code_of("predictive_maintenance")
    assert "class Forests" in code
    assert "def told(" in code  # of what makes its features
    assert "def timeline(" not in code
