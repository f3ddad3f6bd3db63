"""What columns hold, how they hang together and what has changed: tables of rows as Spark counts them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as f

if TYPE_CHECKING:
    import pandas as pd

SHARES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
SHOWN = ("count", "nulls", "mean", "deviation", "least", *SHARES, "most", "distinct")
COMPARED = ("mean", *SHARES)
EXACT = 10_000  # quantiles are exact up to so many rows
CLASSES = 7  # a label of more values is parted into thirds
BARS = 40
WORDS, MOST_WORDS = 6, 1000  # looked at of one category, and counted of all
SAMPLE = 10_000
THIRDS = ("lowest third", "middle third", "highest third")


@dataclass(frozen=True, kw_only=True)
class Looked:
    """Rows to look at. What is no number (NaN, infinite) counts as null; words are features of their own."""

    rows: DataFrame
    key: tuple[str, ...]
    features: tuple[str, ...]
    labels: tuple[str, ...]
    words: tuple[str, ...] = ()  # columns of the rows as they are

    @property
    def names(self) -> tuple[str, ...]:
        return self.labels + self.features

    @cached_property
    def numbers(self) -> DataFrame:
        return self.rows.select(*self.key, *(_number(name).alias(name) for name in self.names))

    @cached_property
    def columns(self) -> "pd.DataFrame":
        """One row per column, labels first."""
        found = _measured(self.numbers, self.names)
        found.insert(1, "is", ["label"] * len(self.labels) + ["feature"] * len(self.features))
        return found

    @cached_property
    def sample(self) -> "pd.DataFrame":
        """At most so many rows, the same ones whatever files they lie in."""
        return self._sample(self.numbers, self.names)

    @property
    def readable(self) -> "pd.DataFrame":
        """The same rows, with words as they are in the place of the columns made of them."""
        if not self.words:
            return self.sample
        made = tuple(f"{name}: " for name in self.words)
        whole = [name for name in self.names if not name.startswith(made)]
        numbers = (_number(name).alias(name) for name in whole)
        return self._sample(self.rows.select(*self.key, *numbers, *self.words), [*whole, *self.words])

    def _sample(self, rows: DataFrame, names: Sequence[str]) -> "pd.DataFrame":
        drawn = rows.orderBy(f.xxhash64(*self.key), *self.key).limit(SAMPLE)
        return cast("pd.DataFrame", drawn.select(*names).toPandas())

    def about(self, name: str) -> "pd.Series":
        return self.columns.set_index("column").loc[name]

    def histogram(self, label: str) -> "pd.DataFrame":
        """Columns value, width, rows: of each value, or of bars from the least value to the greatest."""
        about, value = self.about(label), f.col(label)
        width = 0.0
        if about["distinct"] > BARS:
            width = (about["most"] - about["least"]) / BARS
            place = f.least(f.floor((value - about["least"]) / width), f.lit(BARS - 1))
            value = about["least"] + (place + 0.5) * width
        counted = self.numbers.where(f.col(label).isNotNull()).groupBy(value.alias("value"))
        found = cast("pd.DataFrame", counted.agg(f.count(f.lit(1)).alias("rows")).toPandas())
        return found.sort_values("value", ignore_index=True).assign(width=width)

    def by_class(self, label: str) -> "pd.DataFrame":
        """Each feature in the rows of each class of the label; a column `class`, in the label's order."""
        few = self.about(label)["distinct"] <= CLASSES
        known = self.numbers.where(f.col(label).isNotNull())
        parted = known.withColumn("_class", f.col(label) if few else self._third_of(label))
        found = _measured(parted, self.features, by=["_class"])
        found.insert(0, "class", found["_class"].map(lambda one: f"{one:g}" if few else THIRDS[int(one)]))
        return found.drop(columns="_class")

    def _third_of(self, label: str) -> Column:
        low, high = self.numbers.approxQuantile(label, [1 / 3, 2 / 3], 1 / EXACT)
        return f.when(f.col(label) <= low, 0).when(f.col(label) <= high, 1).otherwise(2)


def spelled(rows: DataFrame, features: Sequence[str], categories: Sequence[str]) -> tuple[DataFrame, tuple[str, ...]]:
    """The commonest words of each category as columns that hold 1 where they stand and nothing where none does."""
    if not categories:
        return rows, tuple(features)
    told = rows.unpivot([], list(categories), "column", "word").where("word IS NOT NULL")
    counted = told.groupBy("column", "word").count().orderBy(f.desc("count"), "word").limit(MOST_WORDS).collect()
    words = {name: [row["word"] for row in counted if row["column"] == name][:WORDS] for name in categories}
    columns = {_titled(name, word): (f.col(name) == word).cast("int") for name in words for word in words[name]}
    of = {name: [_titled(name, word) for word in words[name]] if name in words else [name] for name in features}
    return rows.withColumns(columns), tuple(title for name in features for title in of[name])


