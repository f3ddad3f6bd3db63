"""Which rows train, validate and judge."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as f

from spark_jobs.declare import HashSplit, Refused, TimeSplit, UseCase, Window
from spark_jobs.sql import text

if TYPE_CHECKING:
    import pandas as pd

BUCKETS = 1_000_000
MOST_STRATA = 100
MISSING = "missing"
LAST = 2**63 - 1  # no hash comes after it


@dataclass(frozen=True, kw_only=True)
class Edges:
    """Where in one stratum a part begins and where the next one does, as hashes; None: where the stratum does."""

    stratum: str
    low: int | None
    high: int | None

    def condition(self, hashed: str) -> str:
        low = "TRUE" if self.low is None else f"{hashed} >= {self.low}"
        high = "TRUE" if self.high is None else f"{hashed} < {self.high}"
        return f"{low} AND {high}"


@dataclass(frozen=True, kw_only=True)
class Part:
    """Rows by their stamp and, where `hashed` names columns, by the bucket their content falls into.

    With `strata`, shares are of each stratum: `edges` say which hashes they are.
    """

    start: datetime
    end: datetime
    hashed: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    strata: tuple[str, ...] = ()
    edges: tuple[Edges, ...] = ()

    def condition(self, beyond: timedelta = timedelta()) -> str:
        """SQL that holds for these rows, and for those so near in time that labels overlap."""
        times = self._times(beyond)
        if not self.hashed:
            return f"({times})"
        if self.strata:
            cases = " ".join(f"WHEN {text(one.stratum)} THEN {one.condition(_hash(self.hashed))}" for one in self.edges)
            return f"({times} AND CASE {stratum_of(self.strata)} {cases} ELSE FALSE END)"
        bucket = _bucket(self.hashed)
        return f"({times} AND {bucket} >= {_edge(self.low)} AND {bucket} < {_edge(self.high)})"

    def possible(self) -> str:
        """SQL for rows whose stratum is not known yet: those that would lie here in any of them."""
        if not self.strata:
            return self.condition()
        return f"({self._times()} AND ({' OR '.join(f'({one.condition(_hash(self.hashed))})' for one in self.edges)}))"

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"start": self.start.isoformat(), "end": self.end.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> "Part":
        given = json.loads(text)
        given |= {name: datetime.fromisoformat(given[name]) for name in ("start", "end")}
        edges = tuple(Edges(**one) for one in given.get("edges", ()))
        strata = tuple(given.get("strata", ()))
        return cls(**given | {"hashed": tuple(given["hashed"]), "strata": strata, "edges": edges})

    def _times(self, beyond: timedelta = timedelta()) -> str:
        return f"at >= TIMESTAMP'{_text(self.start - beyond)}' AND at < TIMESTAMP'{_text(self.end + beyond)}'"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """One window's rows, parted; `fitted` spans what the winner is fitted on in the end."""

    train: Part
    validate: Part
    judge: Part
    fitted: Part


def parts(use_case: UseCase, window: Window, known: DataFrame | None = None) -> Parts:
    """Nothing after the window's end, nothing before the declared history. Where there are strata, `known` rows say
    where their edges lie."""
    start, end = window.ends_at - use_case.history, window.ends_at
    if isinstance(use_case.split, TimeSplit):
        return _by_time(use_case.split, start, end)
    cut = _by_content(use_case.split, start, end, use_case.features.columns)
    return cut if known is None or not use_case.split.strata else _in_strata(cut, use_case.split, known)


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


def _in_strata(cut: Parts, split: HashSplit, known: DataFrame) -> Parts:
    """In each stratum those with the lowest hashes judge, so many that the share is kept to the row."""
    judge, fitted_from = split.judge, split.judge + split.validate
    placed = known.selectExpr(
        f"{stratum_of(split.strata)} AS stratum", f"{_hash(cut.judge.hashed)} AS hash"
    ).selectExpr(
        "*",
        "row_number() OVER (PARTITION BY stratum ORDER BY hash) - 1 AS place",
        "count(1) OVER (PARTITION BY stratum) AS rows",
    )
    first = {
        name: f"coalesce(min(hash) FILTER (WHERE place >= round(rows * {share}D)), {LAST})"
        for name, share in (("validate", judge), ("train", fitted_from))
    }
    found = placed.groupBy("stratum").agg(*(f.expr(one).alias(name) for name, one in first.items())).orderBy("stratum")
    rows = found.limit(MOST_STRATA + 1).collect()
    if len(rows) > MOST_STRATA:
        raise Refused(
            f"{', '.join(split.strata)} take more than {MOST_STRATA} values together, too many strata to part each by "
            "itself: name columns of fewer values in use_case.py"
        )

    def between(part: Part, low: str, high: str) -> Part:
        def edge(row: Row, name: str) -> int | None:
            return int(row[name]) if name else None

        edges = (Edges(stratum=row["stratum"], low=edge(row, low), high=edge(row, high)) for row in rows)
        return replace(part, strata=split.strata, edges=tuple(edges))

    return Parts(
        judge=between(cut.judge, "", "validate"),
        validate=between(cut.validate, "validate", "train"),
        train=between(cut.train, "train", ""),
        fitted=between(cut.fitted, "validate", ""),
    )


def by_stratum(known: DataFrame, cut: Parts) -> "pd.DataFrame":
    """As people know it: of each stratum its rows, how many train, validate and judge, and the share that judges."""
    counted = (
        f.expr(f"count_if({getattr(cut, name).condition()})").alias(name) for name in ("train", "validate", "judge")
    )
    stratum = f.expr(stratum_of(cut.judge.strata)).alias(" and ".join(cut.judge.strata))
    found: pd.DataFrame = cast(Any, known.groupBy(stratum).agg(f.count(f.lit(1)).alias("rows"), *counted).toPandas())
    found = found.sort_values(found.columns[0], ignore_index=True)
    return found.assign(share=(found["judge"] / found["rows"]).round(4))


def stratum_of(strata: Sequence[str]) -> str:
    """SQL for a name of the stratum a row belongs to."""
    return f"concat_ws(', ', {', '.join(f'coalesce(string(`{name}`), {text(MISSING)})' for name in strata)})"


def _hash(columns: Sequence[str]) -> str:
    return f"xxhash64({', '.join(f'`{column}`' for column in columns)})"


def _bucket(columns: Sequence[str]) -> str:
    return f"pmod({_hash(columns)}, {BUCKETS})"


def _edge(share: float) -> int:
    return round(share * BUCKETS)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
