"""Why a row was scored as it was: the features that moved its predictions most, as one column of the predictions.

All in the unit of the prediction, so that a blend may take means of them. Null: nothing moved it, or it is a row whose
reasons nobody asked for.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spark_jobs.kinds import Why

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from spark_jobs.kinds.in_memory import InMemory

    Numbers = np.ndarray[Any, Any]

TEXTS, NUMBERS, WORD = ("prediction", "feature"), ("value", "usual", "by"), "word"  # a word, in the place of a value
SMALL = 1e-6  # a step no shorter than this, or a slope is a quotient of noise


def in_proportion(by: "Numbers", begin: "Numbers", link: "Callable[[Numbers], Numbers]") -> "Numbers":
    """What moved a margin, as what moved the prediction `link` makes of it: each by the same factor, in the row."""
    import numpy as np

    step = by.sum(axis=1)
    step = np.where(np.abs(step) < SMALL, SMALL, step)
    factor: Numbers = (link(begin + step) - link(begin)) / step
    return by * factor[:, None]


def given(model: "InMemory", matrix: "Callable[[Numbers], Numbers]", found: "Numbers", why: Why) -> "pa.Array":
    """One list per row of a batch, of predictions in their order, of each the strongest first."""
    import numpy as np
    import pyarrow as pa

    parts = [_of_label(model, place, matrix, found[place], why) for place in range(len(found))]
    row, prediction, feature, value, by = (np.concatenate(one) for one in zip(*parts, strict=True))
    order = np.argsort(row, kind="stable")
    features = np.array(model.columns.features, dtype=object)
    usual = np.array([model.usual.get(name, np.nan) for name in model.columns.features])
    word, value = _words(model, feature, value)
    texts = (np.array(model.columns.predictions, dtype=object)[prediction], features[feature])
    columns = [pa.array(one[order], pa.string()) for one in texts]
    columns += [pa.array(one[order], pa.float64(), from_pandas=True) for one in (value, usual[feature], by)]
    columns.append(pa.array(word[order], pa.string()))
    count = np.bincount(row, minlength=found.shape[1])
    ends = np.concatenate([[0], count.cumsum()])
    reasons = pa.StructArray.from_arrays(columns, names=[*TEXTS, *NUMBERS, WORD])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), reasons, mask=pa.array(count == 0))


def _words(model: "InMemory", feature: "Numbers", value: "Numbers") -> "tuple[Numbers, Numbers]":
    """What features of words say, and what the others do."""
    import numpy as np

    word, value = np.full(len(value), None, dtype=object), value.copy()
    for place, name in enumerate(model.columns.features):
        if name in model.words:
            mine = (feature == place) & ~np.isnan(value)
            word[mine] = np.array(model.words[name], dtype=object)[value[mine].astype(int)]
            value[mine] = np.nan
    return word, value


def _of_label(
    model: "InMemory", place: int, matrix: "Callable[[Numbers], Numbers]", found: "Numbers", why: Why
) -> "tuple[Numbers, ...]":
    """Row, prediction, feature, value and by how much, of each reason."""
    import numpy as np

    rows = np.flatnonzero(found >= why.least)
    if not len(rows):
        nothing = np.zeros(0, "int64")
        return nothing, nothing, nothing, nothing.astype("float64"), nothing.astype("float64")
    values = matrix(rows)
    by = model.moved(place, values)
    top = np.argsort(-np.abs(by), axis=1, kind="stable")[:, : why.most]
    line = np.arange(len(rows))[:, None]
    strong = by[line, top]
    moved = (strong != 0) & np.isfinite(strong)
    row = np.broadcast_to(rows[:, None], top.shape)[moved]
    return row, np.full(len(row), place), top[moved], values[line, top][moved], strong[moved]
