"""Pictures of alarms and failures, for people who look at a model's MLflow run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, SENSORS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

INK, ALARM, LIGHT = "#44546a", "#e4572e", "#d9dee5"
OF_COMPONENT = ("#2e86ab", "#e4572e", "#3a7d44", "#8e5ea2")
SHOWN = 10  # features a component

Curves = Mapping[str, "tuple[NDArray[np.float64], NDArray[np.float64]]"]


def precision_recall(curves: Curves, points: Mapping[str, tuple[float, float]]) -> "Figure":
    """A line per component; the dot is where its alarms stand."""
    figure, (axes,) = _empty("Precision and recall of each component; dots: at the threshold", (6.5, 5), 1)
    for component, colour in zip(COMPONENTS, OF_COMPONENT, strict=True):
        if component in curves:
            precision, recall = curves[component]
            axes.plot(recall, precision, color=colour, linewidth=1.6, drawstyle="steps-pre", label=component)
        precision_here, recall_here = points[component]
        axes.plot(recall_here, precision_here, "o", color=colour, markersize=8, markeredgecolor="white")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.01))
    axes.grid(color=LIGHT, linewidth=0.6)
    if curves:
        axes.legend(frameon=False, loc="lower left")
    return figure


def timeline(judged: "pd.DataFrame", alarm: "NDArray[np.bool_]") -> "Figure":
    """The machine that failed most: what its sensors showed, when alarms were raised, and when it failed."""
    chosen = _chosen(judged)
    mine = (judged["machineID"] == chosen).to_numpy()
    order = np.argsort(judged.loc[mine, "at"].to_numpy())
    rows, alarm = judged[mine].iloc[order], alarm[mine][order]
    figure, axes = _empty(f"Machine {chosen}: means of 12 hours, alarms and failures", (12, 7), len(SENSORS) + 1)
    failures = _failures(rows)
    for one, sensor in zip(axes, SENSORS, strict=False):
        one.plot(rows["at"], rows[f"{sensor}_mean_12h"], color=INK, linewidth=1.2)
        one.set_ylabel(sensor, color=INK)
        for time, place in failures:
            one.axvline(time, color=OF_COMPONENT[place], linewidth=1.4, alpha=0.7)
    _alarms(axes[-1], rows, alarm, failures)
    return figure


def importance(shares: "pd.DataFrame") -> "Figure":
    """A panel per component: what its model's gain came from."""
    labels = list(shares["label"].unique())
    figure, axes = _empty("What moves the probability: share of the gain", (13, 3.6), 1, len(labels))
    for one, label in zip(axes, labels, strict=True):
        top = shares[shares["label"] == label].nlargest(SHOWN, "importance").iloc[::-1]
        bars = one.barh(top["feature"], top["importance"], color=OF_COMPONENT[labels.index(label) % 4], alpha=0.85)
        one.bar_label(bars, labels=[f"{share:.0%}" for share in top["importance"]], padding=3, color=INK, fontsize=8)
        one.margins(x=0.2)
        one.set_title(label, fontsize=10, color=INK)
        one.set_xticks([])
        one.tick_params(labelsize=8)
        one.spines["bottom"].set_visible(False)
    return figure


def _chosen(judged: "pd.DataFrame") -> int:
    failing = judged[list(COMPONENTS)].sum(axis=1)
    return int(failing.groupby(judged["machineID"]).sum().idxmax())


def _failures(rows: "pd.DataFrame") -> list[tuple[Any, int]]:
    """When, and which component."""
    import pandas as pd

    found = set()
    for place, component in enumerate(COMPONENTS):
        soon = rows[rows[f"{component}_hours"].notna()]
        times = soon["at"] + pd.to_timedelta(soon[f"{component}_hours"].astype("float64"), unit="h")
        found |= {(time, place) for time in times.dt.round("min")}
    return sorted(found)


def _alarms(axes: "Axes", rows: "pd.DataFrame", alarm: "NDArray[np.bool_]", failures: list[tuple[Any, int]]) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    for place in range(len(COMPONENTS)):
        times = rows["at"][alarm[:, place]]
        label = "alarm" if place == 0 else None
        axes.plot(times, [place] * len(times), "|", color=ALARM, markersize=22, markeredgewidth=2, label=label)
    for number, (time, place) in enumerate(failures):
        axes.plot(
            [time], [place], "x", color=INK, markersize=6, markeredgewidth=1.8, label=None if number else "failure"
        )
    axes.set(yticks=range(len(COMPONENTS)), yticklabels=COMPONENTS, ylim=(len(COMPONENTS) - 0.5, -0.5))
    axes.grid(axis="y", color=LIGHT)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    locator = AutoDateLocator()  # type: ignore[no-untyped-call] # matplotlib's dates have no types
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call] # as above


def _empty(title: str, size: tuple[float, float], rows: int, columns: int = 1) -> "tuple[Figure, list[Axes]]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=110, layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=INK)
    axes = figure.subplots(rows, columns, squeeze=False, sharex="col").ravel().tolist()
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.tick_params(colors=INK)
    return figure, axes
