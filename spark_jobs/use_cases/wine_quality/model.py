"""Which models are tried for wine quality, when a wine is called good, and what that is worth."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spark_jobs.kinds import Candidate, Params
from spark_jobs.measures import two_classes
from spark_jobs.use_cases.wine_quality.use_case import COLOURS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# A search makes do with trees enough to tell values apart; what people get has more of them. On folds of the published
# wines that are learned from, extra trees were better balanced, and a random forest on all rows instead of a draw.
FOREST: Params = {"n_estimators": 50, "final_estimators": 500, "bootstrap": False, "balanced": True}
BOOSTING: Params = {"objective": "binary:logistic", "eval_metric": "auc", "rounds": 600, "patience": 25}


def candidates() -> tuple[Candidate, ...]:
    """The random forest is the reference. What errs in different ways errs less in the mean."""
    return (
        Candidate(name="random_forest", kind="sklearn", params={"estimator": "RandomForestClassifier", **FOREST}),
        Candidate(name="extra_trees", kind="sklearn", params={"estimator": "ExtraTreesClassifier", **FOREST}),
        Candidate(name="boosting", kind="xgboost", params=BOOSTING),
        Candidate(name="blend", kind="blend", of=("random_forest", "extra_trees", "boosting")),
    )


def calibrate(validated: "pd.DataFrame") -> dict[str, float]:
    return {"threshold": two_classes.threshold_of(two_classes.told(validated, "good"))}


def decisions() -> dict[str, str]:
    return {"called_good": "CAST(probability >= :threshold AS INT)"}


def measure(judged: "pd.DataFrame", constants: Mapping[str, float]) -> dict[str, float]:
    """Of all wines, and of each colour by itself."""
    threshold = constants["threshold"]
    found = two_classes.measured(two_classes.told(judged, "good"), threshold)
    for colour, rows in by_colour(judged).items():
        own = two_classes.measured(two_classes.told(rows, "good"), threshold)
        found |= {f"{name}_{colour}": value for name, value in own.items()}
    return found


def plots(judged: "pd.DataFrame", constants: Mapping[str, float], importance: "pd.DataFrame") -> "dict[str, Figure]":
    groups = {name: two_classes.told(rows, "good") for name, rows in {"all": judged, **by_colour(judged)}.items()}
    return two_classes.plots(groups, "good wines", constants["threshold"], importance)


def by_colour(rows: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
    return {colour: rows[rows["is_red"] == int(colour == "red")] for colour in COLOURS}
