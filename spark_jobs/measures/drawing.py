"""What pictures of use cases have in common."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, LIGHT = "#44546a", "#d9dee5"


def empty(title: str, width: float, height: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=12, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)
    return figure, axes


def importance(shares: "pd.DataFrame", title: str, shown: int, colour: str) -> "Figure":
    """What a model's gain came from; the rest is too small to see."""
    top = shares.nlargest(shown, "importance").iloc[::-1]
    figure, axes = empty(title, 8, 0.9 + 0.3 * len(top))
    bars = axes.barh(top["feature"], top["importance"], color=colour, alpha=0.85)
    axes.bar_label(bars, labels=[f"{share:.0%}" for share in top["importance"]], padding=4, color=INK)
    axes.margins(x=0.12)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    return figure
