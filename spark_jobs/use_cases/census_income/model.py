"""Which models are tried for census income, from when on somebody is said to earn more, and what that is worth."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spark_jobs.kinds import Candidate, Params
from spark_jobs.measures import two_classes
from spark_jobs.use_cases.census_income.use_case import USE_CASE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LABEL = "above_50k"
WORDS = tuple(name for name in USE_CASE.features.read if name in USE_CASE.features.categories)
NUMBERS = tuple(name for name in USE_CASE.features.read if name not in WORDS)
# A search makes do with trees enough to tell values apart; what people get has more of them.
FOREST: Params = {"estimator": "RandomForestClassifier", "n_estimators": 50, "final_estimators": 300}
BOOSTING: Params = {"objective": "binary:logistic", "eval_metric": "auc", "rounds": 2000, "patience": 50}


def candidates() -> tuple[Candidate, ...]:
    """The simplest first: where nothing is better, it wins."""
    return (
        Candidate(name="logistic", kind="spark_ml", build=_logistic),
        Candidate(name="tree", kind="spark_ml", params={"maxDepth": 10}, build=_tree),
        Candidate(name="boosted_trees", kind="spark_ml", params={"maxIter": 50}, build=_boosted_trees),
        Candidate(name="forest", kind="sklearn", params=FOREST),
        Candidate(name="boosting", kind="xgboost", params=BOOSTING),
        Candidate(name="blend", kind="blend", of=("forest", "boosting")),
    )


def calibrate(validated: "pd.DataFrame") -> dict[str, float]:
    return {"threshold": two_classes.threshold_between(two_classes.told(validated, LABEL))}


def decisions() -> dict[str, str]:
    return {"called_above_50k": "CAST(probability >= :threshold AS INT)"}


def measure(judged: "pd.DataFrame", constants: Mapping[str, float]) -> dict[str, float]:
    """Beside it, how often somebody is right who always says no."""
    told = two_classes.told(judged, LABEL)
    never = 1 - float(told[0].mean())
    return two_classes.measured(told, constants["threshold"]) | {"accuracy_of_always_no": never}


def plots(judged: "pd.DataFrame", constants: Mapping[str, float], importance: "pd.DataFrame") -> "dict[str, Figure]":
    by_sex = {f"{sex}": rows for sex, rows in judged.groupby("sex")}
    groups = {name: two_classes.told(rows, LABEL) for name, rows in {"all": judged, **by_sex}.items()}
    return two_classes.plots(groups, "people above 50K", constants["threshold"], importance)


def _logistic(params: Params) -> Any:
    """Numbers and their products with one another: so it can learn that forty is a good age."""
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import PolynomialExpansion, VectorAssembler

    numbers = VectorAssembler(inputCols=list(NUMBERS), outputCol="numbers")
    products = PolynomialExpansion(inputCol="numbers", outputCol="products", degree=2)
    learning = LogisticRegression(featuresCol="vector", labelCol=LABEL, **params)
    return _pipeline(learning, [numbers, products], ["products"])


def _tree(params: Params) -> Any:
    from pyspark.ml.classification import DecisionTreeClassifier

    return _pipeline(DecisionTreeClassifier(featuresCol="vector", labelCol=LABEL, **params))


def _boosted_trees(params: Params) -> Any:
    from pyspark.ml.classification import GBTClassifier

    return _pipeline(GBTClassifier(featuresCol="vector", labelCol=LABEL, **params))


def _pipeline(estimator: Any, prepared: Sequence[Any] = (), numbers: Sequence[str] = NUMBERS) -> Any:
    """Words are learned from the rows it is fitted on, a column each; one that is missing or new has none."""
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler

    indexed, coded = ([f"{name}_{what}" for name in WORDS] for what in ("indexed", "coded"))
    return Pipeline(
        stages=[
            StringIndexer(
                inputCols=list(WORDS), outputCols=indexed, handleInvalid="keep", stringOrderType="alphabetAsc"
            ),
            OneHotEncoder(inputCols=indexed, outputCols=coded),
            *prepared,
            VectorAssembler(inputCols=[*coded, *numbers], outputCol="vector"),
            estimator,
        ]
    )
