"""What a search may try is plain data, and so parameters can be refused before anything is started."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from spark_jobs.declare import BadDeclaration, BadRequest, Choice, Real, Space, Whole
from spark_jobs.declare.space import checked, in_words, suggested
from spark_jobs.use_cases import discover

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
    ],
)
def test_a_space_without_a_choice_is_refused_when_it_is_declared(made: Callable[[], object]) -> None:
    with pytest.raises(BadDeclaration, match=r"^space: "):
        made()


@pytest.mark.parametrize("name", discover())
def test_each_use_case_says_in_words_what_its_form_takes(name: str) -> None:
    spaces = discover()[name].search.spaces
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


def test_folds_go_with_a_split_by_content() -> None:
    bikes = discover()["bike_sharing"]
    with pytest.raises(BadDeclaration, match="folds are drawn by content, so they go with a HashSplit"):
        replace(bikes, search=replace(bikes.search, folds=3))
    with pytest.raises(BadDeclaration, match="folds are 0, or at least 2, got 1"):
        replace(bikes.search, folds=1)
