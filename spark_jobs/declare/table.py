"""Raw tables: what their files look like, what a good row is, and when each value becomes known."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from spark_jobs.declare.errors import BadDeclaration

RECORD = ("file", "record")  # a key: every record is a row of its own, however equal two of them are
END_OF_TIME = 253_402_300_799_999  # milliseconds since 1970, the last of the year 9999
NO_TABLE_HOLDS = " ,;{}()\n\t="  # in the name of a column


class Kind(StrEnum):
    """The type of a raw column once it is read."""

    TEXT = "string"
    INTEGER = "bigint"
    NUMBER = "double"
    DAY = "date"
    MOMENT = "timestamp"


READS_AS = {
    Kind.TEXT: "a text",
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.DAY: "a day like 2024-01-31",
    Kind.MOMENT: "a time like 2024-01-31 06:00:00",
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a raw file, by the name in its header, or by another where tables cannot hold that one."""

    name: str
    header: str = ""  # its name in the file, where that differs
    kind: Kind = Kind.NUMBER
    low: float | None = None
    high: float | None = None
    codes: tuple[str | int, ...] = ()
    required: bool = True
    bad_becomes_null: bool = False  # else a bad value refuses its row
    known_after: timedelta | None = None  # from the event time on; None: as the table says

    def __post_init__(self) -> None:
        if held := sorted({*self.name} & {*NO_TABLE_HOLDS}):
            raise BadDeclaration(
                f"column {self.name!r}: no table holds a name with {held[0]!r} in it; "
                f"give it another, and header={self.name!r}"
            )
        if (self.low is not None or self.high is not None) and self.kind not in (Kind.INTEGER, Kind.NUMBER):
            raise BadDeclaration(f"column {self.name}: low and high are for numbers, not for {self.kind}")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise BadDeclaration(f"column {self.name}: low {self.low} is above high {self.high}")

    @property
    def says(self) -> "Says":
        return Says(
            missing=f"{self.name} is missing",
            unreadable=f"{self.name} is not {READS_AS[self.kind]}",
            not_finite=f"{self.name} is not a finite number",
            below=f"{self.name} is below {self.low}",
            above=f"{self.name} is above {self.high}",
            no_code=f"{self.name} is none of {', '.join(map(str, self.codes))}",
        )


@dataclass(frozen=True, kw_only=True)
class Says:
    """Why a column refuses its row: the same words wherever it is checked."""

    missing: str
    unreadable: str
    not_finite: str
    below: str
    above: str
    no_code: str


