"""How a model is found and when it is good enough."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal, get_args

from spark_jobs.declare.errors import BadDeclaration, BadRequest
from spark_jobs.declare.space import Space, size

By = Literal["grid", "genetic", "optuna"]
OfGroups = Literal["accuracy", "recall", "precision"]
WAYS: tuple[By, ...] = get_args(By)
MOST = 2000  # combinations of a grid
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
    strata: tuple[str, ...] = ()  # within each of their combinations the shares are kept to the row

    def __post_init__(self) -> None:
        if not (self.judge > 0 and self.validate > 0 and self.judge + self.validate < 1):
            raise BadDeclaration(f"split: shares must be above 0 and leave rows to train on, got {self}")


@dataclass(frozen=True, kw_only=True)
class Search:
    """A seeded search. Trials are asked for in batches of this size and told in order: one seed, one winner.

    By `grid` all combinations are tried, however many `trials` says; by `genetic` a batch is a generation.
    """

    trials: int  # of all candidates together
    by: By = "optuna"
    spaces: Mapping[str, Space] = field(default_factory=dict)  # of candidates; one without is fitted as it is
    folds: int = 0  # so many choose, of the rows to train on, by content; none: the rows to validate with do
    batch: int = 4
    seed: int = 7
    on_request: tuple[str, ...] = ()  # candidates that take long: fitted only when the form asks for one
    longest: timedelta = timedelta(minutes=30)  # a trial that takes longer has failed
    gigabytes: float = 3.0  # what one trial may take for itself; with more it has failed
    # What is found is the same, however it is looked at and however fast.
    fold_runs: bool = field(default=False, repr=False)  # each fold is a run below its trial's, with what it learned
    at_once: int = field(default=2, repr=False)  # trials of kinds that fit on Spark; others run on all its workers

    def __post_init__(self) -> None:
        if min(self.trials, self.batch, self.at_once) < 1:
            raise BadDeclaration(
                f"search: trials, batch and at_once must be at least 1, got {self.trials}, {self.batch} and "
                f"{self.at_once}"
            )
        if self.folds < 0 or self.folds == 1:
            raise BadDeclaration(f"search: folds are 0, or at least 2, got {self.folds}")
        if self.fold_runs and not self.folds:
            raise BadDeclaration("search: fold_runs shows folds, and there are none: declare folds, or leave it out")
        if self.longest <= timedelta() or self.gigabytes <= 0:
            raise BadDeclaration(
                f"search: longest and gigabytes must be more than nothing, got {self.longest} and {self.gigabytes}"
            )
        self._refuse_way()

    def asked(self, by: str) -> "Search":
        """As somebody asks for it; where nothing is asked for, as it is declared."""
        if not by:
            return self
        if not self.spaces:
            raise BadRequest("search", f"nothing is searched here, so not by {by} either: leave the field out")
        try:
            return replace(self, by=by)  # type: ignore[arg-type]  # any word may be typed, and is checked there
        except BadDeclaration as error:
            raise BadRequest("search", str(error).removeprefix("search: ")) from error

    def _refuse_way(self) -> None:
        if self.by not in WAYS:
            raise BadDeclaration(f"search: by is one of {', '.join(WAYS)}, got {self.by!r}")
        if empty := [name for name, space in self.spaces.items() if not space]:
            raise BadDeclaration(f"search: the space of {empty[0]} is empty: name its parameters, or take it out")
        if self.by != "optuna" and not self.spaces:
            raise BadDeclaration(f"search: by {self.by} nothing can be tried without spaces: declare some")
        if self.by == "genetic" and self.batch < 2:
            raise BadDeclaration("search: a batch is a generation, and one alone has no children: batch is at least 2")
        if self.by == "grid" and (wanted := size(self.spaces)) > MOST:
            raise BadDeclaration(
                f"search: the grid has {wanted:,} combinations, at most {MOST:,} are tried: name fewer `points` of its "
                "dimensions, or search by genetic or optuna"
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
class GroupBound:
    """How much less than with the champion any group may have of this, in every slice of the use case."""

    metric: OfGroups
    may_worsen: float

    def __post_init__(self) -> None:
        if self.metric not in (known := get_args(OfGroups)):
            raise BadDeclaration(f"bound on groups: metric is one of {', '.join(known)}, got {self.metric!r}")
        if not self.may_worsen >= 0:
            raise BadDeclaration(f"bound on {self.metric} of groups: may_worsen is 0 or more, got {self.may_worsen}")


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
    groups: tuple[GroupBound, ...] = ()
    group_rows: int = 100  # a group of fewer judge rows is counted and not measured

    def __post_init__(self) -> None:
        if self.better not in ("higher", "lower"):
            raise BadDeclaration(f"gate: better is 'higher' or 'lower', got {self.better!r}")
        if self.margin < 0 or self.rows < 1 or self.resamples < 100:
            raise BadDeclaration("gate: margin >= 0, rows >= 1 and resamples >= 100 must hold")
        if self.group_rows < 1:
            raise BadDeclaration(f"gate: group_rows is 1 or more, got {self.group_rows}")
