"""Which models are tried for NAME, and what they are measured by."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spark_jobs.kinds import Candidate

if TYPE_CHECKING:
    import pandas as pd


def candidates() -> tuple[Candidate, ...]:
    """The best on the validation rows becomes challenger."""
    return (Candidate(name="boosting", kind="xgboost", params={"objective": "binary:logistic"}),)


def measure(judged: "pd.DataFrame", constants: Mapping[str, float]) -> dict[str, float]:  # noqa: ARG001 - none are calibrated here
    """Rows carry key, labels and predictions."""
    from sklearn.metrics import log_loss, roc_auc_score

    bought, chance = judged["bought"], judged["prediction"]
    return {"log_loss": float(log_loss(bought, chance)), "auc": float(roc_auc_score(bought, chance))}
