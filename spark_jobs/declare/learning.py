"""How a model is found and when it is good enough."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from spark_jobs.declare.errors import BadDeclaration
from spark_jobs.declare.space import Space

CONTENT = "content"  # the block of rows whose features are all the same


@dataclass(frozen=True, kw_only=True)
class TimeSplit:
    """The newest rows judge, those before validate, the rest train; `embargo` is left out between parts."""

    judge: timedelta
    validate: timedelta
    embargo: timedelta

    def __post_init__(self) -> None:
        if min(self.judge, self.validate) <= timedelta() or self.embargo < timedelta():
            raise BadDeclaration(f"split: judge and validate must last longer than nothing, got {self}")


@dataclass(frozen=True, kw_only=True)
class HashSplit:
    """For tables without time: a row's content decides its part, for ever."""

    judge: float
    validate: float

    def __post_init__(self) -> None:
        if not (self.judge > 0 and self.validate > 0 and self.judge + self.validate < 1):
            raise BadDeclaration(f"split: shares must be above 0 and leave rows to train on, got {self}")


@dataclass(frozen=True, kw_only=True)
class Search:
    """A seeded search. Trials are asked for in batches of this size and told in order: one seed, one winner."""

    trials: int  # of all candidates together
    spaces: Mapping[str, Space] = field(default_factory=dict)  # of candidates; one without is fitted as it is
    folds: int = 0  # so many choose, of the rows to train on, by content; none: the rows to validate with do
    batch: int = 4
    seed: int = 7
    on_request: tuple[str, ...] = ()  # candidates that take long: fitted only when the form asks for one
    longest: timedelta = timedelta(minutes=30)  # a trial that takes longer has failed
    gigabytes: float = 3.0  # what one trial may take for itself; with more it has failed

    def __post_init__(self) -> None:
        if self.trials < 1 or self.batch < 1:
            raise BadDeclaration(f"search: trials and batch must be at least 1, got {self.trials} and {self.batch}")
        if self.folds < 0 or self.folds == 1:
            raise BadDeclaration(f"search: folds are 0, or at least 2, got {self.folds}")
        if self.longest <= timedelta() or self.gigabytes <= 0:
            raise BadDeclaration(
                f"search: longest and gigabytes must be more than nothing, got {self.longest} and {self.gigabytes}"
            )


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What one more metric must hold: an absolute limit, or at most this much worse than the champion."""

    metric: str
    better: Literal["higher", "lower"]
    limit: float | None = None
    may_worsen: float | None = None

    def __post_init__(self) -> None:
        if self.limit is None and self.may_worsen is None:
            raise BadDeclaration(f"bound on {self.metric}: give limit, may_worsen or both")


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A challenger must keep `limit`, and beat the champion by `margin` beyond the noise of a bootstrap."""

    metric: str
    better: Literal["higher", "lower"]
    limit: float
    margin: float  # of the champion's metric, as a share
    rows: int  # fewer judge rows are no judgement
    block: str = "day"  # rows that share it are drawn together: a column, or CONTENT
    bounds: tuple[Bound, ...] = ()
    resamples: int = 500

    def __post_init__(self) -> None:
        if self.better not in ("higher", "lower"):
            raise BadDeclaration(f"gate: better is 'higher' or 'lower', got {self.better!r}")
        if self.margin < 0 or self.rows < 1 or self.resamples < 100:
            raise BadDeclaration("gate: margin >= 0, rows >= 1 and resamples >= 100 must hold")
