"""What a search may try, as plain data: read by the search, and by the form that takes parameters instead of one."""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from spark_jobs.declare.errors import BadDeclaration, BadRequest

Value = float | int | str | bool | None
EDGE = 0.02  # of the way from one end to the other
Parameters = Mapping[str, Mapping[str, Value]]  # of each candidate by its name; none: search


@dataclass(frozen=True, kw_only=True)
class Between(ABC):
    """Both ends included; with `log` each order of magnitude is as likely as the next."""

    low: float
    high: float
    log: bool = False
    points: tuple[float, ...] = ()  # what a grid takes of it; none are named: both ends and the middle

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise BadDeclaration(f"space: low must be below high, and above 0 where log is set, got {self!r}")
        if list(self.points) != sorted(set(self.points)) or not all(map(self.allows, self.points)):
            raise BadDeclaration(f"space: points are {self}, each once, the lowest first; got {self.points}")

    @abstractmethod
    def allows(self, value: object) -> bool: ...

    @property
    def taken(self) -> tuple[float, ...]:
        """By a grid."""
        return self.points or tuple(dict.fromkeys((self.low, self.middle, self.high)))

    def at_edge(self, value: float, *, of_grid: bool) -> bool:
        """So near to an end that what is better may lie behind it."""
        if of_grid:
            return len(self.taken) > 1 and value in (self.taken[0], self.taken[-1])
        return not EDGE < self.height(value) < 1 - EDGE

    @property
    def middle(self) -> float:
        """In three digits, as people would choose it."""
        exact = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        return min(max(float(f"{exact:.3g}"), self.low), self.high)

    def height(self, value: float) -> float:
        """Where it lies between the ends, from 0 to 1."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    @property
    def ends(self) -> tuple[str, str]:
        return f"{self.low:.3g}", f"{self.high:.3g}"


@dataclass(frozen=True, kw_only=True)
class Real(Between):
    """A number."""

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"

    def suggest(self, trial: Any, name: str) -> float:
        return float(trial.suggest_float(name, self.low, self.high, log=self.log))

    def allows(self, value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Whole(Between):
    """A whole number."""

    low: int
    high: int
    points: tuple[int, ...] = ()

    @property
    def middle(self) -> int:
        return round(super().middle)

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def suggest(self, trial: Any, name: str) -> int:
        return int(trial.suggest_int(name, self.low, self.high, log=self.log))

    def allows(self, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of these."""

    options: tuple[Value, ...]

    def __post_init__(self) -> None:
        if len(self.options) < 2:
            raise BadDeclaration(f"space: a choice has at least two options, got {self.options}")

    def __str__(self) -> str:
        return f"one of {', '.join(json.dumps(option) for option in self.options)}"

    def suggest(self, trial: Any, name: str) -> Value:
        found: Value = trial.suggest_categorical(name, self.options)
        return found

    def allows(self, value: object) -> bool:
        # True is 1 in Python, and another word in JSON.
        return any(value == option and isinstance(value, bool) is isinstance(option, bool) for option in self.options)

    @property
    def taken(self) -> tuple[Value, ...]:
        return self.options

    def at_edge(self, value: Value, *, of_grid: bool) -> bool:  # noqa: ARG002 - it is always taken as it is
        """Only numbers that rise have edges."""
        numbers = [one for one in self.options if isinstance(one, int | float) and not isinstance(one, bool)]
        rise = len(numbers) == len(self.options) and numbers == sorted(numbers)
        return rise and value in (numbers[0], numbers[-1])

    def height(self, value: Value) -> float:
        return self.options.index(value) / (len(self.options) - 1)

    @property
    def ends(self) -> tuple[str, str]:
        return str(self.options[0]), str(self.options[-1])


Dimension = Real | Whole | Choice
Space = Mapping[str, Dimension]


def suggested(space: Space, trial: Any, prefix: str = "") -> dict[str, Value]:
    """What a trial shall try. Asked in the order of the declaration: with one seed, that decides what comes."""
    return {name: dimension.suggest(trial, f"{prefix}{name}") for name, dimension in space.items()}


def combinations(space: Space) -> list[dict[str, Value]]:
    """All that a grid tries; the last dimension changes first."""
    return [dict(zip(space, values, strict=True)) for values in product(*(one.taken for one in space.values()))]


def size(spaces: Mapping[str, Space]) -> int:
    """How many combinations a grid of these has."""
    return sum(math.prod(len(one.taken) for one in space.values()) for space in spaces.values())


def checked(spaces: Mapping[str, Space], given: object) -> Parameters:
    """Parameters as somebody typed them, or all that is wrong with them and what would be right."""
    faults = list(_faults(spaces, given))
    if faults:
        raise BadRequest("parameters", f"{'; '.join(faults)}. {in_words(spaces)}")
    return given if isinstance(given, Mapping) else {}


def in_words(spaces: Mapping[str, Space]) -> str:
    """What may be typed."""
    if not spaces:
        return "Nothing is searched here, so nothing can be given instead"
    known = (f"{candidate} ({_of(space)})" for candidate, space in spaces.items())
    return f"It takes a JSON object, candidates and their parameters: {'; '.join(known)}"


def _of(space: Space) -> str:
    return ", ".join(f"{name}: {dimension}" for name, dimension in space.items())


def _faults(spaces: Mapping[str, Space], given: object) -> Sequence[str]:
    if not isinstance(given, Mapping):
        return [f"is no JSON object: {given!r}"]
    found = []
    for candidate, values in given.items():
        if candidate not in spaces:
            found.append(f"{candidate!r} is no candidate that is searched")
        elif not isinstance(values, Mapping):
            found.append(f"{candidate} takes an object of parameters, got {json.dumps(values)}")
        else:
            found += _faults_of(candidate, spaces[candidate], values)
    return found


def _faults_of(candidate: str, space: Space, values: Mapping[str, object]) -> Sequence[str]:
    unknown = [f"{candidate} has no {name!r}" for name in values if name not in space]
    wrong = [
        f"{candidate}.{name} is {space[name]}, got {json.dumps(value)}"
        for name, value in values.items()
        if name in space and not space[name].allows(value)
    ]
    return unknown + wrong
