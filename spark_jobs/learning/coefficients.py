"""A picture of how the coefficients of a linear model grow as its penalty weakens, from the curves its kind gives."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spark_jobs.kinds import Model
from spark_jobs.learning.drawing import BAR, INK, a_warning_at_most, sheet
from spark_jobs.tracking import Tracking

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOWN = "#e4572e"  # of features that lower the label
APART = 0.045  # of the picture's height, from one name to the next

TITLE = "Coefficients along the path: how far one deviation of a feature moves the prediction"

Curves = Mapping[str, Sequence[float]]


def keep_paths(book: Tracking, run: str, model: Model) -> None:
    """Nothing where the kind traces no coefficients."""
    with a_warning_at_most("picture of coefficients"):
        if figure := paths(model.curves, model.settled.get("alpha")):
            book.client.log_figure(run, figure, "plots/coefficients.png")


def paths(curves: Curves, chosen: float | None) -> "Figure | None":
    """A panel per label: of each feature, what one deviation of it moves the label, from strong penalty to weak."""
    labels = [name.removeprefix("strength/") for name in curves if name.startswith("strength/")]
    if not labels:
        return None
    figure = sheet(TITLE, (2 + 6.5 * len(labels), 5.2))
    for axes, label in zip(figure.subplots(1, len(labels), squeeze=False)[0], labels, strict=True):
        lines = {name.removeprefix(f"path/{label}/"): of for name, of in curves.items() if f"path/{label}/" in name}
        _draw(axes, curves[f"strength/{label}"], lines)
        axes.set_title(label, fontsize=10, color=INK)
        if chosen:
            _mark(axes, chosen)
    return figure


def _draw(axes: "Axes", strengths: Sequence[float], lines: Curves) -> None:
    axes.set_xscale("log")
    axes.set_xlim(strengths[0], strengths[-1])  # from strong to weak
    axes.axhline(0, color=INK, linewidth=0.8, alpha=0.5)
    for values in lines.values():
        axes.plot(strengths, values, color=_colour(values), linewidth=1.6, alpha=0.85)
    _name_ends(axes, {name: values[-1] for name, values in lines.items()})
    axes.set_xlabel("strength of the penalty, weaker to the right", fontsize=9, color=INK)
    axes.tick_params(labelsize=8, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)


def _mark(axes: "Axes", chosen: float) -> None:
    axes.axvline(chosen, color=INK, linewidth=1, linestyle=":")
    top: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "va": "top", "color": INK, "fontsize": 8}
    axes.annotate(f" chosen: {chosen:.3g}", (chosen, 1), **top)


def _colour(values: Sequence[float]) -> str:
    if not values[-1]:
        return INK
    return BAR if values[-1] > 0 else DOWN


def _name_ends(axes: "Axes", ends: Mapping[str, float]) -> None:
    """Each name beside the end of its line, or as near as its neighbours let it."""
    low, high = axes.get_ylim()
    names = sorted(ends, key=lambda name: ends[name])
    wanted = [(ends[name] - low) / (high - low) for name in names]
    for name, height, place in zip(names, wanted, _apart(wanted), strict=True):
        colour = _colour([ends[name]])
        style: dict[str, Any] = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "alpha": 0.6, "relpos": (0, 0.5)}
        axes.annotate(
            f"{name} {ends[name]:+.2g}" if ends[name] else f"{name} 0",
            *((1, height), (1.05, place), "axes fraction"),
            va="center",
            fontsize=8,
            color=colour,
            arrowprops=style,
        )


def _apart(wanted: Sequence[float]) -> list[float]:
    """The heights nearest to these, in their order, none closer to the next than names are high."""
    import numpy as np
    from sklearn.isotonic import isotonic_regression

    steps = APART * np.arange(len(wanted))
    found: list[float] = (isotonic_regression(np.array(wanted) - steps) + steps).tolist()
    return found
