"""What a search is of, and what it asks to be tried."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from spark_jobs.declare import Search
from spark_jobs.kinds import Candidate, Params
from spark_jobs.learning.attempt import Attempt, Trying

if TYPE_CHECKING:
    from spark_jobs.learning.search.on_spark import Bench

Finished = Mapping[tuple[str, int], Attempt]  # by candidate and number
Told = Callable[[Attempt], None]
KeepUp = Sequence[float | None]  # fold by fold, what is not to be fallen behind
STARTS = 8  # trials of each candidate


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One trial that somebody asks for."""

    candidate: Candidate
    number: int
    params: Params

    @property
    def attempt(self) -> Attempt:
        """Nothing is known of it yet."""
        return Attempt(candidate=self.candidate.name, number=self.number, params=self.params)

    @property
    def combination(self) -> tuple[str, str]:
        return self.candidate.name, _as_text(self.params)


@dataclass(frozen=True, kw_only=True)
class Searching:
    spark: SparkSession
    trying: Trying
    candidates: Sequence[Candidate]
    declared: Search
    finished: Finished
    told: Told
    bench: "Bench | None" = None  # where candidates of kinds that fit on Spark are searched, or have folds

    @property
    def starts(self) -> int:
        """So many are drawn before any are chosen by what was seen, and before one is given up."""
        generation = self.declared.batch
        return generation if self.declared.by == "genetic" else max(generation, STARTS * len(self.candidates))

    def known(self, wanted: Wanted) -> Attempt | None:
        """From before, if it was tried with these very parameters."""
        found = self.finished.get((wanted.candidate.name, wanted.number))
        same = found is not None and (found.candidate, _as_text(found.params)) == wanted.combination
        return found if same else None

    def taken(self, attempt: Attempt) -> bool:
        """From before, as it was: it costs no time, and is written down already."""
        return self.finished.get((attempt.candidate, attempt.number)) is attempt


def _as_text(params: Params) -> str:
    """The same for parameters that have crossed as JSON."""
    return json.dumps(params, sort_keys=True)
