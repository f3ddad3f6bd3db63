"""What a search may try is plain data, and so parameters can be refused before anything is started."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from spark_jobs.declare import BadDeclaration, BadRequest, Choice, Real, Search, Space, Whole
from spark_jobs.declare.space import checked, combinations, in_words, size, suggested
from spark_jobs.use_cases import that_learn

SPACES: dict[str, Space] = {
    "boosting": {"depth": Whole(low=3, high=6), "eta": Real(low=0.01, high=0.5, log=True)},
    "trees": {"features": Choice(options=("sqrt", 0.3, True)), "depth": Whole(low=1, high=40, log=True)},
}


@dataclass
class Trial:
    """Answers as optuna's does, and remembers what it was asked."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        self.asked.append((name, low, high, log))
        return low

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        self.asked.append((name, low, high, log))
        return high

    def suggest_categorical(self, name: str, options: tuple[Any, ...]) -> Any:
        self.asked.append((name, options))
        return options[0]


def test_a_trial_is_asked_in_the_order_of_the_declaration() -> None:
    trial = Trial()
    assert suggested(SPACES["boosting"], trial) == {"depth": 6, "eta": 0.01}
    assert suggested(SPACES["trees"], trial) == {"features": "sqrt", "depth": 40}
    assert trial.asked == [
        *(("depth", 3, 6, False), ("eta", 0.01, 0.5, True)),
        *(("features", ("sqrt", 0.3, True)), ("depth", 1, 40, True)),
    ]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"boosting": {}},
        {"boosting": {"depth": 3, "eta": 0.5}},
        {"boosting": {"eta": 0.01}, "trees": {"features": 0.3, "depth": 40}},
        {"trees": {"features": True}},
    ],
)
def test_what_lies_within_the_space_is_taken_as_it_is(given: dict[str, Any]) -> None:
    assert checked(SPACES, given) == given


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([1], "is no JSON object: [1]"),
        ("boosting", "is no JSON object: 'boosting'"),
        ({"forest": {}}, "'forest' is no candidate that is searched"),
        ({"boosting": 3}, "boosting takes an object of parameters, got 3"),
        ({"boosting": {"dpeth": 3}}, "boosting has no 'dpeth'"),
        ({"boosting": {"depth": 7}}, "boosting.depth is a whole number from 3 to 6, got 7"),
        ({"boosting": {"depth": 3.5}}, "boosting.depth is a whole number from 3 to 6, got 3.5"),
        ({"boosting": {"depth": True}}, "boosting.depth is a whole number from 3 to 6, got true"),
        ({"boosting": {"eta": "0.1"}}, 'boosting.eta is a number from 0.01 to 0.5, got "0.1"'),
        ({"boosting": {"eta": float("nan")}}, "boosting.eta is a number from 0.01 to 0.5, got NaN"),
        ({"boosting": {"eta": False}}, "boosting.eta is a number from 0.01 to 0.5, got false"),
        ({"trees": {"features": 1}}, 'trees.features is one of "sqrt", 0.3, true, got 1'),
        ({"boosting": {"eta": 1, "x": 1}}, "boosting has no 'x'; boosting.eta is a number from 0.01 to 0.5, got 1"),
    ],
)
def test_all_that_is_wrong_is_said_at_once_with_all_that_would_be_right(given: object, says: str) -> None:
    with pytest.raises(BadRequest) as refused:
        checked(SPACES, given)
    assert str(refused.value) == (
        f"parameters: {says}. It takes a JSON object, candidates and their parameters: "
        "boosting (depth: a whole number from 3 to 6, eta: a number from 0.01 to 0.5); "
        'trees (features: one of "sqrt", 0.3, true, depth: a whole number from 1 to 40)'
    )


def test_where_nothing_is_searched_nothing_can_be_given() -> None:
    with pytest.raises(BadRequest, match=r"'trees' is no candidate that is searched\. Nothing is searched here"):
        checked({}, {"trees": {}})


@pytest.mark.parametrize(
    "made",
    [
        lambda: Real(low=1, high=1),
        lambda: Real(low=0, high=1, log=True),
        lambda: Whole(low=5, high=4),
        lambda: Choice(options=("one",)),
        lambda: Whole(low=1, high=7, points=(1, 8)),
        lambda: Whole(low=1, high=7, points=(5, 1)),
        lambda: Whole(low=1, high=7, points=(1, 2.5)),  # type: ignore[arg-type]  # somebody may write it
        lambda: Real(low=0.1, high=1, points=(0.1, 0.1)),
    ],
)
def test_a_space_without_a_choice_is_refused_when_it_is_declared(made: Callable[[], object]) -> None:
    with pytest.raises(BadDeclaration, match=r"^space: "):
        made()


@pytest.mark.parametrize("name", that_learn())
def test_each_use_case_says_in_words_what_its_form_takes(name: str) -> None:
    spaces = that_learn()[name].search.spaces
    assert all(candidate in in_words(spaces) for candidate in spaces)


@pytest.mark.parametrize(
    ("dimension", "value", "height", "ends"),
    [
        (Real(low=0.0, high=4.0), 1.0, 0.25, ("0", "4")),
        (Real(low=0.01, high=1, log=True), 0.1, 0.5, ("0.01", "1")),
        (Whole(low=2, high=6), 5, 0.75, ("2", "6")),
        (Choice(options=("a", "b", "c")), "c", 1.0, ("a", "c")),
    ],
)
def test_a_value_has_a_height_between_the_ends_of_its_dimension(
    dimension: Real | Whole | Choice, value: Any, height: float, ends: tuple[str, str]
) -> None:
    assert dimension.height(value) == pytest.approx(height)
    assert dimension.ends == ends


