"""A use case that learns, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Self

from spark_jobs.declare.elsewhere import Elsewhere
from spark_jobs.declare.errors import BadDeclaration
from spark_jobs.declare.job import Stage
from spark_jobs.declare.learning import Gate, HashSplit, Search, TimeSplit
from spark_jobs.declare.serving import Serving
from spark_jobs.declare.tables import Tables


@dataclass(frozen=True, kw_only=True)
class Features:
    """What a model may read: one row per key; `at` is the stamp the row stands for."""

    key: tuple[str, ...]
    columns: tuple[str, ...]
    lookback: timedelta  # how far before a row its aggregates over time read
    step: timedelta | None = None  # a row stands at the end of a step this long, not at an event
    categories: tuple[str, ...] = ()  # of the columns, those that hold words: null is missing, and so is a new word
    protected: tuple[str, ...] = ()  # of the columns, those that no model reads: kept to look at groups by
    protected_costs: str = field(default="", repr=False)  # in words, as measured: what that makes of a model
    weight: str = ""  # of the columns, the one that says what a row weighs when a model is fitted
    made: Mapping[str, str] = field(default_factory=dict)  # of the columns, those that are SQL of one raw row

    def __post_init__(self) -> None:
        if "at" not in self.key:
            raise BadDeclaration(f"features: the key must hold 'at', got {self.key}")
        if not self.columns or len(set(self.columns)) != len(self.columns) or set(self.columns) & set(self.key):
            raise BadDeclaration("features: name each column once, and none of the key")
        named = (*self.categories, *self.protected, *filter(None, [self.weight]), *self.made)
        if strange := [name for name in named if name not in self.columns]:
            raise BadDeclaration(
                f"features: categories, protected, weight and made name some of the columns, and {strange[0]!r} is none"
            )
        if self.protected_costs and not self.protected:
            raise BadDeclaration("features: protected_costs says what protected columns cost, and none is protected")
        if not self.read:
            raise BadDeclaration("features: all columns are protected, so no model could read any")
        if self.step is not None and (self.step <= timedelta() or timedelta(days=1) % self.step):
            raise BadDeclaration(f"features: a day must hold a whole number of steps, got {self.step}")

    @property
    def read(self) -> tuple[str, ...]:
        """What a model may read."""
        return tuple(name for name in self.columns if name not in self.protected)

    @property
    def day(self) -> str:
        """SQL for the day a row belongs to: midnight belongs to the day whose last step it ends."""
        return "CAST(at AS DATE)" if self.step is None else "CAST(at - INTERVAL 1 MICROSECOND AS DATE)"


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What is to be foretold: mature once `horizon` after the stamp lies inside the data of table `clock`."""

    columns: tuple[str, ...]
    horizon: timedelta
    clock: str
    facts: tuple[str, ...] = ()  # kept beside them for measuring, never learned from: when it happened, say


