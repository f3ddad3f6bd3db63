"""Pictures of a model of bicycle rentals, for people who look at its MLflow run."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACTUAL, PREDICTED, LIGHT = "#44546a", "#e4572e", "#d9dee5"
TWO_WEEKS = 14 * 24
SHOWN = 15
ABOVE: dict[str, Any] = {"frameon": False, "loc": "lower right", "bbox_to_anchor": (1, 0.99), "ncols": 3}


def two_weeks(rows: "pd.DataFrame") -> "Figure":
    """The newest two weeks, hour by hour."""
    from matplotlib.dates import ConciseDateFormatter, DayLocator

    rows = rows.set_index("at").asfreq("h").tail(TWO_WEEKS)  # absent hours are gaps, not straight lines
    figure, axes = _empty("Rentals per hour, as they were and as foretold the day before", 12, 4.5)
    axes.fill_between(rows.index, rows["cnt"], color=LIGHT, linewidth=0)
    axes.plot(rows.index, rows["cnt"], color=ACTUAL, linewidth=1.2, label="actual")
    axes.plot(rows.index, rows["prediction"], color=PREDICTED, linewidth=1.6, label="predicted")
    locator = DayLocator(interval=2)  # type: ignore[no-untyped-call] # matplotlib's dates have no types
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call] # as above
    axes.set(ylabel="bicycles", xlim=(rows.index.min(), rows.index.max()))
    axes.set_ylim(bottom=0)
    axes.legend(**ABOVE)
    return figure


def error_by_hour(rows: "pd.DataFrame") -> "Figure":
    """Where in the day it errs, and to which side."""
    error = rows["prediction"] - rows["cnt"]
    shares = error.groupby(rows["at"].dt.hour).quantile([0.1, 0.25, 0.5, 0.75, 0.9]).unstack()
    figure, axes = _empty("Error by hour of the day: predicted less actual", 10, 4.5)
    axes.fill_between(shares.index, shares[0.1], shares[0.9], color=LIGHT, label="80 % of hours")
    axes.fill_between(shares.index, shares[0.25], shares[0.75], color=PREDICTED, alpha=0.3, label="half of hours")
    axes.plot(shares.index, shares[0.5], color=PREDICTED, linewidth=2, marker="o", markersize=3.5, label="median")
    axes.axhline(0, color=ACTUAL, linewidth=1)
    axes.set(xlabel="hour", ylabel="bicycles", xticks=range(0, 24, 2), xlim=(0, 23))
    axes.legend(**ABOVE)
    return figure


def importance(shares: "pd.DataFrame") -> "Figure":
    """What the model's gain came from; the rest is too small to see."""
    top = shares.nlargest(SHOWN, "importance").iloc[::-1]
    figure, axes = _empty("What moves the prediction: share of the gain", 8, 0.9 + 0.3 * len(top))
    bars = axes.barh(top["feature"], top["importance"], color=PREDICTED, alpha=0.85)
    axes.bar_label(bars, labels=[f"{share:.0%}" for share in top["importance"]], padding=4, color=ACTUAL)
    axes.margins(x=0.12)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    return figure


def _empty(title: str, width: float, height: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=12, color=ACTUAL)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=ACTUAL)
    return figure, axes