@pytest.mark.parametrize(
    ("dimension", "of_grid", "edges"),
    [
        (Whole(low=1, high=9, points=(3, 5, 7)), True, [3, 7]),
        (Whole(low=1, high=9, points=(3, 5, 7)), False, [1, 9]),
        (Choice(options=(1, 5, 7)), True, [1, 7]),
        (Choice(options=(1, 5, 7)), False, [1, 7]),
        (Choice(options=(5, 1, 7)), True, []),
        (Choice(options=(1, 5, "all")), True, []),
        (Choice(options=(False, True)), True, []),
    ],
)
def test_the_edges_of_a_dimension_are_where_it_could_go_on(
    dimension: Whole | Choice,
    of_grid: bool,  # noqa: FBT001 - pytest gives it by name
    edges: list[Any],
) -> None:
    values = dimension.options if isinstance(dimension, Choice) else range(dimension.low, dimension.high + 1)
    assert [one for one in values if dimension.at_edge(one, of_grid=of_grid)] == edges  # type: ignore[arg-type]  # each its own


def test_what_nearly_touches_an_end_lies_at_the_edge() -> None:
    rate = Real(low=0.01, high=1, log=True)
    assert [rate.at_edge(one, of_grid=False) for one in (0.0105, 0.02, 0.5, 0.99)] == [True, False, False, True]


def test_folds_go_with_a_split_by_content() -> None:
    bikes = that_learn()["bike_sharing"]
    with pytest.raises(BadDeclaration, match="folds are drawn by content, so they go with a HashSplit"):
        replace(bikes, search=replace(bikes.search, folds=3))
    with pytest.raises(BadDeclaration, match="folds are 0, or at least 2, got 1"):
        replace(bikes.search, folds=1)


@pytest.mark.parametrize(
    ("dimension", "taken"),
    [
        (Whole(low=1, high=7, points=(1, 5, 7)), (1, 5, 7)),
        (Whole(low=3, high=6), (3, 4, 6)),
        (Whole(low=1, high=2), (1, 2)),
        (Whole(low=1, high=100, log=True), (1, 10, 100)),
        (Real(low=0.15, high=0.3, points=(0.15, 0.2, 0.3)), (0.15, 0.2, 0.3)),
        (Real(low=0.0, high=0.7), (0.0, 0.35, 0.7)),
        (Real(low=0.05, high=2, log=True), (0.05, 0.316, 2)),
        (Real(low=1.00001, high=1.00002), (1.00001, 1.00002)),
        (Choice(options=("gini", "entropy")), ("gini", "entropy")),
    ],
)
def test_of_each_dimension_a_grid_takes_its_points_or_both_ends_and_the_middle(
    dimension: Real | Whole | Choice, taken: tuple[Any, ...]
) -> None:
    assert dimension.taken == taken
    assert [type(one) for one in dimension.taken] == [type(one) for one in taken]


def test_a_grid_is_every_combination_and_the_last_dimension_changes_first() -> None:
    space: Space = {"depth": Whole(low=1, high=7, points=(1, 7)), "criterion": Choice(options=("gini", "entropy"))}
    assert combinations(space) == [
        {"depth": 1, "criterion": "gini"},
        {"depth": 1, "criterion": "entropy"},
        {"depth": 7, "criterion": "gini"},
        {"depth": 7, "criterion": "entropy"},
    ]
    assert size({"trees": space, "boosting": SPACES["boosting"]}) == 4 + 9


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"by": "evolution"}, "by is one of grid, genetic, optuna, got 'evolution'"),
        ({"by": "grid"}, "by grid nothing can be tried without spaces: declare some"),
        ({"by": "genetic"}, "by genetic nothing can be tried without spaces: declare some"),
        ({"by": "grid", "spaces": {"trees": {}}}, "the space of trees is empty: name its parameters, or take it out"),
        ({"by": "genetic", "spaces": SPACES, "batch": 1}, "one alone has no children: batch is at least 2"),
        ({"at_once": 0}, "trials, batch and at_once must be at least 1, got 8, 4 and 0"),
        ({"fold_runs": True}, "fold_runs shows folds, and there are none"),
    ],
)
def test_a_search_that_cannot_be_is_refused_when_it_is_declared(given: dict[str, Any], says: str) -> None:
    with pytest.raises(BadDeclaration, match=f"^search: .*{says}"):
        Search(trials=8, **given)


def test_a_grid_of_too_many_combinations_is_refused_with_what_to_do() -> None:
    deep: Space = {f"p{number}": Whole(low=1, high=9) for number in range(7)}
    says = (
        "the grid has 2,187 combinations, at most 2,000 are tried: name fewer `points` of its dimensions, or search by"
    )
    with pytest.raises(BadDeclaration, match=f"^search: {says} genetic or optuna"):
        Search(trials=8, by="grid", spaces={"deep": deep})
    with pytest.raises(BadRequest, match=f"^search: {says}"):
        Search(trials=8, spaces={"deep": deep}).asked("grid")


def test_who_looks_at_a_search_or_speeds_it_up_makes_no_other_model_due() -> None:
    declared = Search(trials=8, folds=3, spaces=SPACES)
    assert repr(replace(declared, fold_runs=True, at_once=4)) == repr(declared)
    assert repr(declared.asked("grid")) != repr(declared) == repr(declared.asked("optuna")) == repr(declared.asked(""))