def _titled(name: str, word: str) -> str:
    """Columns whose names hold dots and backticks would have to be quoted wherever they are named."""
    return f"{name}: {word}".replace(".", " ").replace("`", " ")


def explained(by_class: "pd.DataFrame") -> "pd.Series":
    """Per feature, which share of its variance lies between the classes; the greatest first."""
    import pandas as pd

    def share(rows: "pd.DataFrame") -> float:
        of_all, inside = rows["count"].sum(), (rows["deviation"].fillna(0) ** 2 * (rows["count"] - 1)).sum()
        between = (rows["count"] * (rows["mean"] - (rows["mean"] * rows["count"]).sum() / of_all) ** 2).sum()
        return float(between / (between + inside)) if between > 0 else 0.0

    known = by_class[by_class["count"] > 0]
    found = {name: share(rows) for name, rows in known.groupby("column", sort=False)}
    return pd.Series(found, dtype="float64").sort_values(ascending=False, kind="stable")


def correlations(sample: "pd.DataFrame", labels: Sequence[str]) -> "pd.DataFrame":
    """Rank correlations of all columns, labels first, then features by their strongest one with a label.

    A column that never changes has none, and is left out.
    """
    varies = [name for name in sample if sample[name].nunique() > 1]
    found = sample[varies].corr(method="spearman")
    known = [name for name in labels if name in varies]
    strength = found[known].abs().max(axis=1).fillna(0) if known else found.abs().sum()
    rest = strength.drop(known).sort_values(ascending=False, kind="stable")
    order = [*known, *rest.index]
    return found.loc[order, order]


def changes(then: "pd.DataFrame", now: "pd.DataFrame") -> "pd.DataFrame":
    """Per column of both: the farthest that mean or a quantile moved, in deviations, and the share of nulls gained."""
    both = then.merge(now, on="column", suffixes=("_then", "_now"))
    scale = both["deviation_then"].where(both["deviation_then"] > 0, both["deviation_now"])
    scale = scale.where(scale > 0, both["mean_then"].abs()).where(lambda one: one > 0, 1.0)
    moved = [(both[f"{name}_now"] - both[f"{name}_then"]).div(scale) for name in COMPARED]
    both.insert(1, "moved", _farthest(moved))
    both.insert(2, "nulls_gained", _nulls(both, "now") - _nulls(both, "then"))
    strongest = both[["moved", "nulls_gained"]].abs().max(axis=1).sort_values(ascending=False, kind="stable")
    sides = [f"{name}_{side}" for name in ("count", "nulls", "deviation", *COMPARED) for side in ("then", "now")]
    return both.loc[strongest.index, ["column", "moved", "nulls_gained", *sides]].reset_index(drop=True)


def _farthest(moved: "Sequence[pd.Series]") -> "pd.Series":
    """With its sign."""
    import pandas as pd

    together = pd.concat(moved, axis=1).fillna(0.0)
    return together.max(axis=1).where(together.max(axis=1) >= -together.min(axis=1), together.min(axis=1))


def _nulls(both: "pd.DataFrame", side: str) -> "pd.Series":
    return both[f"nulls_{side}"] / (both[f"nulls_{side}"] + both[f"count_{side}"]).clip(lower=1)


def _measured(rows: DataFrame, names: Sequence[str], by: Sequence[str] = ()) -> "pd.DataFrame":
    """One row per column, and group, in the order of the names."""
    import pandas as pd

    # Columns below each other: with the measures of all of them side by side, Spark plans ten times as long.
    values = rows.unpivot(list(by), list(names), "column", "value")
    counted = values.groupBy("column", *by).agg(*_measures(f.col("value"))).collect()
    found = pd.DataFrame([_flat(row) for row in counted], columns=["column", *by, *SHOWN])
    found = found.astype({name: "float64" for name in SHOWN if name not in ("count", "nulls", "distinct")})
    return found.sort_values(["column", *by], key=_place(names), ignore_index=True)


def _measures(value: Column) -> list[Column]:
    return [
        f.count(value).alias("count"),
        f.count_if(value.isNull()).alias("nulls"),
        f.mean(value).alias("mean"),
        f.stddev(value).alias("deviation"),
        f.min(value).alias("least"),
        f.percentile_approx(value, list(SHARES.values()), EXACT).alias("quantiles"),
        f.max(value).alias("most"),
        f.approx_count_distinct(value, 0.01).alias("distinct"),
    ]


def _flat(row: Row) -> dict[str, Any]:
    measured = row.asDict()
    quantiles = measured.pop("quantiles") or [None] * len(SHARES)
    return measured | dict(zip(SHARES, quantiles, strict=True))


def _place(names: Sequence[str]) -> "Callable[[pd.Series], pd.Series]":
    places = {name: place for place, name in enumerate(names)}
    return lambda values: values.map(places) if values.name == "column" else values


def _number(name: str) -> Column:
    value = f.col(name).cast("double")
    return f.when(f.abs(value) < float("inf"), value)  # nothing is greater than NaN, says Spark
