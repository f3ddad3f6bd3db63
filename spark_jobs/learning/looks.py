"""Pictures of data, for people who look before they believe a model."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spark_jobs.learning.drawing import BAR, INK, sheet
from spark_jobs.learning.profiles import COMPARED, explained

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CHANGED, LIGHT = "#e4572e", "#d9dee5"
SHOWN = 12  # columns a picture
FAR = 3.0  # deviations; what moved farther is drawn at the edge
BOX: dict[str, Any] = {"showfliers": False, "patch_artist": True, "medianprops": {"color": "white", "linewidth": 1.6}}


def labels(counted: "Mapping[str, pd.DataFrame]") -> "Figure":
    """A panel per label: how many rows have each value."""
    figure = _figure("How many rows have each value of the label", (2 + 4.5 * len(counted), 3.6))
    for axes, (label, rows) in zip(_panels(figure, 1, len(counted)), counted.items(), strict=True):
        width, total = float(rows["width"].max() or 0.0), rows["rows"].sum()
        places = rows["value"] if width else range(len(rows))
        bars = axes.bar(places, rows["rows"], width=width or 0.7, color=BAR, alpha=0.85)
        if not width:
            axes.set_xticks(range(len(rows)), [f"{value:g}" for value in rows["value"]])
        if len(rows) <= SHOWN and not width:
            axes.bar_label(bars, [f"{n:,}\n{n / total:.1%}" for n in rows["rows"]], padding=3, color=INK, fontsize=8)
            axes.margins(y=0.2)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set(xlabel=label, ylabel="rows")
    return figure


def boxes(label: str, by_class: "pd.DataFrame") -> "Figure":
    """A panel per feature, those that differ most between the classes first."""
    strength = explained(by_class).head(SHOWN)
    across = min(4, len(strength))
    down = -(-len(strength) // across)
    title = f"Features by {label}, and how much of their variance it explains"
    figure = _figure(title, (3.1 * across, 0.6 + 2.5 * down))
    panels = _panels(figure, down, across)
    for axes, (name, share) in zip(panels, strength.items(), strict=False):
        rows = by_class[(by_class["column"] == name) & (by_class["count"] > 0)]
        _classes(axes, rows)
        axes.set_xticks(range(len(rows)), [one.replace(" ", "\n") for one in rows["class"]])
        axes.set_title(f"{name}  {share:.0%}", fontsize=9, color=INK, loc="left")
    for axes in panels[len(strength) :]:
        axes.set_visible(False)
    figure.supxlabel(f"{label}, from low to high. Box: half of the rows; line: 90 % of them.", fontsize=8, color=INK)
    return figure


def _classes(axes: "Axes", rows: "pd.DataFrame") -> None:
    """Boxes; of what is yes or no, the share of yes."""
    colours = [_between(BAR, CHANGED)(place / max(1, len(rows) - 1)) for place in range(len(rows))]
    if set(rows["least"]) | set(rows["most"]) <= {0.0, 1.0} and rows["distinct"].max() <= 2:
        axes.bar(range(len(rows)), rows["mean"], width=0.6, color=colours, alpha=0.85)
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    else:
        _draw(axes, rows, range(len(rows)), colours, width=0.6)
    axes.set_xlim(-0.6, len(rows) - 0.4)


def correlations(found: "pd.DataFrame", rows: str) -> "Figure":
    """Labels first, then the features that go with them most."""
    shown = found.iloc[:SHOWN, :SHOWN]
    side = 2.4 + 0.52 * len(shown)
    figure = _figure(f"Rank correlations of {rows}; first what goes with the label", (side + 0.6, side))
    (axes,) = _panels(figure, 1, 1)
    values = shown.where(_lower(len(shown))).to_numpy()
    axes.imshow(values, cmap=_between(CHANGED, "white", BAR), vmin=-1, vmax=1)
    for row, column in ((r, c) for r in range(len(shown)) for c in range(r)):
        strong = abs(values[row, column]) > 0.55
        text = f"{values[row, column]:.2f}".replace("0.", ".")
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if strong else INK)
    axes.set_yticks(range(1, len(shown)), shown.index[1:])
    axes.set_xticks(range(len(shown) - 1), shown.index[:-1], rotation=40, ha="right", rotation_mode="anchor")
    axes.set(ylim=(len(shown) - 0.5, 0.5), xlim=(-0.5, len(shown) - 1.5))
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    return figure


def changed(moved: "pd.DataFrame", since: str) -> "Figure":
    """Two boxes per column, then and now, with a dot at the mean."""
    top = moved.head(SHOWN).iloc[::-1].reset_index(drop=True)
    figure = _figure(f"What changed since {since}; what moved most comes first", (9, 1.4 + 0.45 * len(top)))
    (axes,) = _panels(figure, 1, 1)
    for side, colour, place in (("then", LIGHT, 0.17), ("now", CHANGED, -0.17)):
        rows = _in_deviations(top, side)
        _draw(axes, rows, [one + place for one in top.index], [colour] * len(top), width=0.26, orientation="horizontal")
        axes.plot(rows["mean"], [one + place for one in top.index], "o", color=INK, markersize=3.5)
        axes.barh([0], [0], color=colour, label=side)
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.set_yticks(top.index, [_moved(row) for row in top.to_dict("records")])
    axes.set_xlabel("deviations from the mean of then; beside a name: the farthest that mean (dot) or a quantile moved")
    axes.set_ylim(-0.6, len(top) - 0.4)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=8)
    return figure


def _moved(row: Mapping[str, Any]) -> str:
    nulls = f", nulls {row['nulls_gained']:+.0%}" if abs(row["nulls_gained"]) >= 0.005 else ""
    return f"{row['column']}  {row['moved']:+.2f}{nulls}"


def _in_deviations(moved: "pd.DataFrame", side: str) -> "pd.DataFrame":
    scale = moved["deviation_then"].where(moved["deviation_then"] > 0, moved["deviation_now"])
    scale = scale.where(scale > 0, 1.0)
    places = {name: (moved[f"{name}_{side}"] - moved["mean_then"]).div(scale).clip(-FAR, FAR) for name in COMPARED}
    return moved[["column"]].assign(**places)


def _draw(axes: "Axes", rows: "pd.DataFrame", at: Sequence[float], colours: Sequence[str], **more: Any) -> None:
    """Boxes from quantiles that are known."""
    ends = {"whislo": "q05", "q1": "q25", "med": "median", "q3": "q75", "whishi": "q95"}
    known = [{end: row[name] for end, name in ends.items()} for row in rows.to_dict("records")]
    drawn = axes.bxp(known, positions=list(at), widths=more.pop("width"), showcaps=False, **BOX, **more)
    for box, colour in zip(drawn["boxes"], colours, strict=False):
        box.set(facecolor=colour, edgecolor=colour, alpha=0.85)
    for line in drawn["whiskers"]:
        line.set(color=INK, linewidth=1)


def _lower(size: int) -> Any:
    import numpy as np

    return np.tril(np.ones((size, size), dtype=bool), k=-1)


def _between(*colours: str) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("colours", colours)


def _figure(title: str, size: tuple[float, float]) -> "Figure":
    return sheet(title, size, fontsize=11)


def _panels(figure: "Figure", down: int, across: int) -> "list[Axes]":
    panels: list[Axes] = figure.subplots(down, across, squeeze=False).ravel().tolist()
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8, colors=INK)
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set(color=INK, fontsize=9)
    return panels
