"""Which models are tried for NAME, and what they are measured by."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spark_jobs.kinds import Candidate

if TYPE_CHECKING:
    import optuna
    import pandas as pd


def candidates() -> tuple[Candidate, ...]:
    """The best on the validation rows becomes challenger."""
    return (Candidate(name="boosting", kind="xgboost", params={"objective": "binary:logistic"}, space=_space),)


def measure(judged: "pd.DataFrame", constants: Mapping[str, float]) -> dict[str, float]:  # noqa: ARG001 - none are calibrated here
    """Rows carry key, labels and predictions."""
    from sklearn.metrics import log_loss, roc_auc_score

    bought, chance = judged["bought"], judged["prediction"]
    return {"log_loss": float(log_loss(bought, chance)), "auc": float(roc_auc_score(bought, chance))}


def _space(trial: "optuna.Trial") -> dict[str, Any]:
    return {
        "max_depth": trial.suggest_int("max_depth", 2, 6),
        "eta": trial.suggest_float("eta", 0.02, 0.3, log=True),
        "subsample": trial.suggest_float("subsample", 0.6, 1.0),
    }
