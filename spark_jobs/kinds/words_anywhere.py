"""Columns of words as numbers: copied into every model, so that what reads words opens without our code."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Numbers = np.ndarray[Any, Any]

Words = Mapping[str, Sequence[str]]  # of features that hold words, those that were learned


def matrix_of(rows: "pd.DataFrame", features: Sequence[str], words: Words, numbers: str) -> "Numbers":
    """Numbers as they are, a word as its place among those learned. Missing, or never learned: NaN."""
    import numpy as np
    import pandas as pd

    gap = float("nan")
    if not words:
        matrix: Numbers = rows[list(features)].to_numpy(numbers, na_value=gap)
        return matrix

    def column(name: str) -> "Numbers":
        if name not in words:
            numbers_of: Numbers = rows[name].to_numpy("float64", na_value=gap)
            return numbers_of
        places = pd.Index(list(words[name]), dtype=object).get_indexer(rows[name])
        return np.where(places < 0, gap, places)

    return np.column_stack([column(name) for name in features]).astype(numbers)


def spread(matrix: "Numbers", features: Sequence[str], words: Words) -> "Numbers":
    """A column for each word, which holds 1 where it stands: for what knows no order among words, as all do."""
    import numpy as np

    if not words:
        return matrix
    wide = [
        matrix[:, [place]] == np.arange(len(words[name])) if name in words else matrix[:, [place]]
        for place, name in enumerate(features)
    ]
    return np.column_stack(wide)


def spread_names(features: Sequence[str], words: Words) -> list[str]:
    """As MLflow takes them for names of metrics."""
    named = ([f"{name} {word}" for word in words[name]] if name in words else [name] for name in features)
    return [re.sub(r"[^\w ./-]", " ", name) for some in named for name in some]


def gathered(wide: "Numbers", features: Sequence[str], words: Words) -> "Numbers":
    """The other way round, for what adds up: of all columns of a feature the sum."""
    import numpy as np

    widths = [len(words[name]) if name in words else 1 for name in features]
    found: Numbers = np.add.reduceat(wide, np.cumsum([0, *widths[:-1]]), axis=-1) if words else wide
    return found
