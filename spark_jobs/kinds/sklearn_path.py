"""How the coefficients of an elastic net grow as its penalty weakens: what it would use first, and what never."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spark_jobs.kinds import Params
from spark_jobs.kinds.sklearn_fitted import Rows, Standard, made

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]

STEPS = 50
MOST = 20  # features a label: those that come to weigh most


def path(given: Params, native: Params, rows: Rows, label: str, features: Sequence[str]) -> dict[str, list[float]]:
    """As curves: at each step the strength of the penalty, and what one deviation of a feature then moves the label.

    It is fitted as the model is: where the strength is the same, so are the coefficients. Empty where no feature tells
    anything.
    """
    import numpy as np

    on, told = Standard.of(given, rows.matrix), made(given, native).get_params()
    matrix, values = on.matrix, rows.values
    if told["fit_intercept"]:
        matrix, values = matrix - matrix.mean(axis=0), values - values.mean()
    strengths = _strengths(np.abs(matrix.T @ values).max() / len(values), told)
    if not len(strengths):
        return {}
    steps = _coefficients(matrix, values, strengths, told) * (on.deviation / on.scale)
    heaviest = sorted(np.argsort(-np.abs(steps[-1]), kind="stable")[:MOST].tolist())
    found = {f"path/{label}/{features[place]}": steps[:, place].tolist() for place in heaviest}
    return found | {f"strength/{label}": strengths.tolist()}


def _strengths(pull: float, told: Params) -> "Numbers":
    """From before the first coefficient leaves zero to where the penalty hardly counts, the chosen one between."""
    import numpy as np

    if not pull > 1e-12:
        return np.zeros(0)
    by_value = max(told["l1_ratio"], 0.01)  # a penalty of squares alone leaves no coefficient at zero
    return np.geomspace(max(pull / by_value, told["alpha"]), max(min(pull / 1000, told["alpha"]), pull / 1e6), STEPS)


def _coefficients(matrix: "Numbers", values: "Numbers", strengths: "Numbers", told: Params) -> "Numbers":
    """A line per strength. The rows are summed up once, so it costs next to nothing however many there are."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import enet_path

    same = {name: told[name] for name in ("l1_ratio", "positive", "max_iter", "tol", "selection", "random_state")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a step that is not quite done is a step all the same
        _, lines, _ = enet_path(matrix, values, alphas=strengths, precompute=True, **same)
    found: Numbers = lines.T
    return found
