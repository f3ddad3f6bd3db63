"""People who could be: each answer is drawn by those before it, as answers go together in the published census."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spark_jobs.use_cases.census_income import answers as told
from spark_jobs.use_cases.census_income.use_case import (
    EDUCATIONS,
    INCOMES,
    MARITAL_STATUSES,
    PEOPLE,
    RACES,
    SEXES,
    UNKNOWN,
    WORKCLASSES,
)

Known = dict[str, NDArray[Any]]  # answers by the name of their column, and what follows from them

WITH_SPOUSE = MARITAL_STATUSES[:2]
# How much farther apart than the published people: there, incomes hang on more than what these numbers know.
CONTRAST = 1.15


def people(day: date, knobs: Mapping[str, float]) -> list[list[str]]:
    """Who is asked on a day, as the texts of their fields; some are the one before once more."""
    random = np.random.default_rng([int(knobs["seed"]), day.toordinal()])
    known = _born(random, int(random.poisson(knobs["people"])))
    for step in (_schooled, _at_home, _at_work):
        known |= step(random, known)
    known |= _unknown(random, known, knobs["missing"])
    known |= _paid(random, known)
    rows = [list(map(str, row)) for row in zip(*(known[name].tolist() for name in PEOPLE.column_names), strict=True)]
    again = random.random(len(rows)) < knobs["repeated"]
    return [rows[place - 1] if place and again[place] else row for place, row in enumerate(rows)]


def _born(random: np.random.Generator, count: int) -> Known:
    race = random.choice(len(RACES), count, p=_shares(told.RACE))
    man = random.random(count) < np.array(told.MAN)[race] / 1000
    age = 17 + (74 * np.where(man, random.beta(1.6, 3.7, count), random.beta(1.2, 3.2, count))).astype(int)
    country = _by_share(random, tuple(told.COUNTRY), np.array(list(told.COUNTRY.values())).T[race])
    decades, latin, asian = (age - 40) / 10, np.isin(country, told.LATIN), np.isin(country, told.ASIAN)
    facts = {"decades": decades, "squared": decades**2, "youth": np.maximum(26 - age, 0) / 5, "man": man}
    facts |= {"man's decades": man * decades, "latin": latin, "asian": asian, "abroad": latin | asian}
    said = {"age": age, "race": np.array(RACES)[race], "sex": np.array(SEXES)[man.astype(int)]}
    return facts | said | {"native_country": country, "white": race == 0}


def _schooled(random: np.random.Generator, known: Known) -> Known:
    education = _answer(random, told.EDUCATION, known)
    number = np.array([EDUCATIONS[one] for one in education.tolist()], int)
    level = number - 10
    return {"education": education, "education_num": number, "level": level, "level squared": level**2}


def _at_home(random: np.random.Generator, known: Known) -> Known:
    status, man = _answer(random, told.MARITAL_STATUS, known), known["man"]
    facts = {"never married": status == "Never-married", "absent": status == "Married-spouse-absent"}
    paired = np.isin(status, WITH_SPOUSE) & (random.random(len(man)) < np.where(man, *told.PAIRED))
    alone = _answer(random, told.RELATIONSHIP, known | facts)
    relationship = np.where(paired, np.where(man, "Husband", "Wife"), alone)
    return {"marital_status": status, "relationship": relationship, "spouse": paired, "wife": paired & ~man}


def _at_work(random: np.random.Generator, known: Known) -> Known:
    occupation = _answer(random, told.OCCUPATION, known)
    shares = np.array([told.WORKCLASS[one] for one in occupation.tolist()], float)
    workclass = _by_share(random, WORKCLASSES[: shares.shape[1]], shares)
    own_boss = np.char.startswith(workclass, "Self-emp")
    hours = _answer(random, told.HOURS, known | {"own boss": own_boss}).astype(int)
    odd = (hours != 40) & (random.random(len(hours)) < told.ODD_HOURS)
    hours += odd * random.integers(-3, 4, len(hours))
    more = ((hours - 40) / 10).clip(-3, 3)
    return {"occupation": occupation, "workclass": workclass, "hours_per_week": hours, "more hours": more}


def _paid(random: np.random.Generator, known: Known) -> Known:
    """A gain or a loss of capital tells much of the income, as in the published census; nobody has both."""
    odds = np.full(len(known["age"]), told.INCOME)
    for fact, weight in told.INCOME_BY.items():
        odds += weight * known[fact]
    for name, weights in (("occupation", told.INCOME_BY_OCCUPATION), ("workclass", told.INCOME_BY_WORKCLASS)):
        odds += np.array([weights[one] for one in known[name].tolist()], float)
    above = random.random(len(odds)) < 1 / (1 + np.exp(-CONTRAST * odds))
    gain = _amounts(random, above, told.GAINERS, told.GAINS)
    loss = _amounts(random, above, told.LOSERS, told.LOSSES) * (gain == 0)
    stands_for = random.gamma(told.WEIGHT_SHAPE, told.WEIGHT_SCALE, len(odds)).clip(12_285).astype(int)
    income = np.array(INCOMES)[above.astype(int)]
    return {"income": income, "capital_gain": gain, "capital_loss": loss, "final_weight": stands_for}


def _unknown(random: np.random.Generator, known: Known, share: float) -> Known:
    """Who does not say what they do does not say for whom; the very young and the old say so least."""
    age = known["age"]
    silent = share * np.select([age <= 22, age > 62], told.SILENT_YOUNG_AND_OLD, told.SILENT)
    no_work, no_country = random.random(len(age)) < silent, random.random(len(age)) < share * told.FROM_NOWHERE
    hidden = {"workclass": no_work, "occupation": no_work, "native_country": no_country}
    return {name: np.where(lost, UNKNOWN, known[name]) for name, lost in hidden.items()}


def _answer(random: np.random.Generator, question: told.Question, known: Known) -> NDArray[np.str_]:
    facts = np.column_stack([np.ones(len(known["age"])), *(known[name] for name in question.facts)])
    return _drawn(random, tuple(question.answers), facts @ np.array(list(question.answers.values())).T)


def _by_share(random: np.random.Generator, codes: Sequence[str], shares: NDArray[np.float64]) -> NDArray[np.str_]:
    """One code for each row of shares."""
    with np.errstate(divide="ignore"):
        return _drawn(random, codes, np.log(shares))


def _drawn(random: np.random.Generator, codes: Sequence[str], scores: NDArray[np.float64]) -> NDArray[np.str_]:
    """A code is drawn as often as the exponential of its score says."""
    found: NDArray[np.str_] = np.array(codes)[np.argmax(scores + random.gumbel(size=scores.shape), axis=1)]
    return found


def _amounts(
    random: np.random.Generator,
    above: NDArray[np.bool_],
    shares: tuple[float, float],
    amounts: Sequence[Mapping[int, int]],
) -> NDArray[np.int64]:
    """For those below and above, a share of them have one."""
    below_one, above_one = (random.choice(list(some), len(above), p=_shares(tuple(some.values()))) for some in amounts)
    has = random.random(len(above)) < np.where(above, shares[1], shares[0])
    found: NDArray[np.int64] = np.where(above, above_one, below_one) * has
    return found


def _shares(weights: Sequence[float]) -> NDArray[np.float64]:
    return np.array(weights) / sum(weights)
