"""Plots of a use case, kept on an MLflow run. A plot that fails is a warning: it decides nothing."""

import logging
from typing import TYPE_CHECKING

from spark_jobs.kinds import Model
from spark_jobs.learning.model_part import Constants, ModelPart
from spark_jobs.tracking import Tracking

if TYPE_CHECKING:
    import pandas as pd

LOG = logging.getLogger(__name__)


def keep_pictures(
    book: Tracking, run: str, part: ModelPart, model: Model, judged: "tuple[pd.DataFrame, Constants]"
) -> None:
    try:
        for name, figure in part.plots(*judged, model.importance).items():
            book.client.log_figure(run, figure, f"plots/{name}.png")
    except Exception as error:  # noqa: BLE001 - whatever a drawing raises, the verdict stands
        LOG.warning("no plots: %s: %s", type(error).__name__, error)
