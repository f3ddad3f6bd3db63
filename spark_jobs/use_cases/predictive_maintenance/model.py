"""Which models are tried for predictive maintenance, when they raise an alarm, and what alarms are worth."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spark_jobs.kinds import Candidate, Params
from spark_jobs.use_cases.predictive_maintenance import forest
from spark_jobs.use_cases.predictive_maintenance import plots as pictures
from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, STEP

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

PRECISION = 0.9  # of the alarms that are raised, on validation rows
NO_ALARM = 2.0  # a threshold that no probability reaches
HOURS_AHEAD = 6  # a warning that comes later is none
MONTH = 30.4 * 24 * 3600

# Failures are few: only a leaf of less than one row's weight can hold them, only fine bins part them from the rest.
BOOSTING: Params = {
    "objective": "binary:logistic",
    "eval_metric": "logloss",
    "rounds": 250,
    "patience": 40,
    "subsample": 0.8,
    "max_bin": 1024,
}

# All failures and some of the healthy rows, both sides worth the same: all rows would take an hour.
TREES: Params = {
    "estimator": "ExtraTreesClassifier",
    "n_estimators": 400,
    "max_features": 0.3,
    "balanced": True,
    "negatives": 20_000,
}


def candidates() -> tuple[Candidate, ...]:
    """The forest is the reference; it takes minutes on Spark, so only who asks for it gets it."""
    return (
        Candidate(name="boosting", kind="xgboost", params=BOOSTING),
        Candidate(name="extra_trees", kind="sklearn", params=TREES),
        Candidate(name="forest", kind="spark_ml", build=forest.build),
    )


def calibrate(validated: "pd.DataFrame") -> dict[str, float]:
    """One threshold for all components: of each alone there are too few failures to choose one."""
    failing, probability = _labels(validated).ravel(), _probabilities(validated).ravel()
    thresholds, precision, _ = _curve(failing, probability)
    precise = np.nonzero(precision >= PRECISION)[0]
    return {"threshold": float(thresholds[precise[-1]]) if len(precise) else NO_ALARM}


def decisions() -> dict[str, str]:
    return {f"{component}_alarm": f"CAST({component}_probability >= :threshold AS INT)" for component in COMPONENTS}


def measure(judged: "pd.DataFrame", constants: Mapping[str, float]) -> dict[str, float]:
    """What the alarms are worth, of all components together and of each; beside them, what it scores to say nothing."""
    failing, probability = _labels(judged), _probabilities(judged)
    alarm = probability >= constants["threshold"]
    found = _scores("", failing.ravel(), probability.ravel(), alarm.ravel())
    for place, component in enumerate(COMPONENTS):
        found |= _scores(f"{component}_", failing[:, place], probability[:, place], alarm[:, place])
    months = len(judged) * STEP.total_seconds() / MONTH
    return found | {
        "warned": _warned(judged, alarm),
        "false_alarms_per_machine_month": float((alarm & ~failing).sum() / months),
        "mean_probability": float(probability.mean()),
        "failing_share": float(failing.mean()),  # what the line above should be, where probabilities are true
        "accuracy": float((alarm == failing).mean()),
        "always_healthy_accuracy": float((~failing).mean()),
        "always_healthy_recall": 0.0,
    }


def plots(judged: "pd.DataFrame", constants: Mapping[str, float], importance: "pd.DataFrame") -> "dict[str, Figure]":
    failing, probability = _labels(judged), _probabilities(judged)
    curves = {
        component: _curve(failing[:, place], probability[:, place])[1:]
        for place, component in enumerate(COMPONENTS)
        if failing[:, place].any()
    }
    alarm = probability >= constants["threshold"]
    points = {
        component: (_share(failing[:, place], alarm[:, place]), _share(alarm[:, place], failing[:, place]))
        for place, component in enumerate(COMPONENTS)
    }
    found = {
        "precision_recall": pictures.precision_recall(curves, points),
        "timeline": pictures.timeline(judged, alarm),
    }
    return found if importance.empty else found | {"importance": pictures.importance(importance)}


def _labels(rows: "pd.DataFrame") -> Flags:
    found: Flags = rows[list(COMPONENTS)].to_numpy() == 1
    return found


def _probabilities(rows: "pd.DataFrame") -> Numbers:
    found: Numbers = rows[[f"{component}_probability" for component in COMPONENTS]].to_numpy("float64")
    return found


def _curve(failing: Flags, probability: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Thresholds from the highest probability down, and precision and recall of the alarms at each."""
    order = np.argsort(-probability, kind="stable")
    falling, hits = probability[order], np.cumsum(failing[order])
    last = np.append(np.diff(falling) < 0, True)  # equal probabilities share one threshold
    alarms = np.arange(1, len(falling) + 1)
    return falling[last], (hits / alarms)[last], (hits / max(hits[-1], 1))[last]


def _scores(name: str, failing: Flags, probability: Numbers, alarm: Flags) -> dict[str, float]:
    """The area is the mean of precision over recall, as steps: no straight lines between."""
    _, precision, recall = _curve(failing, probability)
    area = float((np.diff(recall, prepend=0.0) * precision).sum()) if failing.any() else float("nan")
    return {
        f"{name}precision": _share(failing, alarm),
        f"{name}recall": _share(alarm, failing),
        f"{name}pr_auc": area,
    }


def _share(of: Flags, among: Flags) -> float:
    """NaN among none."""
    return float(of[among].mean()) if among.any() else float("nan")


def _warned(judged: "pd.DataFrame", alarm: Flags) -> float:
    """The share of failures with an alarm early enough, of those that had a row early enough."""
    import pandas as pd

    hours = judged[[f"{component}_hours" for component in COMPONENTS]].to_numpy("float64")
    row, part = np.nonzero(hours >= HOURS_AHEAD)
    fails_at = judged["at"].to_numpy()[row] + (hours[row, part] * 3.6e9).round().astype("timedelta64[us]")
    rows = pd.DataFrame({"machine": judged["machineID"].to_numpy()[row], "part": part, "at": fails_at})
    warned = rows.assign(alarm=alarm[row, part]).groupby(["machine", "part", "at"])["alarm"].max()
    return float(warned.mean()) if len(warned) else float("nan")
