"""Pictures of how well two classes are told apart, for people who look at a model's MLflow run.

`told` holds groups by their names, `all` among them; `those` is what people call the rows that are to be found.
"""

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Literal

import numpy as np

from spark_jobs.measures import drawing
from spark_jobs.measures.drawing import INK, LIGHT, empty

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

COLOURS = (INK, "#a4243b", "#d8973c", "#3b8c5a", "#2a6f97", "#a23b72")  # all first
SHOWN = 13
BINS = 10

Told = Mapping[str, "tuple[NDArray[np.int64], NDArray[np.float64]]"]  # per group: whether so, and how probably


def roc(told: Told, those: str) -> "Figure":
    """How many of those that are so are found, for how many of the others called so."""
    from sklearn.metrics import roc_auc_score, roc_curve

    figure, axes = _square(f"{those} found, for others called so")
    axes.plot([0, 1], [0, 1], color=LIGHT, linewidth=1)
    for (group, (so, chance)), colour in zip(told.items(), cycle(COLOURS), strict=False):
        if len(set(so.tolist())) == 2:
            false, true, _ = roc_curve(so, chance)
            axes.plot(false, true, color=colour, linewidth=1.8, label=f"{group}: area {roc_auc_score(so, chance):.3f}")
    axes.set(xlabel="share of the others called so", ylabel=f"share of {those} found")
    return _named(figure, axes, "lower right")


def precision_recall(told: Told, those: str, threshold: float) -> "Figure":
    """The dot is where the decision stands."""
    from sklearn.metrics import precision_recall_curve

    figure, axes = _square(f"Precision and recall; dots: called {those} from {threshold:.2f} on")
    for (group, (so, chance)), colour in zip(told.items(), cycle(COLOURS), strict=False):
        if not so.any():
            continue
        precision, recall, _ = precision_recall_curve(so, chance)
        axes.plot(recall, precision, color=colour, linewidth=1.8, drawstyle="steps-post", label=group)
        called = chance >= threshold
        if called.any():
            here = (so[called].sum() / so.sum(), so[called].mean())
            axes.plot(*here, "o", color=colour, markersize=8, markeredgecolor="white", zorder=3)
    axes.set(xlabel="recall", ylabel="precision")
    return _named(figure, axes, "lower left")


def calibration(told: Told, those: str) -> "Figure":
    """Whether of rows with a probability of 0.3 three in ten are so; the larger a dot, the more rows."""
    figure, axes = _square("What was foretold, and what came true")
    axes.plot([0, 1], [0, 1], color=LIGHT, linewidth=1)
    for (group, (so, chance)), colour in zip(told.items(), cycle(COLOURS), strict=False):
        place = np.minimum((chance * BINS).astype(int), BINS - 1)
        there = np.unique(place)
        foretold, true, share = zip(
            *((chance[place == p].mean(), so[place == p].mean(), (place == p).mean()) for p in there), strict=True
        )
        axes.plot(foretold, true, color=colour, linewidth=1.4, label=group)
        axes.scatter(foretold, true, s=12 + 300 * np.array(share), color=colour, alpha=0.6, linewidths=0)
    axes.set(xlabel="probability foretold", ylabel=f"share of {those}")
    return _named(figure, axes, "upper left")


def importance(shares: "pd.DataFrame") -> "Figure":
    return drawing.importance(shares, "What the trees are split by: share of what they gain", SHOWN, COLOURS[1])


def _named(figure: "Figure", axes: "Axes", place: Literal["upper left", "lower left", "lower right"]) -> "Figure":
    """With a legend, where anything was drawn."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc=place)
    return figure


def _square(title: str) -> "tuple[Figure, Axes]":
    figure, axes = empty(title, 6, 5.2)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    axes.grid(color=LIGHT, linewidth=0.6)
    return figure, axes
