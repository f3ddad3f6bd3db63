"""Pictures of what groups get."""

from typing import TYPE_CHECKING

from spark_jobs.learning.drawing import BAR, INK, sheet
from spark_jobs.learning.groups import CHALLENGER, CHAMPION, Slice

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LIGHT = "#d9dee5"
SHOWN = 12  # groups, the largest
PANELS = {"recall": "recall: of those who are 1, how many are found", "selected": "selected: how many are decided 1"}
# The challenger stands above the champion.
STYLES = {CHALLENGER: (-0.14, BAR, "o"), CHAMPION: (0.14, INK, "D")}


def groups(column: str, one: Slice) -> "Figure":
    """A panel per metric, a line per group: challenger and champion, each with its interval."""
    names = list(one.groups)[:SHOWN]
    more = f"; the {SHOWN} largest of {len(one.groups)}" if len(one.groups) > SHOWN else ""
    figure = sheet(f"What groups by {column} get{more}", (11, 1.9 + 0.55 * len(names)), fontsize=11)
    panels = figure.subplots(1, len(PANELS), sharey=True, squeeze=False)[0]
    for axes, (metric, title) in zip(panels, PANELS.items(), strict=True):
        _panel(axes, one, names, metric)
        axes.set_title(title, fontsize=9, color=INK, loc="left")
    panels[0].set_yticks(range(len(names)), [_named(name, one.groups[name].rows) for name in names])
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    drawn, named = panels[0].get_legend_handles_labels()
    figure.legend(drawn, named, loc="outside lower right", ncols=2, frameon=False, fontsize=8)
    figure.supxlabel("lines: 95 % of resamples", x=0.01, ha="left", fontsize=8, color=INK)
    return figure


def _named(group: str, rows: int) -> str:
    """A name with a dollar is no formula."""
    return f"{group[:30]}\n{rows:,} rows".replace("$", r"\$")


def _panel(axes: "Axes", one: Slice, names: list[str], metric: str) -> None:
    for who, (beside, colour, marker) in STYLES.items():
        here = [i for i, name in enumerate(names) if who in one.groups[name].numbers]
        found = [one.groups[names[i]].numbers[who][metric] for i in here]
        if found:
            places = [i + beside for i in here]
            axes.hlines(places, [e.low for e in found], [e.high for e in found], color=colour, linewidth=1.6)
            axes.plot([e.value for e in found], places, marker, color=colour, markersize=5.5, label=who)
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.grid(axis="x", color=LIGHT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, colors=INK, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
