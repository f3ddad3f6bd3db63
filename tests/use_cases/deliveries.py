"""What sources of single tables simulate, as text, and what befell it."""

from collections.abc import Mapping
from datetime import date

from spark_jobs import use_cases
from spark_jobs.declare import Accident, Window


def sound(use_case: str) -> dict[str, float]:
    """Its knobs, and nothing goes wrong."""
    return {**use_cases.learning(use_case).simulation, "broken": 0.0}


def texts(use_case: str, window: Window, knobs: Mapping[str, float]) -> dict[date, str]:
    found = use_cases.part(use_case, "source").simulated(window, knobs)
    return {delivery.day: delivery.text for delivery in found}


def struck(use_case: str, window: Window, share: float) -> list[tuple[str, str]]:
    """Each line as it would be, and as it is where this share of them is struck."""
    good, broken = (texts(use_case, window, {**sound(use_case), "broken": one}) for one in (0.0, share))
    return [pair for day in good for pair in zip(good[day].splitlines()[1:], broken[day].splitlines()[1:], strict=True)]


def accident(use_case: str, good: str, line: str) -> Accident:
    """Which of its accidents it was."""
    source = use_cases.part(use_case, "source")
    for column, text in source.ACCIDENTS:
        fields, place = good.split(","), source.HEADER.index(column)
        if line == ",".join(fields[:place] if text is None else [*fields[:place], text, *fields[place + 1 :]]):
            return column, text
    raise AssertionError(line)