@dataclass(frozen=True, kw_only=True)
class Check:
    """A rule across the columns of a row: an SQL condition that must hold."""

    says: str
    sql: str

    @property
    def not_so(self) -> str:
        return f"not so: {self.says}"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A rule that need not hold: silver keeps the row, with a column that says whether it does."""

    name: str
    sql: str


@dataclass(frozen=True, kw_only=True)
class Often:
    """How a table follows a day that is still going on: in runs that make anew only what came.

    What tells of a time before the watermark (so long before the run) counts too, but later: the run that closes the
    day, or any run of whole days, makes its units.
    """

    unit: timedelta = timedelta(hours=1)  # of event time, made anew as a whole
    watermark: timedelta = timedelta(hours=2)

    def __post_init__(self) -> None:
        if self.unit < timedelta(minutes=1) or timedelta(days=1) % self.unit:
            raise BadDeclaration(f"often: a day must be made of whole units of a minute at least, got {self.unit}")
        if self.watermark < self.unit:
            raise BadDeclaration(f"often: the watermark lies a unit back at least, got {self.watermark}")


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Files of one kind. Silver keeps one row per key, with `at` (event time) and `day` put in front.

    What happens has a `day_column`: a text that begins with the event day, or a whole number, the event time in
    milliseconds since 1970. What merely arrives (samples without a date) is `at_arrival`: `at` is the midnight that the
    day of its file began with. A table with neither has no event time: it describes things (machines), and the newest
    file wins.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]  # RECORD: no two rows are the same
    day_column: str = ""  # of a text the first ten characters are the event day; of a whole number it is computed
    event_time: str = ""  # SQL over the typed columns
    at_arrival: bool = False
    missing: tuple[str, ...] = ()  # what files write where nothing is known, beside leaving it blank
    checks: tuple[Check, ...] = ()
    marks: tuple[Mark, ...] = ()
    known_after: timedelta = timedelta()
    whole_history: bool = False  # features read all of it before the stamp, not only `lookback`
    days_ahead: int = 0  # a file that arrives on D may describe days up to D + days_ahead
    days_behind: int = 0  # and from D - days_behind on, if that is said: clocks that say less are wrong
    # Files hold a JSON object a line; `header` of a column may name a key within others: place.latitude
    json: bool = field(default=False, repr=False)
    delimiter: str = ","  # of several characters: the one that the header of a file has most of
    refers_to: tuple[str, str] | None = None  # (untimed table, its key): a row about something unknown there is refused
    stream: bool = field(default=False, repr=False)  # Spark takes files as they came, in batches of so many bytes:
    batch_megabytes: int = field(default=256, repr=False)  # but one file at least
    often: Often | None = field(default=None, repr=False)
    repeats_refused: bool = False  # of one key twice in one file; else the later one wins and the earlier is superseded

    def __post_init__(self) -> None:
        names = self.column_names
        if not names or len(set(names)) != len(names):
            raise BadDeclaration(f"table {self.name}: needs columns, each named once, got {names}")
        if bool(self.day_column) != bool(self.event_time):
            raise BadDeclaration(f"table {self.name}: day_column and event_time go together")
        if self.at_arrival and self.day_column:
            raise BadDeclaration(f"table {self.name}: a row is of its day_column or at_arrival, not both")
        if set(RECORD) & {*self.key} and (self.key != RECORD or set(RECORD) & {*names}):
            raise BadDeclaration(f"table {self.name}: the key RECORD stands alone, and no column is named like it")
        allowed = {*names, *RECORD} | ({"at"} if self.timed else set())
        unknown = ({*self.key} - allowed) | ({self.day_column} - {*names, ""})
        if unknown or not self.key:
            raise BadDeclaration(f"table {self.name}: key {self.key} must name some of {sorted(allowed)}")
        if marked := {mark.name for mark in self.marks} & {*names, *RECORD, "at", "day"}:
            raise BadDeclaration(f"table {self.name}: a mark is a column of its own, and {marked.pop()!r} is there")
        self._refuse_missing()
        self._refuse_overflow()
        self._refuse_often()
        if self.refers_to is not None and self.refers_to[1] not in names:
            raise BadDeclaration(f"table {self.name}: refers_to names {self.refers_to[1]}, which it does not hold")

    def _refuse_missing(self) -> None:
        if blank := [word for word in self.missing if not word or word != word.strip()]:
            raise BadDeclaration(f"table {self.name}: missing holds words without blanks around them, got {blank[0]!r}")
        for column in self.columns:
            if both := {*self.missing} & {*column.codes}:
                raise BadDeclaration(
                    f"table {self.name}: {both.pop()!r} is missing, so it is no code of {column.name}: "
                    "take it out of one"
                )

    def _refuse_overflow(self) -> None:
        """Spark computes a time of milliseconds or ends the job: what is none has to be refused before."""
        for column in self.columns:
            none = column.name == self.day_column and column.kind is Kind.INTEGER
            if none and (column.high is None or column.high > END_OF_TIME):
                raise BadDeclaration(
                    f"table {self.name}: {column.name} is a time, so its high is at most {END_OF_TIME}"
                )

    def _refuse_often(self) -> None:
        if self.batch_megabytes < 1:
            raise BadDeclaration(f"table {self.name}: batch_megabytes is at least 1, got {self.batch_megabytes}")
        if self.often is None:
            return
        if not self.days_behind or self.event_time != f"timestamp_millis({self.day_column})":
            raise BadDeclaration(
                f"table {self.name}: often is for an event_time that is timestamp_millis of the day_column, with "
                "days_behind: one wrong clock must not have years made anew"
            )
        if self.refers_to is not None or self.whole_history:
            raise BadDeclaration(
                f"table {self.name}: often goes with neither refers_to nor whole_history: these reach beyond a unit"
            )
        if not self.by_record and not {"at", self.day_column} & {*self.key}:
            raise BadDeclaration(
                f"table {self.name}: often needs `at`, or {self.day_column}, in the key: two records of one row are of "
                "one unit"
            )

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def header(self) -> tuple[str, ...]:
        """What the columns are called in a file."""
        return tuple(column.header or column.name for column in self.columns)

    @property
    def in_milliseconds(self) -> bool:
        """The event time, as a whole number."""
        return any(column.name == self.day_column and column.kind is Kind.INTEGER for column in self.columns)

    @property
    def timed(self) -> bool:
        return bool(self.day_column) or self.at_arrival

    @property
    def own_key(self) -> tuple[Column, ...]:
        """Of the key, the columns that a row names itself."""
        held = {column.name: column for column in self.columns}
        return tuple(held[key] for key in self.key if key in held and key != "at")

    @property
    def by_record(self) -> bool:
        return self.key == RECORD

    def known_at(self, column: str) -> timedelta:
        """How long after the event time this column's value is known."""
        own = {c.name: c.known_after for c in self.columns}[column]
        return self.known_after if own is None else own
