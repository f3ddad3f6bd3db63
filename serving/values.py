"""Texts as typed values, as Spark's `try_cast` reads them: the same texts are a number to both, and the same number."""

import re
from collections.abc import Callable, Mapping

from spark_jobs.declare import BadDeclaration, Column, Kind

AROUND = "".join(map(chr, range(0x21)))  # what Java strips of a number's text
AROUND_WHOLE = AROUND + "\x7f"
WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?", re.ASCII)
HEXADECIMAL = re.compile(r"([+-]?0[xX](?:[0-9a-fA-F]+\.?|[0-9a-fA-F]*\.[0-9a-fA-F]+)[pP][+-]?[0-9]+)[fFdD]?", re.ASCII)
INFINITE = {sign + word for sign in ("", "+", "-") for word in ("inf", "infinity")}
NOT_A_NUMBER = {"nan", "+NaN", "-NaN"}  # signed ones are Java's own words, and read as it writes them
LOWEST, HIGHEST = -(2**63), 2**63 - 1
DIGITS = 19  # of the largest whole number; one of more is only read if they are noughts

Value = str | int | float
Read = Callable[[str], Value | None]


def whole(text: str) -> int | None:
    stripped = text.strip(AROUND_WHOLE)
    if not WHOLE.fullmatch(stripped):
        return None
    sign, digits = (-1 if stripped[0] == "-" else 1), stripped.lstrip("+-").lstrip("0") or "0"
    found = sign * int(digits) if len(digits) <= DIGITS else None
    return found if found is not None and LOWEST <= found <= HIGHEST else None


def number(text: str) -> float | None:
    stripped = text.strip(AROUND)
    if DECIMAL.fullmatch(stripped):
        return float(stripped.rstrip("fFdD"))
    if found := HEXADECIMAL.fullmatch(stripped):
        try:
            return float.fromhex(found[1])
        except OverflowError:
            return float("-inf" if stripped[0] == "-" else "inf")
    if stripped.lower() in INFINITE:
        return float(stripped.lower())
    return float("nan") if stripped.lower() == "nan" or stripped in NOT_A_NUMBER else None


READS: Mapping[Kind, Read] = {Kind.TEXT: str, Kind.INTEGER: whole, Kind.NUMBER: number}


def reader(column: Column) -> Read:
    if column.kind not in READS:
        raise BadDeclaration(
            f"column {column.name} is a {column.kind}, which only Spark reads: a model is served that is asked with "
            f"columns of {', '.join(READS)}"
        )
    return READS[column.kind]


def refusal(column: Column, value: Value | None) -> str | None:
    """Why what a text was read as refuses its row: the first of the rules, in their order."""
    says = column.says
    if value is None:
        return says.unreadable
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):  # noqa: PLR0124 - NaN is not
        return says.not_finite
    if not isinstance(value, str):
        if column.low is not None and value < column.low:
            return says.below
        if column.high is not None and value > column.high:
            return says.above
    return says.no_code if column.codes and value not in column.codes else None
