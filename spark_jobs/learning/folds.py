"""Folds of the rows to train on, by content as the split is: rows that are the same are never on both sides."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def fold_of(rows: "pd.DataFrame", features: Sequence[str], folds: int) -> "pd.Series":
    """Of each row, from 0 on. It stays there when others come."""
    import pandas as pd

    return pd.util.hash_pandas_object(rows[list(features)], index=False) % folds


def nothing_to_measure(rows: "pd.DataFrame", labels: Sequence[str], fold: "pd.Series", folds: int) -> str:
    """The first fold in which a label never changes, in words: there no model is better than another."""
    for place in range(folds):
        inside = rows[fold == place]
        for label in labels:
            if inside[label].nunique() < 2:
                return (
                    f"nothing to choose by: {label} never changes in the {len(inside)} rows of fold {place + 1} of "
                    f"{folds}: declare fewer folds, or wait for more rows"
                )
    return ""
