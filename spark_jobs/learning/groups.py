"""How models treat groups of rows, those that share a value of one column, and how much of that is noise."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from spark_jobs.declare import UseCase
from spark_jobs.learning.bootstrap import MIDDLE, times_drawn

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

MISSING = "missing"  # the group of those of whom nothing is known
CHALLENGER, CHAMPION, LEAD = "challenger", "champion", "lead"  # the lead is the first less the second


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """With the middle 95 % of what resamples say; NaN where nothing is to be said, as of the recall of no positives."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Group:
    rows: int
    numbers: Mapping[str, Mapping[str, Estimate]]  # of challenger, champion and lead: by the name of a metric


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The groups of one column, the largest first."""

    groups: Mapping[str, Group] = field(default_factory=dict)
    small: Mapping[str, int] = field(default_factory=dict)  # their rows, too few to measure
    between: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # of a model: how far groups lie apart


def slices(use_case: UseCase, frames: "Sequence[pd.DataFrame]", blocks: "pd.Series") -> dict[str, Slice]:
    """Of the same rows as the challenger decides them, and the champion where there is one."""
    import numpy as np

    if not use_case.slices:
        return {}
    probability, decided = use_case.predictions[:2]
    truth = _flags(frames[0], use_case.labels.columns[0])
    facts = [np.ones(len(truth)), truth]
    for frame in frames:
        yes = _flags(frame, decided)
        facts += [yes, yes * truth, frame[probability].to_numpy("float64")]
    return {column: _slice(use_case, frames[0][column], np.stack(facts), blocks) for column in use_case.slices}


def as_table(slices: Mapping[str, Slice]) -> "pd.DataFrame":
    """A row per group and who it is said of; of a group too small to measure its rows alone."""
    import pandas as pd

    rows = []
    for column, one in slices.items():
        for name, group in one.groups.items():
            for who, numbers in group.numbers.items():
                rows.append({"slice": column, "group": name, "rows": group.rows, "of": who, **_flat(numbers)})
        few = {"slice": column, "of": "too few rows"}
        rows += [few | {"group": name, "rows": count} for name, count in one.small.items()]
    return pd.DataFrame(rows)


def _flat(numbers: Mapping[str, Estimate]) -> dict[str, float]:
    ends = {"": "value", "_low": "low", "_high": "high"}
    return {f"{of}{end}": getattr(one, name) for of, one in numbers.items() for end, name in ends.items()}


def _slice(use_case: UseCase, values: "pd.Series", facts: "Numbers", blocks: "pd.Series") -> Slice:
    import numpy as np

    names, gate = _names(values), use_case.gate
    counts = names.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    few = counts < gate.group_rows
    small, large = ({str(name): int(rows) for name, rows in counts[which].items()} for which in (few, ~few))
    if not large:
        return Slice(small=small)
    place = counts.index.get_indexer(names)  # the large ones come first
    kept = place < len(large)
    place, facts, times = place[kept], facts[:, kept], times_drawn(blocks, gate.resamples)
    whole, drawn = _sums(facts, place, 1), np.stack([_sums(facts, place, often[kept]) for often in times], axis=-1)
    numbers = _estimates(whole, drawn)
    groups = {name: Group(rows=rows, numbers=_of(i, numbers)) for i, (name, rows) in enumerate(large.items())}
    return Slice(groups=groups, small=small, between=_between(names[kept].to_numpy(), facts))


def _sums(facts: "Numbers", place: "NDArray[np.intp]", often: "Numbers | int") -> "Numbers":
    """Of each fact over the rows of each group."""
    import numpy as np

    return np.stack([np.bincount(place, fact * often) for fact in facts])


def _of(group: int, numbers: Mapping[str, Mapping[str, list[Estimate]]]) -> dict[str, dict[str, Estimate]]:
    return {who: {name: every[group] for name, every in metrics.items()} for who, metrics in numbers.items()}


def _names(values: "pd.Series") -> "pd.Series":
    """As people write them: 1, not 1.0, also where one is missing."""
    import numpy as np
    import pandas as pd

    place, found = pd.factorize(values)
    names = np.array([*map(_name, found), MISSING], dtype=object)
    return pd.Series(names[place])  # the place of a null is -1, the last


def _name(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _flags(rows: "pd.DataFrame", column: str) -> "Numbers":
    import numpy as np

    found = rows[column].to_numpy("float64", na_value=np.nan)
    if strange := sorted(set(found[~np.isin(found, (0, 1))].tolist())):
        raise ValueError(f"groups are looked at by what is 0 or 1, and {column} holds {strange[0]:g}")
    return cast("Numbers", found)


def _estimates(whole: "Numbers", drawn: "Numbers") -> dict[str, dict[str, list[Estimate]]]:
    """Of each contestant and of the lead, by metric, group by group."""
    models = (CHALLENGER, CHAMPION)[: (len(whole) - 2) // 3]
    values, noise = ({who: _metrics(sums, i) for i, who in enumerate(models)} for sums in (whole, drawn))
    if CHAMPION in models:
        for one in (values, noise):
            one[LEAD] = {name: mine - one[CHAMPION][name] for name, mine in one[CHALLENGER].items()}
    return {
        who: {name: _with_noise(value, noise[who][name]) for name, value in metrics.items()}
        for who, metrics in values.items()
    }


def _metrics(sums: "Numbers", model: int) -> "dict[str, Numbers]":
    """Of sums in the order of `slices`."""
    rows, true = sums[:2]
    decided, hits, foretold = sums[2 + 3 * model : 5 + 3 * model]
    return {
        "accuracy": _share(rows - true - decided + 2 * hits, rows),
        "recall": _share(hits, true),
        "precision": _share(hits, decided),
        "selected": _share(decided, rows),
        "foretold": _share(foretold, rows),
        "true": _share(true, rows),
        "calibration": _share(foretold - true, rows),
    }


def _share(part: "Numbers", whole: "Numbers") -> "Numbers":
    import numpy as np

    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _with_noise(values: "Numbers", drawn: "Numbers") -> list[Estimate]:
    """Resamples in which there is nothing to say are left out."""
    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # there may be nothing to say in all of them
        low, high = np.nanquantile(drawn, MIDDLE, axis=-1)
    found = zip(values.tolist(), low.tolist(), high.tolist(), strict=True)
    return [Estimate(value=value, low=a, high=b) for value, a, b in found]


def _between(names: "NDArray[np.object_]", facts: "Numbers") -> dict[str, dict[str, float]]:
    """Of each model how far groups lie apart, in the numbers that people ask for."""
    truth, decisions = facts[1], facts[2::3]
    return {who: _apart(names, truth, one) for who, one in zip((CHALLENGER, CHAMPION), decisions, strict=False)}


def _apart(names: "NDArray[np.object_]", truth: "Numbers", decided: "Numbers") -> dict[str, float]:
    """As Fairlearn defines them."""
    import numpy as np
    from fairlearn import metrics as fair

    # It takes the recall of no positives for 0, so a group that lacks what a number rests on is left out of it.
    positive, negative = (np.isin(names, list(set(names[truth == side]))) for side in (1, 0))
    asked = {
        "demographic_parity_difference": positive | negative,
        "demographic_parity_ratio": positive | negative,
        "equal_opportunity_difference": positive,
        "equalized_odds_difference": positive & negative,
    }
    return {
        name: float(getattr(fair, name)(truth[of], decided[of], sensitive_features=names[of]))
        if len(set(names[of])) > 1
        else math.nan
        for name, of in asked.items()
    }
