"""What was asked and what was answered, as raw files in landing, for those who watch a model: off unless it is told to.

A thread of its own writes it: no answer waits for a disk. What does not fit until then is dropped, and counted.
"""

import csv
import io
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from random import Random
from uuid import uuid4

from sqlglot import exp, parse_one

from serving.bodies import Body
from serving.checked import texts
from serving.version import Answer
from spark_jobs.declare import UseCase, Wanted
from spark_jobs.failures import cause
from spark_jobs.files import Files

LOG = logging.getLogger(__name__)
ABOUT = ("asked_at", "client", "model_version")  # of each row, before what was asked
REFUSED = "refused"
Told = Callable[[str, str, int], None]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request that was answered."""

    use_case: UseCase
    wanted: Wanted  # what it was asked with
    body: Body
    answer: Answer
    client: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def table(self) -> str:
        return f"{self.use_case.name}_asked/{self.wanted.table.name}/{self.at.date()}"

    @property
    def columns(self) -> list[str]:
        """As who asks calls them; those that are protected, or of which one is made, are in no file."""
        hidden = protected(self.use_case)
        names = zip(self.wanted.table.header, self.wanted.table.column_names, strict=True)
        return [head for head, own in names if own not in hidden and own not in self.wanted.later]

    @property
    def header(self) -> list[str]:
        return [*ABOUT, *self.columns, *self.use_case.predictions, REFUSED]

    def rows(self) -> Iterator[list[str]]:
        answer, about = (
            self.answer,
            [self.at.isoformat(timespec="milliseconds"), self.client, self.answer.about.version],
        )
        given = [texts(self.body.columns.get(name), self.body.length) for name in self.columns]
        good = iter(answer.table.select(list(self.use_case.predictions)).to_pylist() if len(answer.table) else [])
        for place in range(self.body.length):
            reasons = answer.rows.reasons.get(place)
            told = dict.fromkeys(self.use_case.predictions) if reasons else next(good)
            said = ["" if value is None else str(value) for value in told.values()]
            yield [*about, *(values[place] or "" for values in given), *said, "; ".join(reasons or [])]


@dataclass(kw_only=True)
class Watch:
    share: float  # of requests, drawn by chance
    landing: Files
    each: int = 10_000  # rows, after which a file is written
    seconds: float = 60  # after which it is written anyway
    most: int = 50_000  # rows that may wait for it
    told: Told = lambda *_: None  # what became of rows of a model
    chance: Random = field(default_factory=Random)
    trouble: str = ""
    _waiting: list[Exchange] = field(default_factory=list)
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _enough: threading.Event = field(default_factory=threading.Event)
    _over: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._writing, name="watch", daemon=True)
        self._thread.start()

    def end(self, patience: float = 10) -> None:
        """What waits is written, if that is done soon."""
        self._over = True
        self._enough.set()
        if self._thread is not None:
            self._thread.join(patience)

    def take(self, exchange: Exchange) -> None:
        rows = exchange.body.length
        if not rows or self.chance.random() >= self.share:
            return
        with self._lock:
            fits = self._count + rows <= self.most
            if fits:
                self._waiting.append(exchange)
                self._count += rows
        if not fits:
            self.told(exchange.use_case.name, "dropped", rows)
        elif self._count >= self.each:
            self._enough.set()

    def _writing(self) -> None:
        while not self._over:
            self._enough.wait(self.seconds)
            self._enough.clear()
            self.write()
        self.write()

    def write(self) -> None:
        with self._lock:
            waiting, self._waiting, self._count = self._waiting, [], 0
        for exchanges in _alike(waiting):
            first, rows = exchanges[0], sum(one.body.length for one in exchanges)
            try:
                name = f"{first.at:%H%M%S}-{uuid4().hex[:12]}.csv"
                self.landing.below(*first.table.split("/"), name).write(_text(exchanges).encode())
                self._say("")
                self.told(first.use_case.name, "kept", rows)
            except Exception as error:
                self._say(cause(error))
                LOG.debug("watch", exc_info=True)
                self.told(first.use_case.name, "lost", rows)

    def _say(self, trouble: str) -> None:
        """Once, and not for each file."""
        if trouble and not self.trouble:
            LOG.warning("what is asked is not kept in %s, answers go on: %s", self.landing.address, trouble)
        elif self.trouble and not trouble:
            LOG.info("what is asked is kept in %s again", self.landing.address)
        self.trouble = trouble


def protected(use_case: UseCase) -> set[str]:
    """Raw columns too, of which a protected feature is made."""
    features = use_case.features
    made = [features.made[name] for name in features.protected if name in features.made]
    return {*features.protected, *(column for sql in made for column in _read_by(sql))}


@cache
def _read_by(sql: str) -> frozenset[str]:
    """Its columns."""
    return frozenset(column.name for column in parse_one(sql, dialect="spark").find_all(exp.Column))


def _alike(waiting: Sequence[Exchange]) -> list[list[Exchange]]:
    """What one file may hold."""
    found: dict[tuple[str, ...], list[Exchange]] = {}
    for one in waiting:
        found.setdefault((one.table, *one.header), []).append(one)
    return list(found.values())


def _text(exchanges: Sequence[Exchange]) -> str:
    sink = io.StringIO()
    lines = csv.writer(sink, lineterminator="\n")
    lines.writerow(exchanges[0].header)
    for one in exchanges:
        lines.writerows(one.rows())
    return sink.getvalue()
