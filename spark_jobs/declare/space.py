"""What a search may try, as plain data: read by the search, and by the form that takes parameters instead of one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spark_jobs.declare.errors import BadDeclaration, BadRequest

Value = float | int | str | bool | None
Parameters = Mapping[str, Mapping[str, Value]]  # of each candidate by its name; none: search


@dataclass(frozen=True, kw_only=True)
class Real:
    """A number, both ends included; with `log` each order of magnitude is as likely as the next."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _refuse_nothing_between(self, self.low, self.high, log=self.log)

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"

    def suggest(self, trial: Any, name: str) -> float:
        return float(trial.suggest_float(name, self.low, self.high, log=self.log))

    def allows(self, value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A whole number, both ends included."""

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _refuse_nothing_between(self, self.low, self.high, log=self.log)

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


Space = Mapping[str, Real | Whole | Choice]


def suggested(space: Space, trial: Any) -> dict[str, Value]:
    """What a trial shall try. Asked in the order of the declaration: with one seed, that decides what comes."""
    return {name: dimension.suggest(trial, name) for name, dimension in space.items()}


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


def _refuse_nothing_between(dimension: object, low: float, high: float, *, log: bool) -> None:
    if not low < high or (log and low <= 0):
        raise BadDeclaration(f"space: low must be below high, and above 0 where log is set, got {dimension!r}")
