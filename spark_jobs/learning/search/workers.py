"""Trials of kinds that fit in memory: one Spark job, one task per trial, each in a process of its own."""

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from spark_jobs.declare import Search
from spark_jobs.kinds import kind
from spark_jobs.learning.alone import Lost, alone
from spark_jobs.learning.attempt import Attempt, Trying
from spark_jobs.learning.search.searching import KeepUp, Searching, Wanted

if TYPE_CHECKING:
    import pandas as pd


def on_workers(of: Searching, wanted: Sequence[Wanted], keep_up: KeepUp) -> list[Attempt]:
    """In the order asked."""
    trying, declared = of.trying, of.declared
    libraries = {name for one in wanted for name in kind(one.candidate.kind).LIBRARIES}

    def on_worker(batches: "Iterator[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        import pandas as pd

        for name in libraries:
            importlib.import_module(name)  # here, or every trial's process would load them anew
        for batch in batches:
            texts = [_attempt_alone(trying, declared, wanted[i], keep_up).to_json() for i in batch["id"]]
            yield pd.DataFrame({"attempt": texts})

    rows = of.spark.range(len(wanted), numPartitions=len(wanted)).mapInPandas(on_worker, "attempt string").collect()
    return [Attempt.from_json(row["attempt"]) for row in rows]


def _attempt_alone(trying: Trying, declared: Search, wanted: Wanted, keep_up: KeepUp) -> Attempt:
    """A trial that hangs, crashes or takes all memory is a failed attempt too."""
    seconds = declared.longest.total_seconds()
    try:
        text = alone(
            lambda: trying.attempt(wanted.candidate, wanted.number, wanted.params, keep_up).to_json(),
            seconds=seconds,
            gigabytes=declared.gigabytes,
        )
    except Lost as error:
        return replace(wanted.attempt, error=str(error), seconds=seconds)
    return Attempt.from_json(text)
