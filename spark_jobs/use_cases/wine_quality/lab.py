"""A laboratory that could be: wines drawn as the published ones are spread, by colour and quality."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from spark_jobs.use_cases.wine_quality.use_case import MEASUREMENTS

LOGARITHMIC = (0, 1, 3, 4, 5, 6, 9, 10)  # places of measurements whose logarithm is spread evenly around its mean
DECIMALS = (1, 3, 2, 1, 3, 0, 0, 5, 2, 2, 1)
# How much farther apart than the published wines: measurements spread evenly tell less of quality than real ones do.
CONTRAST = 1.6


@dataclass(frozen=True, kw_only=True)
class Colour:
    """One colour. Of each measurement, in order: mean, deviation, deviations gained with each grade, correlations."""

    quality: Mapping[int, float]  # share of each grade
    wines: tuple[tuple[float, float, float], ...]
    correlated: tuple[tuple[float, ...], ...]  # the lower triangle whose square their correlations are

    def drawn(self, random: np.random.Generator, quality: np.ndarray) -> np.ndarray:
        mean, deviation, gain = np.array(self.wines).T
        triangle = np.array([row + (0.0,) * (len(MEASUREMENTS) - len(row)) for row in self.correlated])
        usual = sum(grade * share for grade, share in self.quality.items())
        spread = random.standard_normal((len(quality), len(mean))) @ triangle.T
        values: np.ndarray = mean + deviation * (spread + CONTRAST * gain * (quality - usual)[:, None])
        values[:, LOGARITHMIC] = np.exp(values[:, LOGARITHMIC])
        return values


RED = Colour(
    quality={3: 0.006, 4: 0.033, 5: 0.426, 6: 0.399, 7: 0.125, 8: 0.011},
    wines=(
        *((2.097, 0.199, 0.13), (-0.697, 0.327, -0.52), (0.272, 0.19, 0.28), (0.848, 0.35, 0.03)),
        *((-2.503, 0.33, -0.22), (2.548, 0.683, -0.06), (3.605, 0.702, -0.2), (0.99671, 0.00184, -0.23)),
        *((3.31, 0.155, -0.07), (-0.445, 0.213, 0.39), (2.34, 0.0879, 0.67)),
    ),
    correlated=(
        (1.0,),
        (-0.24, 0.97),
        (0.66, -0.39, 0.65),
        (0.17, 0.09, 0.14, 0.97),
        (0.22, 0.12, 0.22, 0.03, 0.94),
        (-0.16, -0.04, 0.04, 0.11, 0.01, 0.98),
        (-0.09, 0.01, 0.18, 0.15, 0.03, 0.77, 0.59),
        (0.71, 0.15, 0.01, 0.28, 0.15, 0.05, 0.11, 0.6),
        (-0.71, 0.06, -0.1, 0.04, -0.15, -0.03, -0.11, 0.25, 0.62),
        (0.18, -0.15, 0.18, -0.04, 0.29, 0.09, 0.03, 0.14, 0.01, 0.89),
        (-0.17, -0.09, 0.11, 0.12, -0.25, -0.13, -0.24, -0.52, 0.37, 0.17, 0.61),
    ),
)
WHITE = Colour(
    quality={3: 0.004, 4: 0.033, 5: 0.298, 6: 0.449, 7: 0.179, 8: 0.036, 9: 0.001},
    wines=(
        *((1.915, 0.124, -0.14), (-1.331, 0.335, -0.22), (0.334, 0.122, 0.01), (1.402, 0.907, -0.09)),
        *((-3.151, 0.327, -0.33), (3.418, 0.553, 0.12), (4.868, 0.339, -0.14), (0.99379, 0.00273, -0.4)),
        *((3.196, 0.15, 0.14), (-0.738, 0.223, 0.04), (2.353, 0.1, 0.58)),
    ),
    correlated=(
        (1.0,),
        (-0.05, 1.0),
        (0.31, -0.13, 0.94),
        (0.07, 0.14, 0.07, 0.99),
        (0.04, 0.0, 0.12, 0.1, 0.99),
        (-0.04, -0.09, 0.09, 0.34, 0.13, 0.92),
        (0.07, 0.09, 0.12, 0.38, 0.22, 0.54, 0.7),
        (0.25, 0.01, 0.1, 0.74, 0.23, 0.06, 0.15, 0.55),
        (-0.43, -0.07, -0.07, -0.1, 0.01, 0.02, 0.15, 0.26, 0.84),
        (-0.01, -0.02, 0.05, -0.02, 0.08, 0.04, 0.18, 0.16, 0.09, 0.96),
        (-0.07, 0.14, -0.06, -0.38, -0.39, -0.13, -0.17, -0.56, 0.19, 0.06, 0.53),
    ),
)


def wines(day: date, knobs: Mapping[str, float]) -> list[list[str]]:
    """The samples of a day as the texts of their fields; some are what the one before was, measured again."""
    random = np.random.default_rng([int(knobs["seed"]), day.toordinal()])
    count = int(random.poisson(knobs["samples"]))
    red = random.random(count) < knobs["red"]
    quality, values = np.zeros(count, int), np.zeros((count, len(MEASUREMENTS)))
    for colour, these in ((RED, red), (WHITE, ~red)):
        quality[these] = _grades(random, colour, int(these.sum()))
        values[these] = colour.drawn(random, quality[these])
    values = _believable(values)
    columns = [[f"{value:.{places}f}" for value in some] for some, places in zip(values.T, DECIMALS, strict=True)]
    colours = np.where(red, "red", "white").tolist()
    rows = [list(fields) for fields in zip(colours, *columns, map(str, quality.tolist()), strict=True)]
    again = random.random(count) < knobs["repeated"]
    return [rows[place - 1] if place and again[place] else row for place, row in enumerate(rows)]


def _grades(random: np.random.Generator, colour: Colour, count: int) -> np.ndarray:
    shares = np.array(list(colour.quality.values()))
    return random.choice(list(colour.quality), count, p=shares / shares.sum())


def _believable(values: np.ndarray) -> np.ndarray:
    """Within what can be measured, and no more free sulfur dioxide than there is in all."""
    low, high = np.array([(low, high) for _, low, high in MEASUREMENTS.values()], float).T
    values = np.clip(values, low, high)
    names = list(MEASUREMENTS)
    free, total = names.index("free sulfur dioxide"), names.index("total sulfur dioxide")
    values[:, free] = np.minimum(values[:, free], values[:, total])
    return values
