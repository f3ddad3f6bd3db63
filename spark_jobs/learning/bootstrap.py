"""How much of a difference is noise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

SEED = 20_011
MIDDLE = (0.025, 0.975)


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
    drawn = _drawn(len(rows_of), resamples, seed)
    found = [difference(np.concatenate([rows_of[i] for i in chosen])) for chosen in drawn]
    low, high = np.quantile(found, MIDDLE)
    return Interval(low=float(low), high=float(high))


def times_drawn(blocks: "pd.Series", resamples: int, seed: int = SEED) -> "Iterator[NDArray[np.int64]]":
    """How often each row is drawn, resample by resample, where `interval` draws of the same blocks."""
    import numpy as np
    import pandas as pd

    block, names = pd.factorize(blocks, sort=True)
    for chosen in _drawn(len(names), resamples, seed):
        often = np.bincount(chosen, minlength=len(names))
        yield np.append(often, 0)[block]  # a row of no block, at place -1, is never drawn


def _drawn(blocks: int, resamples: int, seed: int) -> "Iterator[NDArray[np.int64]]":
    import numpy as np

    draw = np.random.default_rng(seed)
    for _ in range(resamples):
        yield draw.integers(0, blocks, blocks)
