"""An estimator of Spark ML taken apart, so that a search does nothing twice: rows are prepared once for all estimators
that prepare them alike, and of boosted trees fewer rounds are the first of more.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_jobs.kinds import Columns
from spark_jobs.kinds.spark_ml import Pipeline, ready

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Numbers = np.ndarray[Any, Any]

ROUNDS = "maxIter"
LEAVES = "_leaves"
TREE = re.compile(r"^ *Tree \d+ \(weight (\S+)\):$", re.MULTILINE)
LEAF = re.compile(r"^ *Predict: (\S+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The last stage learns, those before it prepare; what is no pipeline learns from rows as they are."""

    preparing: tuple[Any, ...]
    learning: Any
    rounds: int  # 0 where fewer of them are not the first of more

    @classmethod
    def of(cls, made: Any, columns: Columns) -> "Steps":
        from pyspark.ml import Pipeline as Stages

        made = ready(made, columns.weight)
        stages: list[Any] = made.getStages() if isinstance(made, Stages) else [made]
        *preparing, learning = stages
        rounds = int(learning.getMaxIter()) if _boosts(learning, columns) else 0
        return cls(preparing=tuple(preparing), learning=learning, rounds=rounds)

    @property
    def prepares(self) -> str:
        """The same for stages that prepare rows alike."""
        return "\n".join(map(_said, self.preparing))

    @property
    def learns(self) -> str:
        """The same for all that differ in their rounds only."""
        return f"{self.prepares}\n{_said(self.learning, ROUNDS if self.rounds else '')}"

    def prepared(self, learn: DataFrame, left: DataFrame, key: Sequence[str]) -> tuple[DataFrame, DataFrame]:
        """Both by what is known of the first. Kept on Spark, so that their plans begin anew."""
        from pyspark.ml import Pipeline as Stages

        if not self.preparing:
            return learn, left
        model = Stages(stages=list(self.preparing)).fit(learn)
        made = [model.transform(rows) for rows in (learn, left)]
        names = _read(self.learning, made[0].columns)
        learn, left = (rows.select(*dict.fromkeys([*key, *names])).localCheckpoint() for rows in made)
        return learn, left


@dataclass(frozen=True, kw_only=True)
class Together:
    """Estimators that differ in their rounds only, fitted as one: with the most."""

    fitted: Any
    columns: Columns
    rounds: tuple[int, ...]

    @classmethod
    def of(cls, alike: Sequence[Steps], rows: DataFrame, columns: Columns) -> "Together":
        most = max(alike, key=lambda steps: steps.rounds).learning
        learning = most.copy({most.leafCol: LEAVES}) if alike[0].rounds else most
        return cls(fitted=learning.fit(rows), columns=columns, rounds=tuple(steps.rounds for steps in alike))

    def predicted(self, rows: DataFrame, key: Sequence[str]) -> "list[pd.DataFrame]":
        """Of each of them: key and predictions. By leaves also where there is but one: the same to the last bit."""
        if not self.rounds[0]:
            scored = Pipeline(fitted=self.fitted, columns=self.columns, settled={}).score(rows, key)
            return [cast(Any, scored.toPandas())]
        from pyspark.ml.functions import vector_to_array

        leaves = vector_to_array(f.col(LEAVES)).alias(LEAVES)
        found: pd.DataFrame = cast(Any, self.fitted.transform(rows).select(*key, leaves).toPandas())
        [prediction] = self.columns.predictions
        keys = found.drop(columns=LEAVES)
        return [keys.assign(**{prediction: one}) for one in self._after_rounds(found[LEAVES])]

    def _after_rounds(self, leaves: "pd.Series") -> "list[Numbers]":
        """A row's leaf in each tree says what that tree adds. Spark counts leaves in the order it prints them."""
        import numpy as np

        trees, weights = _trees(self.fitted.toDebugString)
        if not len(leaves):
            return [np.empty(0) for _ in self.rounds]
        reached = np.stack(list(leaves)).astype(int)
        added = np.stack([tree[reached[:, place]] for place, tree in enumerate(trees)], axis=1) * weights
        margins = np.cumsum(added, axis=1)
        return [self._in_own_unit(margins[:, rounds - 1]) for rounds in self.rounds]

    def _in_own_unit(self, margin: "Numbers") -> "Numbers":
        import numpy as np

        return 1 / (1 + np.exp(-2 * margin)) if hasattr(self.fitted, "probabilityCol") else margin


def _boosts(learning: Any, columns: Columns) -> bool:
    """Rounds that are watched on other rows stop where these say; and what is read must be what trees sum to."""
    from pyspark.ml.classification import GBTClassifier
    from pyspark.ml.regression import GBTRegressor

    if not isinstance(learning, GBTClassifier | GBTRegressor) or learning.isDefined(learning.validationIndicatorCol):
        return False
    given = learning.getProbabilityCol() if isinstance(learning, GBTClassifier) else learning.getPredictionCol()
    return columns.predictions == (given,)


def _read(learning: Any, columns: Sequence[str]) -> list[str]:
    """All, where what learns does not say which it needs: a label, a weight, a vector of features."""
    from pyspark.ml.param.shared import HasFeaturesCol

    if not isinstance(learning, HasFeaturesCol) or learning.getFeaturesCol() not in columns:
        return list(columns)
    named = [one for one in learning.params if one.name.endswith("Col") and learning.isDefined(one)]
    return [name for name in columns if name in {learning.getOrDefault(one) for one in named}]


def _said(stage: Any, but: str = "") -> str:
    """All that somebody set; of what is no stage of Spark's own nobody knows, so nothing is like it."""
    from pyspark.ml.param import Params

    if not isinstance(stage, Params):
        return str(id(stage))
    told = {one.name: stage.getOrDefault(one) for one in stage.params if stage.isSet(one) and one.name != but}
    return f"{type(stage).__qualname__} {sorted((name, repr(value)) for name, value in told.items())}"


def _trees(printed: str) -> "tuple[list[Numbers], Numbers]":
    """Of each tree the values of its leaves, and what it weighs."""
    import numpy as np

    _, *parts = TREE.split(printed)
    weights, texts = parts[::2], parts[1::2]
    return [np.array(LEAF.findall(text), dtype=float) for text in texts], np.array(weights, dtype=float)
