"""Plots and tables of a model, kept on its MLflow run. One that fails is a warning: it decides nothing."""

import logging
from typing import TYPE_CHECKING

from spark_jobs.kinds import Model
from spark_jobs.learning.model_part import Constants, ModelPart
from spark_jobs.tracking import Tracking

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LOG = logging.getLogger(__name__)

ASKED = 1000  # judge rows at most: reasons of boosting take milliseconds each
SHOWN = 12  # features a label
INK, BAR = "#44546a", "#2e86ab"


def keep_pictures(
    book: Tracking, run: str, part: ModelPart, model: Model, judged: "tuple[pd.DataFrame, Constants]"
) -> None:
    def plots() -> None:
        for name, figure in part.plots(*judged, model.importance).items():
            book.client.log_figure(run, figure, f"plots/{name}.png")

    def moves() -> None:
        rows = judged[0]
        found = model.moves(rows.sample(min(ASKED, len(rows)), random_state=7))
        if not found.empty:
            book.client.log_figure(run, what_moves(found), "plots/what_moves.png")
            book.show_table(run, found.sort_values(["label", "moves"], ascending=[True, False]), "what_moves.json")

    for keep in (plots, moves):
        try:
            keep()
        except Exception as error:  # noqa: BLE001 - whatever a drawing raises, the verdict stands
            LOG.warning("no %s: %s: %s", keep.__name__, type(error).__name__, error)


def what_moves(moves: "pd.DataFrame") -> "Figure":
    """A panel per label: how far each feature moves its prediction in the mean, whichever way, in its own unit."""
    from matplotlib.figure import Figure

    labels = list(moves["label"].unique())
    figure = Figure(figsize=(2 + 4.5 * len(labels), 4.2), dpi=110, layout="constrained")
    figure.suptitle("How far each feature moves the prediction, in the mean", x=0.01, ha="left", color=INK)
    for axes, label in zip(figure.subplots(1, len(labels), squeeze=False)[0], labels, strict=True):
        top = moves[moves["label"] == label].nlargest(SHOWN, "moves").iloc[::-1]
        bars = axes.barh(top["feature"], top["moves"], color=BAR, alpha=0.85)
        axes.bar_label(bars, labels=[f"{one:.3g}" for one in top["moves"]], padding=3, color=INK, fontsize=8)
        axes.set_title(label, fontsize=10, color=INK)
        axes.margins(x=0.2)
        axes.set_xticks([])
        axes.tick_params(labelsize=8, colors=INK)
        axes.spines[["top", "right", "bottom"]].set_visible(False)
    return figure
