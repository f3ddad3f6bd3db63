"""What the engine is asked of each chunk of a file: one query, made once, over a view that every chunk replaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.types import LongType, StringType, StructType

from spark_jobs.declare import NightshiftError, Refused, UseCase
from spark_jobs.kinds import Model, Why
from spark_jobs.learning.model_part import model_part
from spark_jobs.learning.registered import Registered
from spark_jobs.predicting.asked import Asked
from spark_jobs.predicting.given import Chunk
from spark_jobs.sql import text
from spark_jobs.tables.typed import as_silver, typed, with_all_reasons, with_event_time

# Rows come once and are gone with their query. The engine would keep them with what it planned, and larger ones as long
# as the session; and it would type them while it plans, by one thread.
ROWS_THAT_PASS = {
    "spark.connect.session.planCache.enabled": "false",
    "spark.sql.session.localRelationCacheThreshold": str(1 << 30),
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.ConvertToLocalRelation",
}
WHY = """array_join(transform(reasons, r -> concat(
    {of}r.feature, ' ', coalesce(r.word, CAST(round(r.value, 4) AS STRING), 'missing'),
    coalesce(concat(', usually ', CAST(round(r.usual, 4) AS STRING)), ''), ': ', format_string('%+.3g', r.by)
)), '; ') AS reasons"""


@dataclass(frozen=True, kw_only=True)
class Question:
    """Asked by one thread at a time."""

    spark: SparkSession
    view: str
    answers: DataFrame
    features: str  # the module that answers for them

    def ask(self, chunk: Chunk, first: int) -> pa.Table:
        """A row for each of the chunk, in its order; `first` is the record number of its first one."""
        record = np.arange(first, first + len(chunk))
        _show(self.spark, self.view, chunk.texts.columns, record, chunk.problem)
        found = self.answers.toArrow().sort_by("record")
        if not np.array_equal(found["record"].to_numpy(), record):
            raise NightshiftError(
                f"{self.features}: features() does not give back each row with its `at`: {len(chunk)} rows went in, "
                f"{len(found)} came out, so nobody knows which prediction is whose"
            )
        return found.drop_columns(["record"])


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version with its model in hand, in the session that it was loaded in."""

    spark: SparkSession
    use_case: UseCase
    about: Registered
    model: Model
    asked: Asked

    def question(self, view: str, file: str, *, in_words: bool) -> Question:
        """`in_words`: reasons as a text that people read, for files that hold no lists."""
        columns = [pa.nulls(0, pa.string()) for _ in self.asked.names]
        _show(self.spark, view, columns, np.arange(0), pa.nulls(0, pa.string()))
        today, table = datetime.now(UTC).date(), self.asked.table
        rows = with_event_time(typed(self._bronze(self.spark.table(view), file, today), table), table)
        judged = with_all_reasons(rows, table)
        bad = judged.where("size(_reasons) > 0")
        refused = bad.selectExpr("_record AS record", "array_join(_reasons, '; ') AS problem")
        scored = self._scored(judged.where("size(_reasons) = 0"), today)
        answers = scored.unionByName(refused, allowMissingColumns=True)
        features = f"{self.use_case.name}/features.py"
        return Question(spark=self.spark, view=view, answers=self._told(answers, in_words=in_words), features=features)

    def _bronze(self, rows: DataFrame, file: str, today: date) -> DataFrame:
        """As if the file had arrived today."""
        places = {name: f"text{place}" for place, name in enumerate(self.asked.names)}
        fields = ", ".join(places.get(head, "CAST(NULL AS STRING)") for head in self.asked.table.header)
        columns = {"day": f"DATE'{today}'", "arrival_day": f"DATE'{today}'", "file": text(file), "record": "record"}
        columns |= {"line": "CAST(NULL AS BIGINT)", "raw": "CAST(NULL AS STRING)"}
        columns |= {"fields": f"array({fields})", "problem": "problem"}
        return rows.selectExpr(*(f"{what} AS {name}" for name, what in columns.items()))

    def _scored(self, good: DataFrame, today: date) -> DataFrame:
        """Rows find back by the one column that features leave as it is: records are microseconds apart."""
        table = self.asked.table
        rows = good.withColumn("at", f.expr("timestampadd(MICROSECOND, _record, at)")).selectExpr(*as_silver(table))
        found = self.asked.features({table.name: rows if table.by_record else rows.drop("file", "record")})
        if lacks := [name for name in self.about.features if name not in found.columns]:
            raise Refused(
                f"version {self.about.version} reads {', '.join(lacks)}, which features of {self.use_case.name} no "
                "longer are, or never were: name another one, VERSION=..."
            )
        why = Why.of(self.use_case, self.about.constants)
        predicted = self.model.score(found.select("at", *self.about.features), ["at"], why)
        decided = model_part(self.use_case.name).decide(predicted, self.about.constants)
        record = f"unix_micros(at) - unix_micros(TIMESTAMP'{today}') AS record"
        nothing = " OR ".join(f"nanvl({name}, NULL) IS NULL" for name in self._foretold)
        why_not = f"'version {self.about.version} predicts nothing of such a row'"
        return decided.selectExpr(record, f"CASE WHEN {nothing} THEN {why_not} END AS problem", *self._said)

    @property
    def _foretold(self) -> tuple[str, ...]:
        return self.use_case.predictions[: len(self.use_case.labels.columns)]

    @property
    def _said(self) -> Sequence[str]:
        return (*self.use_case.predictions, *(["reasons"] if self.use_case.reasons else []))

    def _told(self, answers: DataFrame, *, in_words: bool) -> DataFrame:
        """The columns that stand behind those of the file."""
        of = "r.prediction, ' by ', " if len(self._foretold) > 1 else ""
        reasons = [WHY.format(of=of) if in_words else "reasons"] if self.use_case.reasons else []
        predictions = (f"CASE WHEN problem IS NULL THEN {name} END AS {name}" for name in self.use_case.predictions)
        version = f"{int(self.about.version)} AS model_version"
        return answers.selectExpr("record", *predictions, version, *reasons, "problem")


def _show(spark: SparkSession, view: str, texts: Sequence[pa.Array], record: Any, problem: pa.Array) -> None:
    schema = StructType().add("record", LongType()).add("problem", StringType())
    for place in range(len(texts)):
        schema = schema.add(f"text{place}", StringType())
    rows = pa.table([pa.array(record), problem, *texts], schema.names)
    spark.createDataFrame(rows, schema).createOrReplaceTempView(view)
