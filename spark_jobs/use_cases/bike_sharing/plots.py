"""Pictures of a model of bicycle rentals, for people who look at its MLflow run."""

from typing import TYPE_CHECKING, Any

from spark_jobs.measures import drawing
from spark_jobs.measures.drawing import INK as ACTUAL
from spark_jobs.measures.drawing import LIGHT, empty

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PREDICTED = "#e4572e"
TWO_WEEKS = 14 * 24
SHOWN = 15
ABOVE: dict[str, Any] = {"frameon": False, "loc": "lower right", "bbox_to_anchor": (1, 0.99), "ncols": 3}


def two_weeks(rows: "pd.DataFrame") -> "Figure":
    """The newest two weeks, hour by hour."""
    from matplotlib.dates import ConciseDateFormatter, DayLocator

    rows = rows.set_index("at").asfreq("h").tail(TWO_WEEKS)  # absent hours are gaps, not straight lines
    figure, axes = empty("Rentals per hour, as they were and as foretold the day before", 12, 4.5)
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
    figure, axes = empty("Error by hour of the day: predicted less actual", 10, 4.5)
    axes.fill_between(shares.index, shares[0.1], shares[0.9], color=LIGHT, label="80 % of hours")
    axes.fill_between(shares.index, shares[0.25], shares[0.75], color=PREDICTED, alpha=0.3, label="half of hours")
    axes.plot(shares.index, shares[0.5], color=PREDICTED, linewidth=2, marker="o", markersize=3.5, label="median")
    axes.axhline(0, color=ACTUAL, linewidth=1)
    axes.set(xlabel="hour", ylabel="bicycles", xticks=range(0, 24, 2), xlim=(0, 23))
    axes.legend(**ABOVE)
    return figure


def importance(shares: "pd.DataFrame") -> "Figure":
    return drawing.importance(shares, "What moves the prediction: share of the gain", SHOWN, PREDICTED)
