"""What use cases share that tell two classes apart: where to draw the line, what that is worth, and its pictures.

A group is told as two arrays: whether a row is so, and how probably it was said to be.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from spark_jobs.measures import two_classes_plots as pictures

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Told = tuple[NDArray[np.int64], NDArray[np.float64]]

ACCURACY = 4  # times as much as F1, which moves further as a threshold does
OF_BOTH = ("auc", "pr_auc", "log_loss", "brier")  # unknown where there is one class only


def told(rows: "pd.DataFrame", label: str) -> "Told":
    return rows[label].to_numpy("int64"), rows["probability"].to_numpy("float64")


def threshold_of(rows: "Told") -> float:
    """The threshold at which precision and recall are best together, by their harmonic mean."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(*rows)
    both = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[np.argmax(both[:-1])])


def threshold_between(rows: "Told") -> float:
    """The threshold at which accuracy, which counts four times, and F1 are best together, by their sum."""
    so, chance = rows
    order = np.argsort(-chance, kind="stable")
    so, chance = so[order], chance[order]
    hits, called, positives = np.cumsum(so), np.arange(1, len(so) + 1), so.sum()
    right = hits + (len(so) - called) - (positives - hits)
    worth = ACCURACY * right / len(so) + 2 * hits / (called + positives)
    whole = np.append(chance[1:] < chance[:-1], True)  # rows of one probability are called so together
    return float(chance[np.argmax(np.where(whole, worth, -1))])


def measured(rows: "Told", threshold: float) -> dict[str, float]:
    """NaN where there is no row of either class to tell apart, and a share of none."""
    from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

    so, chance = rows
    called = chance >= threshold
    hits = float((called & (so == 1)).sum())
    shares = {
        "accuracy": share(float((called == (so == 1)).sum()), len(so)),
        "precision": share(hits, called.sum()),
        "recall": share(hits, so.sum()),
        "f1": share(2 * hits, called.sum() + so.sum()),
    }
    if len(set(so.tolist())) < 2:
        return dict.fromkeys(OF_BOTH, math.nan) | shares
    return {
        "auc": float(roc_auc_score(so, chance)),
        "pr_auc": float(average_precision_score(so, chance)),
        "log_loss": float(log_loss(so, chance)),
        "brier": float(brier_score_loss(so, chance)),
    } | shares


def share(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan


def plots(groups: "dict[str, Told]", those: str, threshold: float, importance: "pd.DataFrame") -> "dict[str, Figure]":
    """The first group holds all rows; `those` is what people call the ones that are to be found."""
    some = {name: rows for name, rows in groups.items() if len(rows[0])}
    found = {
        "roc": pictures.roc(some, those),
        "calibration": pictures.calibration(some, those),
        "precision_recall": pictures.precision_recall(some, those, threshold),
    }
    return found if importance.empty else found | {"importance": pictures.importance(importance)}
