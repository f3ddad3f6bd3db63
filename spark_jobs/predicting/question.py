"""What the engine is asked of each chunk of a file: one query, made once, over a view that every chunk replaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

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
from spark_jobs.tables.typed import BAD, GOOD, REASONS, as_silver, typed, with_all_reasons, with_event_time

RULES = "org.apache.spark.sql.catalyst.optimizer"
# The first would type rows while it plans, by one thread; the others would type them anew for each thing that is asked
# of them, three times as long in all.
NO_HELP = ("ConvertToLocalRelation", "PushDownPredicates", "PushPredicateThroughNonJoin")
# Rows come once and are gone with their query. The engine would keep them with what it planned, and larger ones as long
# as the session.
ROWS_THAT_PASS = {
    "spark.connect.session.planCache.enabled": "false",
    "spark.sql.session.localRelationCacheThreshold": str(1 << 30),
    "spark.sql.optimizer.excludedRules": ",".join(f"{RULES}.{name}" for name in NO_HELP),
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
    scored: DataFrame
    refused: DataFrame
    features: str  # the module that answers for them

    def ask(self, rows: pa.Table) -> pa.Table:
        """An answer to each, in their order."""
        record = rows["record"].to_numpy()
        _show(self.spark, self.view, rows)
        found = self.scored.toArrow()
        if len(found) < len(rows):
            _show(self.spark, self.view, rows.filter(pa.array(~np.isin(record, found["record"].to_numpy()))))
            found = pa.concat_tables([found, self.refused.toArrow()])
        found = found.sort_by("record")
        if not np.array_equal(found["record"].to_numpy(), record):
            raise NightshiftError(
                f"{self.features}: features() does not give back each row with its `at`: {len(rows)} rows went in, "
                f"{len(found)} came out, so nobody knows which prediction is whose"
            )
        return found.drop_columns(["record"])


def rows_of(chunk: Chunk, first: int) -> pa.Table:
    """As they are asked about; `first` is the record number of the first."""
    record = pa.array(np.arange(first, first + len(chunk)))
    return pa.table([record, chunk.problem, *chunk.texts.columns], _names(len(chunk.texts.columns)))


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
        _show(self.spark, view, pa.table([[]] * (2 + len(self.asked.names)), _names(len(self.asked.names))))
        today, table = datetime.now(UTC).date(), self.asked.table
        rows = with_event_time(typed(self._bronze(self.spark.table(view), file, today), table), table)
        judged = with_all_reasons(rows, table)
        bad = judged.where(BAD)
        refused = bad.selectExpr("_record AS record", f"array_join({REASONS}, '; ') AS problem")
        scored = self._scored(judged.where(GOOD), today)
        of_none = scored.limit(0).unionByName(refused, allowMissingColumns=True)
        return Question(
            spark=self.spark,
            view=view,
            scored=self._told(scored, in_words=in_words),
            refused=self._told(of_none, in_words=in_words),
            features=f"{self.use_case.name}/features.py",
        )

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


def _names(texts: int) -> list[str]:
    return ["record", "problem", *(f"text{place}" for place in range(texts))]


def _show(spark: SparkSession, view: str, rows: pa.Table) -> None:
    """In the place of what the view showed before."""
    record, *texts = rows.column_names
    schema = StructType().add(record, LongType())
    for name in texts:
        schema = schema.add(name, StringType())
    spark.createDataFrame(rows, schema).createOrReplaceTempView(view)
