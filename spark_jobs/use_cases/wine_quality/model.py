"""Which models are tried for wine quality, when a wine is called good, and what that is worth."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_jobs.kinds import Candidate, Params
from spark_jobs.use_cases.wine_quality import plots as pictures
from spark_jobs.use_cases.wine_quality.use_case import COLOURS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

# A search makes do with trees enough to tell values apart; what people get has more of them. On folds of the published
# wines that are learned from, extra trees were better balanced, and a random forest on all rows instead of a draw.
FOREST: Params = {"n_estimators": 50, "final_estimators": 500, "bootstrap": False, "balanced": True}
BOOSTING: Params = {"objective": "binary:logistic", "eval_metric": "auc", "rounds": 600, "patience": 25}
UNMEASURED = ("auc", "pr_auc", "log_loss", "brier")


def candidates() -> tuple[Candidate, ...]:
    """The random forest is the reference. What errs in different ways errs less in the mean."""
    return (
        Candidate(name="random_forest", kind="sklearn", params={"estimator": "RandomForestClassifier", **FOREST}),
        Candidate(name="extra_trees", kind="sklearn", params={"estimator": "ExtraTreesClassifier", **FOREST}),
        Candidate(name="boosting", kind="xgboost", params=BOOSTING),
        Candidate(name="blend", kind="blend", of=("random_forest", "extra_trees", "boosting")),
    )


def calibrate(validated: "pd.DataFrame") -> dict[str, float]:
    """The threshold at which precision and recall are best together, by their harmonic mean."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(*_told(validated))
    both = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return {"threshold": float(thresholds[np.argmax(both[:-1])])}


def decide(frame: DataFrame, constants: Mapping[str, float]) -> DataFrame:
    return frame.withColumn("called_good", (f.col("probability") >= constants["threshold"]).cast("int"))


def measure(judged: "pd.DataFrame", constants: Mapping[str, float]) -> dict[str, float]:
    """Of all wines, and of each colour by itself."""
    found = _measured(judged, constants["threshold"])
    for colour, rows in by_colour(judged).items():
        found |= {f"{name}_{colour}": value for name, value in _measured(rows, constants["threshold"]).items()}
    return found


def plots(judged: "pd.DataFrame", constants: Mapping[str, float], importance: "pd.DataFrame") -> "dict[str, Figure]":
    told = {colour: _told(rows) for colour, rows in {"all": judged, **by_colour(judged)}.items() if len(rows)}
    return {
        "roc": pictures.roc(told),
        "calibration": pictures.calibration(told),
        "precision_recall": pictures.precision_recall(told, constants["threshold"]),
        "importance": pictures.importance(importance),
    }


def by_colour(rows: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
    return {colour: rows[rows["is_red"] == int(colour == "red")] for colour in COLOURS}


def _told(rows: "pd.DataFrame") -> "tuple[NDArray[np.int64], NDArray[np.float64]]":
    return rows["good"].to_numpy("int64"), rows["probability"].to_numpy("float64")


def _measured(rows: "pd.DataFrame", threshold: float) -> dict[str, float]:
    """NaN where there is no wine of either side to tell apart, and a share of none."""
    from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

    good, chance = _told(rows)
    called = chance >= threshold
    hits = float((called & (good == 1)).sum())
    shares = {"precision": _share(hits, called.sum()), "recall": _share(hits, good.sum())}
    if len(set(good.tolist())) < 2:
        return dict.fromkeys(UNMEASURED, math.nan) | shares
    return {
        "auc": float(roc_auc_score(good, chance)),
        "pr_auc": float(average_precision_score(good, chance)),
        "log_loss": float(log_loss(good, chance)),
        "brier": float(brier_score_loss(good, chance)),
    } | shares


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan
