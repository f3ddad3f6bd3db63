"""Which days, may it train, may it promote."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.form import of_a_use_case
from nightshift.plan import DECLARED, USUAL, Form, Kind, Plan, Started, fields_of, nights_left_out, plan_of
from spark_jobs.declare import BadDeclaration, BadRequest, Retrain, Whole, Window
from spark_jobs.use_cases import learning, load

BIKES = learning("bike_sharing")
DAY = timedelta(days=1)
TODAY = date(2024, 3, 10)


def started(run_type: str = "manual", **known: object) -> Started:
    yesterday = Window.of(TODAY - DAY)
    usual = {"run_key": "bikes/1", "by": "ann", "run_after": TODAY, "interval": yesterday}
    return Started(run_type=run_type, **usual | known)  # type: ignore[arg-type]  # any field may be given


def plan(conf: dict[str, object] | None = None, **known: object) -> Plan:
    return plan_of(BIKES, started(**known), Form.of(conf or {}), today=TODAY)  # type: ignore[arg-type]  # as above


def test_a_night_covers_the_day_before_it() -> None:
    assert plan(run_type="scheduled") == Plan(
        kind=Kind.NIGHTLY,
        window=Window.of(date(2024, 3, 9)),
        retrain=Retrain.IF_DUE,
        may_promote=True,
        version="",
        reason="",
        run_key="bikes/1",
        by="ann",
    )


def test_a_night_makes_up_for_the_nights_missed_before_it() -> None:
    made = plan(run_type="scheduled", undone_since=date(2024, 3, 6))
    assert made.window == Window.of(date(2024, 3, 6), date(2024, 3, 9))


def test_a_night_makes_up_for_no_more_nights_than_declared_and_says_how_many_are_left() -> None:
    long_off = started(run_type="scheduled", undone_since=date(2024, 1, 1))
    made = plan_of(BIKES, long_off, Form(), today=TODAY)
    assert made.window == Window.of(date(2024, 2, 7), date(2024, 3, 9))
    assert nights_left_out(BIKES, long_off) == 37


def test_a_night_done_before_is_done_again_whole() -> None:
    assert plan(run_type="scheduled", undone_since=TODAY).window == Window.of(date(2024, 3, 9))


def test_the_form_without_days_means_the_day_before_it_was_sent_even_at_one_in_the_morning() -> None:
    before_two = Window.of(date(2024, 3, 8))  # the last whole data interval at that hour
    made = plan(interval=before_two)
    assert (made.kind, made.window) == (Kind.FORM, Window.of(date(2024, 3, 9)))
    assert (made.retrain, made.may_promote) == (Retrain.IF_DUE, True)


def test_the_form_works_for_a_run_without_logical_date() -> None:
    assert plan(interval=None).window == Window.of(date(2024, 3, 9))


def test_the_form_with_two_days_covers_both_and_all_between() -> None:
    made = plan({"first_day": "2024-01-30", "last_day": "2024-02-02"})
    assert (made.kind, made.window) == (Kind.RANGE, Window.of(date(2024, 1, 30), date(2024, 2, 2)))


def test_a_back_fill_covers_its_own_day_does_not_train_and_never_promotes() -> None:
    made = plan(run_type="backfill", interval=Window.of(date(2023, 5, 5)))
    assert (made.kind, made.window) == (Kind.BACKFILL, Window.of(date(2023, 5, 5)))
    assert (made.retrain, made.may_promote) == (Retrain.NEVER, False)


def test_a_back_fill_trains_when_its_conf_says_so_and_still_does_not_promote() -> None:
    made = plan({"retrain": "always"}, run_type="backfill")
    assert (made.retrain, made.may_promote) == (Retrain.ALWAYS, False)


def test_the_form_decides_about_training_promotion_and_the_version_to_score_with() -> None:
    made = plan({"retrain": "never", "may_promote": "no", "version": 3, "reason": "a try"})
    assert (made.retrain, made.may_promote, made.version, made.reason) == (Retrain.NEVER, False, "3", "a try")


def test_parameters_that_are_given_are_trained_with_whether_due_or_not() -> None:
    made = plan({"parameters": {"boosting": {"eta": 0.1}}})
    assert (made.retrain, made.parameters) == (Retrain.ALWAYS, {"boosting": {"eta": 0.1}})
    backfill = plan({"parameters": {"boosting": {}}, "retrain": "always"}, run_type="backfill")
    assert (backfill.retrain, backfill.parameters, backfill.may_promote) == (Retrain.ALWAYS, {"boosting": {}}, False)


def test_the_form_says_which_parameters_it_takes() -> None:
    param = of_a_use_case(BIKES)["parameters"]
    assert "boosting (max_depth: a whole number from 3 to 6, eta: a number from 0.04 to 0.12" in str(param.description)
    unsearched = replace(BIKES, search=replace(BIKES.search, spaces={}))
    assert "parameters" not in of_a_use_case(unsearched)


@pytest.mark.parametrize("way", ["grid", "genetic", "optuna"])
def test_the_form_chooses_by_what_a_search_searches_and_the_run_trains(way: str) -> None:
    made = plan({"search": way})
    assert (made.retrain, made.search) == (Retrain.ALWAYS, way)
    assert (plan({"search": DECLARED}).retrain, plan({"search": DECLARED}).search) == (Retrain.IF_DUE, "")
    assert plan({"search": way, "retrain": "always"}, run_type="backfill").search == way


def test_the_form_offers_three_ways_to_search_where_there_is_a_search() -> None:
    param = of_a_use_case(BIKES)["search"]
    assert param.schema["enum"] == [DECLARED, "grid", "genetic", "optuna"]
    assert "Declared is optuna. grid: all 81 combinations; genetic and optuna: 16 trials" in str(param.description)
    spaces = {**BIKES.search.spaces, "slow": {"depth": Whole(low=1, high=9)}}
    slow = replace(BIKES, search=replace(BIKES.search, spaces=spaces, on_request=("slow",)))
    assert "grid: all 81 combinations" in str(of_a_use_case(slow)["search"].description)
    unsearched = replace(BIKES, search=replace(BIKES.search, spaces={}))
    assert "search" not in of_a_use_case(unsearched)
    with pytest.raises(BadRequest, match=r"^search: nothing is searched here, so not by grid either: leave the field"):
        plan_of(unsearched, started(), Form.of({"search": "grid"}), today=TODAY)


def test_a_way_that_the_declaration_does_not_allow_is_refused_by_the_form() -> None:
    alone = replace(BIKES, search=replace(BIKES.search, batch=1))
    with pytest.raises(BadRequest, match=r"^search: a batch is a generation, and one alone has no children"):
        plan_of(alone, started(), Form.of({"search": "genetic"}), today=TODAY)


def test_the_form_asks_for_an_approval_and_never_waives_one() -> None:
    assert not plan().approval
    assert plan({"approval": "yes"}).approval
    approved = learning("wine_quality")  # which declares it
    assert plan_of(approved, started(), Form(), today=TODAY).approval
    assert plan_of(approved, started("scheduled"), Form(), today=TODAY).approval
    for use_case in (BIKES, approved):
        assert of_a_use_case(use_case)["approval"].schema["enum"] == [USUAL, "yes"]
    with pytest.raises(BadRequest, match="approval: is one of as this kind of run does, yes; got 'no'"):
        plan_of(approved, started(), Form.of({"approval": "no"}), today=TODAY)


def test_an_untouched_form_is_an_empty_form() -> None:
    untouched = {
        "first_day": None,
        "last_day": None,
        "retrain": USUAL,
        "may_promote": USUAL,
        "approval": USUAL,
        "parameters": None,
        "search": DECLARED,
        "version": None,
        "reason": "",
    }
    assert Form.of(untouched) == Form.of(untouched | {"parameters": {}}) == Form()


def test_the_form_says_what_no_model_reads_and_what_that_costs() -> None:
    assert str(of_a_use_case(BIKES)["retrain"].description).endswith("code, parameters or data changed.")
    blind = replace(BIKES.features, protected=("hour", "holiday"), protected_costs="RMSE 99 instead of 50.")
    said = str(of_a_use_case(replace(BIKES, features=blind))["retrain"].description)
    assert said.endswith("changed. No model reads hour and holiday. RMSE 99 instead of 50.")
    with pytest.raises(BadDeclaration, match="says what protected columns cost, and none is protected"):
        replace(BIKES.features, protected_costs="nothing")


def test_the_form_asks_for_a_candidate_that_takes_long() -> None:
    machines = learning("predictive_maintenance")
    assert plan_of(machines, started(), Form.of({"also": "forest"}), today=TODAY).also == "forest"
    assert of_a_use_case(machines)["also"].schema["enum"] == [None, "forest"]
    assert "also" not in of_a_use_case(BIKES)


@pytest.mark.parametrize(
    ("conf", "run_type", "says"),
    [
        ({"first_day": "2024-02-02", "last_day": "2024-02-01"}, "manual", "last_day: 2024-02-01 lies before"),
        ({"first_day": "2024-03-01", "last_day": "2024-03-10"}, "manual", "last_day: is at most yesterday"),
        ({"first_day": "2024-03-01"}, "manual", "last_day: is missing"),
        ({"last_day": "2024-03-01"}, "manual", "first_day: is missing"),
        ({"first_day": "2020-01-01", "last_day": "2024-01-01"}, "manual", "last_day: one run takes at most 1100 days"),
        ({"first_day": "2024-02-30", "last_day": "2024-03-01"}, "manual", "first_day: is a day such as"),
        ({"first_day": "yesterday", "last_day": "2024-03-01"}, "manual", "first_day: is a day such as"),
        ({"retrain": "perhaps"}, "manual", "retrain: is one of"),
        ({"may_promote": True}, "manual", "may_promote: is one of"),
        ({"also": "forest"}, "manual", "also: is one of none, got 'forest'"),
        ({"parameters": [1]}, "manual", r"parameters: is no JSON object: \[1\]"),
        ({"parameters": {"forest": {}}}, "manual", "parameters: 'forest' is no candidate that is searched. It takes a"),
        ({"parameters": {"boosting": {"eta": 1}}}, "manual", "parameters: boosting.eta is a number from 0.04 to 0.12"),
        ({"parameters": {"boosting": {}}, "retrain": "never"}, "manual", "parameters: they are to train with"),
        ({"parameters": {"boosting": {}}, "also": "x"}, "manual", "parameters: they are instead of a search, and x"),
        ({"parameters": {"boosting": {}}}, "backfill", "parameters: a back-fill trains only where retrain is always"),
        ({"search": "evolution"}, "manual", "search: is one of as declared, grid, genetic, optuna; got 'evolution'"),
        ({"search": "grid", "retrain": "never"}, "manual", "search: it is a training, and retrain says never"),
        ({"search": "grid"}, "backfill", "search: a back-fill trains only where retrain is always"),
        (
            {"search": "grid", "parameters": {"boosting": {}}},
            "manual",
            "parameters: they are instead of a search, and o",
        ),
        ({"approval": "yes", "may_promote": "no"}, "manual", "approval: there is nothing to approve where may_promote"),
        ({"approval": "yes"}, "backfill", "approval: a back-fill never promotes"),
        ({"version": "three"}, "manual", "version: is the number of a model version"),
        ({"version": 0}, "manual", "version: is the number of a model version"),
        ({"frist_day": "2024-02-02"}, "manual", "frist_day: is not a field of this form"),
        ({"first_day": "2024-02-02", "last_day": "2024-02-02"}, "backfill", "first_day: a back-fill brings its own"),
        ({"last_day": "2024-02-02"}, "backfill", "last_day: a back-fill brings its own"),
        ({"may_promote": "yes"}, "backfill", "may_promote: a back-fill never promotes"),
    ],
)
def test_what_cannot_be_is_refused_naming_the_field(conf: dict[str, object], run_type: str, says: str) -> None:
    with pytest.raises(BadRequest, match=f"^{says}"):
        plan(conf, run_type=run_type)


def test_a_form_without_a_model_knows_days_and_why_alone() -> None:
    tables = load("iot_devices")
    assert Form.of({"reason": "a look"}, fields_of(tables)).reason == "a look"
    with pytest.raises(BadRequest, match=r"^retrain: is not a field of this form; it has first_day, last_day, reason$"):
        Form.of({"retrain": "always"}, fields_of(tables))


days = st.dates(date(2011, 1, 1), date(2030, 1, 1))
windows = st.builds(lambda first, more: Window.of(first, first + more * DAY), days, st.integers(0, 900))


@given(
    st.builds(
        Plan,
        kind=st.sampled_from(Kind),
        window=windows,
        retrain=st.sampled_from(Retrain),
        may_promote=st.booleans(),
        version=st.sampled_from(["", "1", "12"]),
        reason=st.text(),
        run_key=st.text(),
        by=st.text(),
        approval=st.booleans(),
        parameters=st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers()), max_size=2),
        search=st.sampled_from(["", "grid", "genetic", "optuna"]),
    )
)
def test_a_plan_survives_its_way_through_airflow(made: Plan) -> None:
    assert Plan.from_dict(made.to_dict()) == made


@given(days, days)
def test_a_night_never_leaves_out_its_own_day_nor_a_day_undone_it_may_make_up_for(day: date, undone: date) -> None:
    made = plan(run_type="scheduled", interval=Window.of(day), undone_since=undone)
    assert made.window.end == day + DAY
    wanted = [d for d in (undone, day) if day - BIKES.most_missed <= d <= day]
    assert set(wanted) <= set(made.window.days)
    assert len(made.window.days) <= BIKES.most_missed.days + 1


def test_the_longest_range_is_taken_and_one_day_more_is_not() -> None:
    first = TODAY - BIKES.longest
    made = plan({"first_day": str(first), "last_day": str(TODAY - DAY)})
    assert made.window == Window(start=first, end=TODAY)
    with pytest.raises(BadRequest, match="one run takes at most"):
        plan({"first_day": str(first - DAY), "last_day": str(TODAY - DAY)})


@given(days, days)
def test_a_range_is_taken_whole_or_refused(first: date, last: date) -> None:
    try:
        made = plan({"first_day": str(first), "last_day": str(last)})
    except BadRequest:
        assert last < first or last >= TODAY or (last - first).days >= BIKES.longest.days
    else:
        assert (made.window.days[0], made.window.days[-1]) == (first, last)
