"""How one estimator of scikit-learn is fitted, brought to true probabilities, and asked why."""

import json
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

from spark_jobs.declare import Refused
from spark_jobs.kinds import Params

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]

MODULES = {"ElasticNet": "sklearn.linear_model", "LogisticRegression": "sklearn.linear_model"}  # others: ensemble


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What one label is learned from."""

    matrix: "Numbers"
    values: "Numbers"
    weight: "Numbers"
    drawn: "Numbers"  # the places of those that are fitted on
    positive: float  # how much more than the others a positive one weighs
    chance: bool
    own: "Numbers | None" = None  # what each row weighs by itself

    @classmethod
    def of(cls, matrix: "Numbers", values: "Numbers", label: str, given: Params, *, chance: bool) -> "Rows":
        import numpy as np

        everyone = np.arange(len(values))
        if not chance:
            same = np.ones(len(values))
            return cls(matrix=matrix, values=values, weight=same, drawn=everyone, positive=1.0, chance=False)
        _refuse_labels(values, label)
        most, negatives = int(given["negatives"]), np.flatnonzero(values == 0)
        positives = len(values) - len(negatives)
        positive = len(negatives) / positives if given["balanced"] else float(given["positive_weight"])
        some = negatives
        if 0 < most < len(negatives):
            some = np.random.default_rng(given["seed"]).choice(negatives, most, replace=False)
        weight = np.where(values > 0, positive, len(negatives) / len(some))
        drawn = np.sort(np.concatenate([np.flatnonzero(values == 1), some]))
        return cls(matrix=matrix, values=values, weight=weight, drawn=drawn, positive=positive, chance=True)

    @property
    def weighed(self) -> bool:
        """So that what a model says is no longer the probability among all rows."""
        return self.chance and (self.positive != 1 or len(self.drawn) < len(self.values))

    def fit(self, model: Any, matrix: "Numbers") -> Any:
        weight = self.weight[self.drawn] if self.weighed else None  # ones would draw other rows than none
        if self.own is not None:
            weight = self.own[self.drawn] * (1.0 if weight is None else weight)
        return model.fit(matrix[self.drawn], self.values[self.drawn], sample_weight=weight)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    raw: bytes
    shares: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Standard:
    """The matrix a linear model is fitted on: gaps filled, and each feature moved and scaled if that is declared."""

    matrix: "Numbers"
    usual: "Numbers"
    centre: "Numbers"
    scale: "Numbers"
    deviation: "Numbers"  # of the features as they are

    @classmethod
    def of(cls, given: Params, matrix: "Numbers") -> "Standard":
        import numpy as np

        usual = np.nanmean(matrix, axis=0)
        filled = np.where(np.isnan(matrix), usual, matrix)
        deviation = filled.std(axis=0)
        # A deviation that is rounding would be blown up to 1, and with it whatever a constant changes to later.
        varies = deviation > 1e-12 * np.abs(usual)
        scale = np.where(varies, deviation, 1.0) if given["scaled"] else np.ones(len(usual))
        centre = usual if given["scaled"] else np.zeros(len(usual))
        standard = (filled - centre) / scale
        return cls(matrix=standard, usual=usual, centre=centre, scale=scale, deviation=deviation)


def fitted_linear(given: Params, native: Params, rows: Rows) -> Fitted:
    """As coefficients of the features as they are, whatever they were scaled to."""
    import numpy as np

    on = Standard.of(given, rows.matrix)
    model = rows.fit(made(given, native), on.matrix)
    coefficients = model.coef_.ravel() / on.scale
    intercept = float(np.ravel(model.intercept_)[0] - on.centre @ coefficients) - float(np.log(rows.positive))
    kept = {"intercept": intercept, "coefficients": coefficients.tolist(), "usual": on.usual.tolist()}
    kept |= {"fills": given["missing"] == "usual", "chance": rows.chance}
    return Fitted(raw=json.dumps(kept).encode(), shares=_shares(np.abs(coefficients * on.deviation)))


def fitted_forest(given: Params, native: Params, rows: Rows) -> Fitted:
    """Without what fitting alone needs, which would double what is sent."""
    import joblib

    floats = rows.matrix.astype("float32")  # what trees compare
    model = rows.fit(made(given, {**native, "n_jobs": 1}), floats)
    shares = _shares(model.feature_importances_)
    for one in model.estimators_:
        tree = one.tree_
        if rows.weighed:
            _count_again(tree, floats, rows)
        for kept in (tree.impurity, tree.n_node_samples, tree.weighted_n_node_samples):
            kept[:] = 0
    packed = BytesIO()
    joblib.dump(model, packed, compress=("zlib", 6))
    return Fitted(raw=packed.getvalue(), shares=shares)


def moved_by(model: Any, matrix: "Numbers") -> "Numbers":
    """A split moves a row's prediction from its node's value to the next one's, and that is its feature's doing."""
    import numpy as np

    height, width = matrix.shape
    total = np.zeros(height * width)
    for one in model.estimators_:
        tree = one.tree_
        value = tree.value[:, 0, -1]
        feature, step = _steps(tree, value)
        path = tree.decision_path(matrix)
        row = np.repeat(np.arange(height), np.diff(path.indptr))
        total += np.bincount(row * width + feature[path.indices], step[path.indices], minlength=height * width)
    return total.reshape(height, width) / len(model.estimators_)


def _steps(tree: Any, value: "Numbers") -> "tuple[Numbers, Numbers]":
    """Per node, by which feature it was reached, and what that added; the root adds nothing."""
    import numpy as np

    feature, step = np.zeros(len(value), "int64"), np.zeros(len(value))
    inner = np.flatnonzero(tree.children_left >= 0)
    for children in (tree.children_left, tree.children_right):
        feature[children[inner]] = tree.feature[inner]
        step[children[inner]] = value[children[inner]] - value[inner]
    return feature, step


def _count_again(tree: Any, matrix: "Numbers", rows: Rows) -> None:
    """A node says the share of positives among all rows that come to it, whatever a side weighed when it was made."""
    import numpy as np

    leaf, size = tree.apply(matrix), tree.node_count
    own = np.ones(len(leaf)) if rows.own is None else rows.own
    count, positives = np.bincount(leaf, own, minlength=size), np.bincount(leaf, rows.values * own, minlength=size)
    parent = np.zeros(size, "int64")
    inner = np.flatnonzero(tree.children_left >= 0)
    parent[tree.children_left[inner]] = parent[tree.children_right[inner]] = inner
    for node in range(size - 1, 0, -1):  # a child stands behind its parent
        count[parent[node]] += count[node]
        positives[parent[node]] += positives[node]
    share = positives / np.maximum(count, 1e-12)
    tree.value[:, 0, 0], tree.value[:, 0, 1] = 1 - share, share


def made(given: Params, native: Params) -> Any:
    return class_of(given["estimator"])(**native)


def class_of(estimator: str) -> Any:
    return getattr(import_module(MODULES.get(estimator, "sklearn.ensemble")), estimator)


def _shares(values: "Numbers") -> tuple[float, ...]:
    total = float(values.sum()) or 1.0
    return tuple(float(value) / total for value in values)


def _refuse_labels(values: "Numbers", label: str) -> None:
    import numpy as np

    found = np.unique(values)
    if len(found) == 1:
        raise Refused(f"{label} is {found[0]:g} in all {len(values)} rows: there is nothing to tell apart")
    if not np.isin(found, (0, 1)).all():
        raise Refused(f"a classifier foretells 0 or 1, and {label} takes {', '.join(f'{one:g}' for one in found[:5])}")
