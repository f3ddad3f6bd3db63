"""What a search may try, as plain data: read by the search, and by the form that takes parameters instead of one."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spark_jobs.declare.errors import BadDeclaration, BadRequest

Value = float | int | str | bool | None
Parameters = Mapping[str, Mapping[str, Value]]  # of each candidate by its name; none: search


@dataclass(frozen=True, kw_only=True)
class Between:
    """Both ends included; with `log` each order of magnitude is as likely as the next."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise BadDeclaration(f"space: low must be below high, and above 0 where log is set, got {self!r}")

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

    def height(self, value: Value) -> float:
        return self.options.index(value) / (len(self.options) - 1)

    @property
    def ends(self) -> tuple[str, str]:
        return str(self.options[0]), str(self.options[-1])


Space = Mapping[str, Real | Whole | Choice]


def suggested(space: Space, trial: Any, prefix: str = "") -> dict[str, Value]:
    """What a trial shall try. Asked in the order of the declaration: with one seed, that decides what comes."""
    return {name: dimension.suggest(trial, f"{prefix}{name}") for name, dimension in space.items()}


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
