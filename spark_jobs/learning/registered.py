"""A registered version, as its tags tell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from spark_jobs.declare import NightshiftError, UseCase, tags
from spark_jobs.failures import cause
from spark_jobs.kinds import Columns, Model, kind
from spark_jobs.learning.splits import Part
from spark_jobs.tracking import Tracking
from spark_jobs.tracking.told import told

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


class Broken(NightshiftError):
    """A version whose files are there and cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Registered:
    """What scoring and judging need to know of a version before its model is loaded."""

    version: str
    run: str
    kind: str
    features: tuple[str, ...]
    fitted: Part
    tuned: Part
    constants: Mapping[str, float]
    told: Mapping[str, str]  # all that its tags say

    def columns(self, use_case: UseCase) -> Columns:
        """By what the version reads, not by what the use case declares today."""
        today = Columns.of(use_case)
        return Columns(features=self.features, labels=today.labels, predictions=today.predictions)

    def model(self, book: Tracking, use_case: UseCase, spark: SparkSession) -> Model:
        with book.files_of(self.version) as folder:
            try:
                return kind(self.kind).load(folder, self.columns(use_case), spark)
            except Exception as error:
                raise Broken(f"version {self.version} cannot be loaded: {cause(error)}") from error


def registered(found: "ModelVersion") -> Registered:
    return Registered(
        **told(found, tags.FITTED, tags.TUNED),
        fitted=Part.from_json(found.tags[tags.FITTED]),
        tuned=Part.from_json(found.tags[tags.TUNED]),
        told=dict(found.tags),
    )
