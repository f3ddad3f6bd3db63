"""How much of a difference is noise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SEED = 20_011


@dataclass(frozen=True, kw_only=True)
class Interval:
    low: float
    high: float


def interval(
    blocks: "pd.Series", difference: "Callable[[pd.Index], float]", resamples: int, seed: int = SEED
) -> Interval:
    """The middle 95 % of a difference when whole blocks of rows are drawn with replacement."""
    import numpy as np

    rows_of = [group.index.to_numpy() for _, group in blocks.groupby(blocks, sort=True)]
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        chosen = draw.integers(0, len(rows_of), len(rows_of))
        found.append(difference(np.concatenate([rows_of[i] for i in chosen])))
    low, high = np.quantile(found, [0.025, 0.975])
    return Interval(low=float(low), high=float(high))
