"""A Spark ML pipeline: fitted on Spark, logged and scored as Spark."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

from spark_jobs.declare import BadDeclaration, Refused
from spark_jobs.kinds import Columns, Params, Why
from spark_jobs.kinds.on_spark import REASONS

if TYPE_CHECKING:
    import pandas as pd

LOG = logging.getLogger(__name__)

IN_MEMORY = False
LIBRARIES: tuple[str, ...] = ()
NEEDS_CLASSIC = True
SEED = 7  # of stages that name none: Spark's own choice is another one in each process


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A fitted pipeline that leaves each prediction column: a number, or a vector whose second value counts."""

    fitted: Any
    columns: Columns
    settled: Params

    @property
    def curves(self) -> Mapping[str, list[float]]:
        return {}

    @property
    def importance(self) -> "pd.DataFrame":
        import pandas as pd

        return pd.DataFrame(columns=["label", "feature", "importance"])

    def predict(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        raise Refused(f"a Spark ML pipeline scores frames of Spark, not {len(rows)} rows in memory")

    def moves(self, rows: "pd.DataFrame") -> "pd.DataFrame":  # noqa: ARG002 - it gives no reasons
        import pandas as pd

        return pd.DataFrame(columns=["label", "feature", "moves"])

    def score(self, frame: DataFrame, keep: Sequence[str], why: Why | None = None) -> DataFrame:
        found: DataFrame = self.fitted.transform(frame)
        missing = set(self.columns.predictions) - set(found.columns)
        if missing:
            raise BadDeclaration(
                f"the pipeline leaves no column {sorted(missing)}: name its predictionCol or probabilityCol so"
            )
        given = [_number(found, name).alias(name) for name in self.columns.predictions]
        if why:
            LOG.info("a Spark ML pipeline gives no reasons: that column is null")
            given.append(f.lit(None).cast(REASONS).alias("reasons"))
        return found.select(*keep, *given)

    def save(self, folder: Path, reads: Mapping[str, str]) -> None:
        from spark_jobs.tracking.spark_models import save_spark_model

        save_spark_model(folder, self.fitted, reads, self.columns.predictions)


def fit(rows: DataFrame, params: Params, columns: Columns, watched: DataFrame | None = None) -> Pipeline:  # noqa: ARG001 - it has no rounds to watch
    given = dict(params)
    build = given.pop("build")
    return Pipeline(fitted=ready(build(given), columns.weight).fit(rows), columns=columns, settled=given)


def ready(made: Any, weight: str = "") -> Any:
    """The estimator itself: each stage has a seed, and those that take weights the column that says them."""
    from pyspark.ml import Pipeline as Stages
    from pyspark.ml.param.shared import HasSeed, HasWeightCol

    stages = made.getStages() if isinstance(made, Stages) else [made]
    for stage in stages:
        if isinstance(stage, HasSeed) and not stage.isSet(stage.seed):
            stage.set(stage.seed, SEED)
    weighed = [stage for stage in stages if weight and isinstance(stage, HasWeightCol)]
    if weight and not weighed:
        raise BadDeclaration(f"features.weight is {weight}, and no stage of the pipeline takes weights")
    for stage in weighed:
        stage.set(stage.weightCol, weight)
    return made


def unknown(params: Params) -> list[str]:
    """Parameters that `build` never looks at."""
    build = params["build"]
    given = _Read({name: value for name, value in params.items() if name != "build"})
    try:
        build(given)
    except TypeError as error:  # as an estimator says of a word it does not know
        raise BadDeclaration(f"its build cannot make anything of {dict(given.params)}: {error}") from error
    return [name for name in given if name not in given.read]


class _Read(Mapping[str, Any]):
    """Parameters that remember which of them were read."""

    def __init__(self, params: Params) -> None:
        self.params, self.read = params, set[str]()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return self.params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.params)

    def __len__(self) -> int:
        return len(self.params)


def load(folder: Path, columns: Columns, spark: SparkSession) -> Pipeline:  # noqa: ARG001 - found as the active session
    from spark_jobs.tracking.spark_models import open_spark_model

    return Pipeline(fitted=open_spark_model(folder), columns=columns, settled={})


def _number(frame: DataFrame, name: str) -> Column:
    from pyspark.ml.functions import vector_to_array

    is_vector = frame.schema[name].dataType.typeName() == "vectorudt"
    return vector_to_array(f.col(name))[1] if is_vector else f.col(name).cast("double")
