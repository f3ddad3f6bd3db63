"""Plots and tables of a model, kept on its MLflow run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spark_jobs.kinds import Model
from spark_jobs.learning.drawing import a_warning_at_most, bars, sheet
from spark_jobs.learning.group_pictures import groups
from spark_jobs.learning.groups import Slice, as_table
from spark_jobs.learning.model_part import Constants, ModelPart
from spark_jobs.tracking import Tracking

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ASKED = 1000  # judge rows at most: reasons of boosting take milliseconds each
SHOWN = 12  # features a label


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
        with a_warning_at_most(keep.__name__):
            keep()


def keep_groups(book: Tracking, run: str, slices: Mapping[str, Slice]) -> None:
    """All groups as a table, and a picture per slice of those that have rows enough."""
    if slices:
        with a_warning_at_most("table of groups"):
            book.show_table(run, as_table(slices), "groups.json")
    for column, one in slices.items():
        with a_warning_at_most(f"picture of {column}"):
            if one.groups:
                book.client.log_figure(run, groups(column, one), f"plots/groups_{column}.png")


def what_moves(moves: "pd.DataFrame") -> "Figure":
    """A panel per label: how far each feature moves its prediction in the mean, whichever way, in its own unit."""
    labels = list(moves["label"].unique())
    figure = sheet("How far each feature moves the prediction, in the mean", (2 + 4.5 * len(labels), 4.2))
    for axes, label in zip(figure.subplots(1, len(labels), squeeze=False)[0], labels, strict=True):
        top = moves[moves["label"] == label].nlargest(SHOWN, "moves").iloc[::-1]
        bars(axes, label, top["feature"], top["moves"], [f"{one:.3g}" for one in top["moves"]])
        axes.margins(x=0.2)
    return figure
