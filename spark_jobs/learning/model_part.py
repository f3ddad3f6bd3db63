"""What a use case's model.py gives: its candidates, how they are measured, and what follows from a prediction.

    candidates() -> tuple[Candidate, ...]                        in the order that breaks ties
    measure(judged, constants) -> dict[str, float]               must hold the gate's metrics
    calibrate(validated) -> dict[str, float]                     optional: thresholds and other constants
    decisions() -> dict[str, str]                                optional: the predictions beyond one per label, as SQL
                                                                 of one row's predictions; `:threshold` is a constant
    decide(frame, constants) -> DataFrame                        optional: the same, where SQL of one row cannot say it;
                                                                 such a model cannot be served
    plots(judged, constants, importance) -> dict[str, Figure]    optional

`judged` and `validated` are pandas frames with key, day, features, labels and the kind's predictions (one per label, in
the labels' order). Rows may come twice: a bootstrap draws them so. `importance` has columns label, feature, importance.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark_jobs import use_cases
from spark_jobs.declare import BadDeclaration, BadRequest, Job, Search, UseCase
from spark_jobs.declare.space import Space, checked
from spark_jobs.kinds import Candidate
from spark_jobs.sql import with_constants

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Constants = Mapping[str, float]


def _no_constants(validated: "pd.DataFrame") -> dict[str, float]:  # noqa: ARG001 - stands in for calibrate
    return {}


def _no_decisions() -> dict[str, str]:
    return {}


def _no_plots(judged: Any, constants: Any, importance: Any) -> "dict[str, Figure]":  # noqa: ARG001 - stands in for plots
    return {}


@dataclass(frozen=True, kw_only=True)
class ModelPart:
    candidates: tuple[Candidate, ...]
    measure: "Callable[[pd.DataFrame, Constants], dict[str, float]]"
    calibrate: "Callable[[pd.DataFrame], dict[str, float]]"
    decide: Callable[[DataFrame, Constants], DataFrame]
    plots: "Callable[[pd.DataFrame, Constants, pd.DataFrame], dict[str, Figure]]"


def model_part(use_case: str) -> ModelPart:
    module = use_cases.part(use_case, "model")
    missing = [name for name in ("candidates", "measure") if not hasattr(module, name)]
    if missing:
        raise BadDeclaration(f"{use_case}/model.py: write {' and '.join(missing)}; {__name__} says what they give")
    candidates = tuple(module.candidates())
    names = [candidate.name for candidate in candidates]
    if strange := sorted({name for candidate in candidates for name in candidate.of} - set(names)):
        raise BadDeclaration(
            f"{use_case}/model.py: {strange[0]!r} in `of` is no candidate; there are {', '.join(names)}"
        )
    return ModelPart(
        candidates=candidates,
        measure=module.measure,
        calibrate=getattr(module, "calibrate", _no_constants),
        decide=getattr(module, "decide", _by_sql(getattr(module, "decisions", _no_decisions)())),
        plots=getattr(module, "plots", _no_plots),
    )


def _by_sql(decisions: Mapping[str, str]) -> Callable[[DataFrame, Constants], DataFrame]:
    def decide(frame: DataFrame, constants: Constants) -> DataFrame:
        made = {name: f.expr(with_constants(sql, constants)) for name, sql in decisions.items()}
        return frame.withColumns(made) if made else frame

    return decide


def asked_for(part: ModelPart, search: Search, job: Job) -> tuple[Candidate, ...]:
    """Every candidate of every night, and the one of those on request that is named; or those with parameters given."""
    for candidate in part.candidates:
        if space := search.spaces.get(candidate.name):
            _refuse_unread(candidate, space)
    if given := checked(search.spaces, job.parameters):
        named = [candidate for candidate in part.candidates if candidate.name in given]
        return tuple(replace(found, params={**found.params, **given[found.name]}) for found in named)
    names, also = [candidate.name for candidate in part.candidates], job.also
    if also and also not in names:
        raise BadRequest("also", f"{also!r} is no candidate; there are {', '.join(names)}")
    return tuple(found for found in part.candidates if found.name not in search.on_request or found.name == also)


def _refuse_unread(candidate: Candidate, space: Space) -> None:
    """Before anything is fitted: a grid over a word that nothing reads would find that it does not matter."""
    first = {name: dimension.taken[0] for name, dimension in space.items()}
    if strange := [name for name in candidate.unknown({**candidate.params, **first}) if name in space]:
        raise BadDeclaration(
            f"candidate {candidate.name}: its space names {', '.join(strange)}, which nothing reads that fits it; "
            "spell it as its kind does, or take it out"
        )


def code_of(use_case: str) -> str:
    """The text a model depends on, beside the declaration."""
    return use_cases.text(use_case, "features") + use_cases.text(use_case, "model")


def rows_hash(use_case: UseCase, fingerprint: str) -> str:
    """The same for the same rows with the same features, parted alike, whatever learns from them."""
    said = (use_case.features, use_case.labels, use_case.split, use_case.history)
    made_by = use_cases.text(use_case.name, "features")
    return sha256(f"{said!r}\n{made_by}\n{fingerprint}".encode()).hexdigest()[:32]
