"""Which models are tried for wine quality, and what they are measured by."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from spark_jobs.kinds import Candidate
from spark_jobs.use_cases.wine_quality.use_case import COLOURS

if TYPE_CHECKING:
    import pandas as pd


def candidates() -> tuple[Candidate, ...]:
    return (Candidate(name="boosting", kind="xgboost", params={"objective": "binary:logistic"}),)


def measure(judged: "pd.DataFrame", constants: Mapping[str, float]) -> dict[str, float]:  # noqa: ARG001 - none are calibrated here
    """Of all wines, and of each colour by itself."""
    found = _measured(judged)
    for colour in COLOURS:
        some = judged[judged["is_red"] == int(colour == "red")]
        found |= {f"{name}_{colour}": value for name, value in _measured(some).items()}
    return found


def _measured(rows: "pd.DataFrame") -> dict[str, float]:
    """NaN where there is no wine of either side to tell apart."""
    from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

    good, chance = rows["good"].to_numpy("int64"), rows["prediction"].to_numpy("float64")
    if len(set(good.tolist())) < 2:
        return dict.fromkeys(("auc", "pr_auc", "log_loss", "brier"), math.nan)
    return {
        "auc": float(roc_auc_score(good, chance)),
        "pr_auc": float(average_precision_score(good, chance)),
        "log_loss": float(log_loss(good, chance)),
        "brier": float(brier_score_loss(good, chance)),
    }