@dataclass(frozen=True, kw_only=True)
class UseCase(Tables):
    """What to predict, from what, and how good it must be."""

    stages: ClassVar[tuple[Stage, ...]] = tuple(stage for stage in Stage if stage is not Stage.REPORT)
    features: Features
    labels: Labels
    split: TimeSplit | HashSplit
    gate: Gate
    search: Search
    history: timedelta  # how far back training reads
    ahead: timedelta = timedelta()  # score this long before the fact
    predictions: tuple[str, ...] = ("prediction",)
    reasons: int = 0  # so many features that moved a prediction most are kept beside it
    reasons_from: str = ""  # a constant of calibrate: predictions below it keep none
    slices: tuple[str, ...] = ()  # features or labels: a verdict looks at the groups of rows that share a value
    # What is due is told by this value's words: a model is the same one whoever has to approve it or looks at its data.
    approval: bool = field(default=False, repr=False)  # a person is asked before a model is promoted
    answer_within: timedelta = field(default=timedelta(days=3), repr=False)  # else it is not
    needs_classic: tuple[str, ...] = field(default=(), repr=False)  # candidates that no serverless session can keep
    serving: Serving | None = field(default=None, repr=False)  # a service answers with a model before it is promoted
    publish_to: Elsewhere | None = field(default=None, repr=False)  # a registry that gets the champion of each night
    profile: bool = field(default=False, repr=False)  # pictures and tables of the data, when there are new ones

    def __post_init__(self) -> None:
        if self.every is not None:
            raise BadDeclaration(
                f"{self.name}: a model is trained by night, so what learns has no `every`; declare it for one that "
                "ends in tables, and let this one read them"
            )
        super().__post_init__()
        if self.tables and self.labels.clock not in (names := [table.name for table in self.tables]):
            raise BadDeclaration(f"{self.name}: labels.clock is one of {names}, got {self.labels.clock!r}")
        if isinstance(self.split, TimeSplit) and self.split.embargo < self.labels.horizon:
            raise BadDeclaration(f"{self.name}: the embargo must be at least the horizon {self.labels.horizon}")
        if self.search.folds and not isinstance(self.split, HashSplit):
            raise BadDeclaration(f"{self.name}: folds are drawn by content, so they go with a HashSplit")
        if self.reasons < 0 or (self.reasons_from and not self.reasons):
            raise BadDeclaration(
                f"{self.name}: reasons is how many are kept, 0 or more, and reasons_from goes with it; got "
                f"{self.reasons} and {self.reasons_from!r}"
            )
        if self.answer_within <= timedelta():
            raise BadDeclaration(f"{self.name}: answer_within must leave time for an answer, got {self.answer_within}")
        held = {*self.features.columns, *self.labels.columns, *self.labels.facts}
        looked_at = (*self.slices, *(self.split.strata if isinstance(self.split, HashSplit) else ()))
        if strange := [name for name in looked_at if name not in held]:
            raise BadDeclaration(
                f"{self.name}: slices and strata name features or labels, and {strange[0]!r} is none of {sorted(held)}"
            )
        self._refuse_slices()
        leaked = set(self.labels.columns) & set(self.features.columns)
        if leaked:
            raise BadDeclaration(f"{self.name}: {sorted(leaked)} are labels, so no features")

    def on(self, owner: Tables) -> Self:
        found = super().on(owner)
        if isinstance(owner, UseCase) and isinstance(self.split, HashSplit) and self._parting() != owner._parting():
            raise BadDeclaration(
                f"{self.name} and {owner.name} share their rows, so their split and the columns of their features must "
                "be the same: a row that one learns from would judge the other"
            )
        return found

    @property
    def of_one_row(self) -> bool:
        """A raw row as it is delivered makes the features of one."""
        alone = len(self.tables) == 1 and self.tables[0].at_arrival
        return alone and not self.features.lookback and self.features.step is None

    def _parting(self) -> tuple[object, ...]:
        """What decides on which side a row falls."""
        return (self.split, self.features.columns)

    def _refuse_slices(self) -> None:
        """Groups are looked at by whether a yes was foretold, decided and true: so there is one of each."""
        if self.gate.groups and not self.slices:
            raise BadDeclaration(f"{self.name}: the gate bounds groups, and no slices say which: slices=('sex',), say")
        if len(set(self.slices)) != len(self.slices):
            raise BadDeclaration(f"{self.name}: name each slice once, got {self.slices}")
        if self.slices and (len(self.labels.columns) != 1 or len(self.predictions) < 2):
            raise BadDeclaration(
                f"{self.name}: slices go with one label of 0 and 1, and with predictions of its probability and of "
                f"what `decide` makes of it; got labels {self.labels.columns} and predictions {self.predictions}"
            )
        if self.slices and self.predictions[1] in (*self.features.columns, *self.labels.columns, *self.labels.facts):
            raise BadDeclaration(
                f"{self.name}: {self.predictions[1]!r} is decided, so it is no name of a feature or a label"
            )
