"""Tries the candidates and chooses one. Knows rows and what is declared, and neither tables nor MLflow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pyspark.sql import SparkSession

from spark_jobs.declare import Parameters, UseCase
from spark_jobs.kinds import Candidate, Columns, Model, kind
from spark_jobs.learning.attempt import Attempt, Trying, best
from spark_jobs.learning.model_part import ModelPart
from spark_jobs.learning.search import Bench, Finished, Searching, Told, search, tried


@dataclass(frozen=True, kw_only=True)
class Choosing:
    spark: SparkSession
    use_case: UseCase
    part: ModelPart
    candidates: Sequence[Candidate]
    given: Parameters  # candidates that are fitted with these instead of searched
    rows: Callable[..., Any]  # of the parts named, in memory or on Spark
    finished: Finished
    told: Told

    def attempts(self) -> list[Attempt]:
        """One search for all that have a space; then the others as they are, and blends of the best at the end."""
        spaces = self.use_case.search.spaces
        searched = [one for one in self.candidates if one.name in spaces and one.name not in self.given]
        found = search(self._searching(searched, parted=True)) if searched else []
        for candidate in self.candidates:
            if candidate not in searched and not candidate.of:
                found.append(tried(self._searching([candidate]), candidate))
        for candidate in self.candidates:
            if blend := self._blend(candidate, found):
                found.append(tried(self._searching([blend]), blend))
        return found

    def winner(self, attempts: Sequence[Attempt]) -> Attempt:
        """Where folds have chosen, rows that chose nothing, those to validate with, settle rounds and constants."""
        found = best(attempts, self.use_case.gate)
        if not self.use_case.search.folds:
            return found
        candidate = self.candidate(found)
        settled = self._trying(in_memory=_in_memory(candidate)).settled(candidate, found)
        chosen_by = {f"cv_{name}": value for name, value in found.metrics.items()}
        return replace(settled, metrics={**settled.metrics, **chosen_by})

    def fitted(self, winner: Attempt) -> Model:
        """Again, on the rows to train on and those to validate with, with nothing left to choose."""
        candidate = self.candidate(winner)
        rows = self.rows("train", "validate", in_memory=_in_memory(candidate))
        return candidate.fit(rows, winner.settled, Columns.of(self.use_case))

    def candidate(self, attempt: Attempt) -> Candidate:
        return next(one for one in self.candidates if one.name == attempt.candidate)

    def _searching(self, candidates: Sequence[Candidate], *, parted: bool = False) -> Searching:
        """With folds, or where many are tried, trials on Spark share rows that are parted once."""
        declared, on_spark = self.use_case.search, not all(map(_in_memory, candidates))
        bench = self._bench if on_spark and (parted or declared.folds) else None
        return Searching(
            spark=self.spark,
            trying=self._crossing if bench or not on_spark else self._trying(in_memory=False),
            candidates=candidates,
            declared=declared,
            finished=self.finished,
            told=self.told,
            bench=bench,
        )

    @cached_property
    def _crossing(self) -> Trying:
        declared = self.use_case.search
        return replace(self._trying(in_memory=True), folds=declared.folds, looks=declared.fold_runs)

    @cached_property
    def _bench(self) -> Bench:
        train, validate = (self.rows(name, in_memory=False) for name in ("train", "validate"))
        return Bench(trying=self._crossing, train=train, validate=validate, key=self.use_case.features.key)

    def _trying(self, *, in_memory: bool) -> Trying:
        return Trying(
            part=replace(self.part, candidates=()),  # workers need no other candidate
            columns=Columns.of(self.use_case),
            gate=self.use_case.gate,
            train=self.rows("train", in_memory=in_memory),
            validate=self.rows("validate", in_memory=in_memory),
        )

    def _blend(self, candidate: Candidate, attempts: Sequence[Attempt]) -> Candidate | None:
        """Of the best of each candidate it names; there is none of fewer than two."""
        kinds = {one.name: one.kind for one in self.candidates}
        good = [[one for one in attempts if one.candidate == name and one.counts] for name in candidate.of]
        leaders = [best(some, self.use_case.gate) for some in good if some]
        members = [(kinds[one.candidate], one.params) for one in leaders]
        return candidate.blending(members) if len(members) > 1 else None


def _in_memory(candidate: Candidate) -> bool:
    return kind(candidate.kind).IN_MEMORY
