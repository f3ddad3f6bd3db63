"""Which rows train, validate and judge."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from spark_jobs.declare import HashSplit, TimeSplit, UseCase, Window

BUCKETS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Part:
    """Rows by their stamp and, where `hashed` names columns, by the bucket their content falls into."""

    start: datetime
    end: datetime
    hashed: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0

    def condition(self, beyond: timedelta = timedelta()) -> str:
        """SQL that holds for these rows, and for those so near in time that labels overlap."""
        times = f"at >= TIMESTAMP'{_text(self.start - beyond)}' AND at < TIMESTAMP'{_text(self.end + beyond)}'"
        if not self.hashed:
            return f"({times})"
        bucket = _bucket(self.hashed)
        return f"({times} AND {bucket} >= {_edge(self.low)} AND {bucket} < {_edge(self.high)})"

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"start": self.start.isoformat(), "end": self.end.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> "Part":
        given = json.loads(text)
        given |= {name: datetime.fromisoformat(given[name]) for name in ("start", "end")}
        return cls(**given | {"hashed": tuple(given["hashed"])})


@dataclass(frozen=True, kw_only=True)
class Parts:
    """One window's rows, parted; `fitted` spans what the winner is fitted on in the end."""

    train: Part
    validate: Part
    judge: Part
    fitted: Part


def parts(use_case: UseCase, window: Window) -> Parts:
    """Nothing after the window's end, nothing before the declared history."""
    start, end = window.ends_at - use_case.history, window.ends_at
    if isinstance(use_case.split, TimeSplit):
        return _by_time(use_case.split, start, end)
    return _by_content(use_case.split, start, end, use_case.features.columns)


def _by_time(split: TimeSplit, start: datetime, end: datetime) -> Parts:
    judge_from = end - split.judge
    validate_to = judge_from - split.embargo
    validate_from = validate_to - split.validate
    return Parts(
        train=Part(start=start, end=validate_from - split.embargo),
        validate=Part(start=max(start, validate_from), end=validate_to),
        judge=Part(start=max(start, judge_from), end=end),
        fitted=Part(start=start, end=validate_to),
    )


def _by_content(split: HashSplit, start: datetime, end: datetime, columns: Sequence[str]) -> Parts:
    def share(low: float, high: float) -> Part:
        return Part(start=start, end=end, hashed=tuple(columns), low=low, high=high)

    # Judge comes first, so that a validation share declared later moves no judge row.
    fitted_from = split.judge + split.validate
    return Parts(
        judge=share(0.0, split.judge),
        validate=share(split.judge, fitted_from),
        train=share(fitted_from, 1.0),
        fitted=share(split.judge, 1.0),
    )


def _bucket(columns: Sequence[str]) -> str:
    return f"pmod(xxhash64({', '.join(f'`{column}`' for column in columns)}), {BUCKETS})"


def _edge(share: float) -> int:
    return round(share * BUCKETS)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
