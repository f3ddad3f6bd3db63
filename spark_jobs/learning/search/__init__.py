"""Finds the best parameters: asked in batches in the job, tried on Spark, told in order.

All candidates that are searched share one search. One seed gives one winner, whatever the number of workers; a search
that was killed picks up the trials it finished.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from statistics import median

from spark_jobs.kinds import Candidate, kind
from spark_jobs.learning.attempt import Attempt, Trying, best, caught
from spark_jobs.learning.search.on_spark import Bench, on_spark
from spark_jobs.learning.search.searching import Finished, KeepUp, Searching, Told, Wanted
from spark_jobs.learning.search.ways import WAYS, how_many
from spark_jobs.learning.search.workers import on_workers

__all__ = ["Bench", "Finished", "Searching", "Told", "search", "tried"]

LOG = logging.getLogger(__name__)


def search(of: Searching) -> list[Attempt]:
    """Every trial, in order. Finished ones are taken as they are; of each new one is told while others run."""
    with ThreadPoolExecutor(1) as beside:
        course = _Course(of, beside)
        WAYS[of.declared.by](of, course.tried)
        course.wait()
    return course.attempts


def tried(of: Searching, candidate: Candidate) -> Attempt:
    """As it is: on a worker, with its limits, or in the job where its kind is at home on Spark."""
    wanted = Wanted(candidate=candidate, number=0, params=candidate.params)
    if known := of.known(wanted):
        return known
    [[attempt]] = _in_turn(of, [wanted], keep_up=())
    of.told(attempt)
    return attempt


class _Course:
    """How a search goes: what was tried so far, and what is being written down beside it."""

    def __init__(self, of: Searching, beside: ThreadPoolExecutor) -> None:
        self.of, self.beside = of, beside
        self.attempts: list[Attempt] = []
        self.said: list[Future[None]] = []
        self.started = time.monotonic()

    def tried(self, wanted: Sequence[Wanted]) -> Sequence[Attempt]:
        """In the order asked."""
        found = {one.number: known for one in wanted if (known := self.of.known(one))}
        fresh = [one for one in wanted if one.number not in found]
        for some in _in_turn(self.of, fresh, self._keep_up()):
            found |= {attempt.number: attempt for attempt in some}
            self._tell(some)
            self._progress([*self.attempts, *found.values()])
        batch = [found[one.number] for one in wanted]
        self.attempts += batch
        return batch

    def wait(self) -> None:
        """What could not be written down ends the search."""
        for one in self.said:
            one.result()

    def _keep_up(self) -> KeepUp:
        """What is not to be fallen behind, fold by fold. Known before a batch begins, so workers decide all alike."""
        if len(self.attempts) < self.of.starts:
            return []
        steps = [attempt.steps for attempt in self.attempts]
        reached = ([one[place] for one in steps if len(one) > place] for place in range(self.of.trying.folds))
        return [self._least(values) if values else None for values in reached]

    def _least(self, values: Sequence[float]) -> float:
        """The median; of generations the last that would be among the parents of the next."""
        if self.of.declared.by == "optuna":
            return median(values)
        best_first = sorted(values, reverse=self.of.trying.gate.better == "higher")
        return best_first[: self.of.declared.batch][-1]

    def _tell(self, attempts: Sequence[Attempt]) -> None:
        self.wait()
        self.said = [self.beside.submit(self.of.told, attempt) for attempt in attempts]

    def _progress(self, attempts: Sequence[Attempt]) -> None:
        gate, done, wanted = self.of.trying.gate, len(attempts), how_many(self.of)
        good = [attempt for attempt in attempts if attempt.counts]
        leader = best(good, gate) if good else None
        so_far = f"{leader.metrics[gate.metric]:.4g} by {leader.candidate}" if leader else "nothing"
        failed, given_up = sum(bool(one.error) for one in attempts), sum(bool(one.given_up) for one in attempts)
        fitted = sum(not self.of.taken(attempt) for attempt in attempts)
        left = (time.monotonic() - self.started) / max(fitted, 1) * (wanted - done)
        LOG.info(
            "trial %d of %d, %d failed, %d given up, best %s so far %s, about %.0f s left",
            *(done, wanted, failed, given_up, gate.metric, so_far, left),
        )


def _in_turn(of: Searching, wanted: Sequence[Wanted], keep_up: KeepUp) -> Iterator[list[Attempt]]:
    """As they become known: of kinds that fit in memory a batch at a time, then of those that fit on Spark."""
    in_memory = [one for one in wanted if kind(one.candidate.kind).IN_MEMORY]
    others = [one for one in wanted if not kind(one.candidate.kind).IN_MEMORY]
    for first in range(0, len(in_memory), of.declared.batch):
        yield on_workers(of, in_memory[first : first + of.declared.batch], keep_up)
    if others and of.bench:
        yield from on_spark(of, of.bench, others, keep_up)
    elif others:
        yield from (_as_it_is(of.trying, one) for one in others)


def _as_it_is(trying: Trying, wanted: Wanted) -> list[Attempt]:
    return caught([wanted.attempt], lambda: [trying.settled(wanted.candidate, wanted.attempt)])
