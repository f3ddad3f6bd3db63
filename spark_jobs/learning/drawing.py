"""What pictures have in common. One that fails is a warning: it decides nothing."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOG = logging.getLogger(__name__)

INK, BAR = "#44546a", "#2e86ab"


@contextmanager
def a_warning_at_most(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever a drawing raises, what it shows stands
        LOG.warning("no %s: %s: %s", what, type(error).__name__, error)


def sheet(title: str, size: tuple[float, float], **style: Any) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=110, layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", color=INK, **style)
    return figure


def bars(axes: "Axes", title: str, names: Sequence[str], lengths: Sequence[float], words: Sequence[str]) -> None:
    """Lying ones, with words at their ends."""
    drawn = axes.barh(names, lengths, color=BAR, alpha=0.85)
    axes.bar_label(drawn, labels=words, padding=3, color=INK, fontsize=8)
    axes.set_title(title, fontsize=10, color=INK)
    axes.set_xticks([])
    axes.tick_params(labelsize=8, colors=INK)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
