"""The known reference for predictive maintenance, after its notebooks: 34 features, a summed label, a forest.

Windows are rows, not time; steps without a reading become 0; codes of failures are added. Not reproduced: rows
doubled by two failures at once, and joins that begin with component 1. It is here to be compared with.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd

from spark_jobs.use_cases.predictive_maintenance.use_case import COMPONENTS, ERRORS, SENSORS

ROWS = (12, 24, 36)
BUCKET, AHEAD = timedelta(hours=12), 8  # the label: this bucket and the next seven
TREES, DEPTH, SHARE = 200, 15, 0.632
HOURS_AHEAD = timedelta(hours=6)
CODES = {name: code for code, name in enumerate(COMPONENTS, 1)}


@dataclass(frozen=True, kw_only=True)
class History:
    """Silver as frames; `at` has no time zone."""

    machines: pd.DataFrame
    telemetry: pd.DataFrame
    errors: pd.DataFrame
    maintenance: pd.DataFrame
    failures: pd.DataFrame


def scores(history: History, judge_from: pd.Timestamp, embargo: timedelta) -> dict[str, float]:
    """Fitted before, judged from then on."""
    from sklearn.ensemble import RandomForestClassifier

    rows = _features(history)
    rows["label"] = _label(rows, history.failures)
    names = [name for name in rows.columns if name not in ("machineID", "bucket", "label")]
    fitting, judged = rows[rows["bucket"] < judge_from - embargo], rows[rows["bucket"] >= judge_from]
    # scikit-learn's forest stands in for Spark's: the same trees, sampling and depth, in a tenth of the time.
    forest = RandomForestClassifier(TREES, max_depth=DEPTH, max_samples=SHARE, n_jobs=2, random_state=7)
    forest.fit(fitting[names], fitting["label"])
    said = forest.predict(judged[names])
    alarm = said > 0
    due = (judged["label"] > 0).to_numpy()
    months = len(judged) * BUCKET / timedelta(days=30.4)
    return {
        "accuracy": float((alarm == due).mean()),
        "precision": float(due[alarm].mean()) if alarm.any() else float("nan"),
        "recall": float(alarm[due].mean()),
        "always_healthy_accuracy": float((~due).mean()),
        "warned": _warned(judged.assign(said=said)[alarm], history.failures, judge_from),
        "false_alarms_per_machine_month": float((alarm & ~due).sum() / months),
    }


def _features(history: History) -> pd.DataFrame:
    """The mean of rolling means, the deviation of rolling deviations; 0 where there is nothing."""
    readings = history.telemetry.sort_values(["machineID", "at"]).reset_index(drop=True)
    bucket = _bucket(readings["at"])
    of_machine = readings.groupby("machineID")[list(SENSORS)]
    key = [readings["machineID"], bucket.rename("bucket")]
    parts = []
    for length in ROWS:
        rolling = of_machine.rolling(length)
        means, deviations = (found.reset_index(level=0, drop=True) for found in (rolling.mean(), rolling.std()))
        parts += [means.groupby(key).mean().add_suffix(f"_mean_{length}")]
        parts += [deviations.groupby(key).std().add_suffix(f"_deviation_{length}")]
    rows = pd.concat(parts, axis=1).reset_index().fillna(0.0)
    rows = rows.merge(_errors(history.errors, rows), on=["machineID", "bucket"], how="left").fillna(0.0)
    for component in COMPONENTS:
        rows[f"{component}_days"] = _days_since_first(history.maintenance, component, rows)
    return rows.merge(history.machines[["machineID", "age"]], on="machineID")


def _bucket(times: "pd.Series[Any]") -> "pd.Series[Any]":
    """Rounded half up, so that a bucket looks up to five hours past its stamp."""
    return (times + BUCKET / 2).dt.floor("12h")


def _errors(errors: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Of this bucket and the one before: 24 hours."""
    counted = pd.crosstab([errors["machineID"], _bucket(errors["at"]).rename("bucket")], errors["errorID"])
    counted = counted.reindex(columns=list(ERRORS), fill_value=0)
    grid = pd.MultiIndex.from_frame(rows[["machineID", "bucket"]])
    return (
        counted.reindex(grid, fill_value=0).groupby(level=0).rolling(2, min_periods=1).sum().droplevel(0).reset_index()
    )


def _days_since_first(maintenance: pd.DataFrame, component: str, rows: pd.DataFrame) -> "pd.Series[Any]":
    """The oldest replacement, so the counter never goes back; 0 where there is none yet."""
    first = maintenance[maintenance["comp"] == component].groupby("machineID")["at"].min()
    since = (rows["bucket"] - rows["machineID"].map(first)) / timedelta(days=1)
    return since.clip(lower=0).fillna(0.0)


def _label(rows: pd.DataFrame, failures: pd.DataFrame) -> "pd.Series[Any]":
    """Codes 1 to 4 of eight buckets, added up and capped: two components due may read as a third."""
    codes = failures["failure"].map(CODES)
    summed = codes.groupby([failures["machineID"], _bucket(failures["at"]).rename("bucket")]).sum().rename("code")
    coded = rows[["machineID", "bucket"]].merge(summed.reset_index(), on=["machineID", "bucket"], how="left")
    ahead = coded["code"].fillna(0)[::-1].groupby(coded["machineID"][::-1]).rolling(AHEAD, min_periods=1).sum()
    return ahead.droplevel(0).sort_index().clip(upper=4).astype(int)


def _warned(alarms: pd.DataFrame, failures: pd.DataFrame, judge_from: pd.Timestamp) -> float:
    """An alarm that names the component, from 84 to 6 hours before."""
    seen = failures[failures["at"] >= judge_from + AHEAD * BUCKET].reset_index(names="failed")
    seen = seen.assign(said=seen["failure"].map(CODES))
    near = seen.merge(alarms[["machineID", "said", "bucket"]], on=["machineID", "said"])
    early = (near["at"] - near["bucket"] >= HOURS_AHEAD) & (near["at"] - near["bucket"] <= AHEAD * BUCKET)
    return float(near[early]["failed"].nunique() / max(len(seen), 1))
