"""Tables that a use case's own functions make: checked against what it declares, then written by days."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from spark_jobs import use_cases
from spark_jobs.declare import NightshiftError, UseCase, Window
from spark_jobs.lakehouse import Commit, within
from spark_jobs.sql import name_of, text
from spark_jobs.tables.silver import Silver
from spark_jobs.work import Lesson


@dataclass(frozen=True, kw_only=True)
class Gold:
    """Rows on their way to a gold table."""

    work: Lesson
    name: str
    rows: DataFrame
    columns: Sequence[str]

    def write(self, days: Sequence[Window], note: Mapping[str, Any], *, whole: bool) -> Commit:
        """Put the rows of these days in the place of what was there; `whole`: of the whole table."""
        rows = self._declared().where(within(days))
        try:
            return self.work.lake.gold(self.name).replace(rows, None if whole else within(days), note)
        except (PySparkException, Py4JJavaError) as error:
            if doubled := re.search(re.escape(self._doubled) + r"\{.*?\}", str(error)):
                raise NightshiftError(doubled.group()) from None
            raise

    def _declared(self) -> DataFrame:
        """The day, the key and the declared columns; two rows of one key end the job."""
        key = self.work.use_case.features.key
        wanted = [*key, *self.columns]
        if sorted(wanted) != sorted(self.rows.columns):
            raise NightshiftError(self._difference(wanted))
        names = [name_of(name) for name in wanted]
        doubled = f"raise_error(concat({text(self._doubled)}, to_json(struct({', '.join(names[: len(key)])}))))"
        alone = f"if(count(1) OVER (PARTITION BY {', '.join(names[: len(key)])}) = 1, TRUE, {doubled}) AS _alone"
        dated = self.rows.selectExpr(f"{self.work.use_case.features.day} AS day", *names)
        return dated.selectExpr("*", alone).where("_alone").drop("_alone")

    @property
    def _function(self) -> str:
        return f"{self.work.use_case.name}/features.py: {self.name}()"

    @property
    def _doubled(self) -> str:
        return f"{self._function}: more than one row for "

    def _difference(self, wanted: Sequence[str]) -> str:
        given = self.rows.columns
        lacks, adds = [n for n in wanted if n not in given], [n for n in given if n not in wanted]
        twice = sorted({n for n in given if given.count(n) > 1})
        parts = {"lacks": lacks, "adds undeclared": adds, "names twice": twice}
        said = "; ".join(f"{what} {', '.join(names)}" for what, names in parts.items() if names)
        return f"{self._function} must return its key and the columns use_case.py declares: it {said}"


def days_sql(days: Iterable[Window]) -> str:
    spans = (f"sequence(DATE'{w.start}', DATE'{w.end}' - INTERVAL 1 DAY)" for w in days)
    return f"SELECT explode(flatten(array({', '.join(spans)}))) AS day"


def feature_code(use_case: UseCase, silver: Silver) -> str:
    """Changes when features or labels would come out differently from the same files."""
    declared = (use_case.features, use_case.labels, sorted(silver.said("code").items()))
    made_by = use_cases.text(use_case.name, "features")
    return sha256(f"{declared!r}\n{made_by}".encode()).hexdigest()[:16]
