"""A plant that never was: its machines, how their parts wear, fail and are replaced, and the errors they report.

Visits keep to a calendar, and what befalls a part between two of them is drawn by the visit's number. So every number
is a function of seed, machine and day: no day needs the days before it, and more machines change none of the others.
Times are whole minutes since the first of January of the year 1.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spark_jobs.declare import Window

Numbers = NDArray[np.floating[Any]]
Whole = NDArray[np.int64]

COMPONENTS, ERRORS, MODELS = 4, 5, 4
HOUR, DAY = 60, 24 * 60

# One stream of draws each, so that a new one moves none of the others.
MACHINE, LIFE, NOISE, UPSET, ERROR, ACCIDENT = range(6)

VISIT_AT = 6 * HOUR
VISIT_EVERY = (90, 75, 105, 90)  # days between two planned replacements of a component
LIVES = 4  # of a component between two visits; a fifth was never seen
SHAPE = 2.2  # of the Weibull law of lives: the older, the likelier to fail
TYPICAL_LIFE = np.array(  # days, by model (rows) and component: each model has its weak spots
    [[135, 95, 145, 125], [160, 125, 108, 165], [112, 103, 210, 125], [140, 98, 200, 140]]
)
SUDDEN = 0.03  # of all failures show in nothing before
SHOWS_FOR = (34 * HOUR, 62 * HOUR)  # from the first sign to the failure

TOLD_BY = ((0,), (1, 2), (3,), (4,))  # the errors by which each component tells that it is about to fail
TELLS = 0.7  # of all failures with signs
TELLS_BEFORE = (10 * HOUR, 40 * HOUR)
IDLE_ERRORS = np.array([7.0, 7.0, 6.0, 5.0, 3.0]) / 365  # a day, of each kind, that mean nothing


@dataclass(frozen=True, kw_only=True)
class Lives:
    """Parts from one replacement to the next, one element each."""

    machine: Whole
    component: Whole
    start: Whole
    end: Whole
    failing: Whole  # the minute it fails, or would have, had it not been replaced before
    wearing: Whole  # from when on it shows
    tells: Whole  # when it reports its errors; 0: never

    @property
    def failed(self) -> "Lives":
        return self.where(self.failing == self.end)

    def where(self, chosen: NDArray[np.bool_]) -> "Lives":
        return Lives(**{name: values[chosen] for name, values in vars(self).items()})


@dataclass(frozen=True, kw_only=True)
class Events:
    """Things that happen to machines: `what` is the number of an error or a component."""

    minute: Whole
    machine: Whole
    what: Whole

    def ordered(self) -> "Events":
        order = np.lexsort((self.what, self.machine, self.minute))
        return Events(**{name: values[order] for name, values in vars(self).items()})


@dataclass(frozen=True)
class Plant:
    """Machines are counted from 0 here, and from 1 in the files."""

    machines: int
    seed: int

    @cached_property
    def model(self) -> Whole:
        return self._draw(0).integers(MODELS, size=self.machines)

    @cached_property
    def age(self) -> Whole:
        return self._draw(1).integers(21, size=self.machines)

    @cached_property
    def first_visit(self) -> Whole:
        """The day of each machine's and component's visit number 0."""
        phase = self._draw(2).random((self.machines, COMPONENTS))
        days: Whole = (phase * np.array(VISIT_EVERY)).astype(np.int64)
        return days

    @cached_property
    def typical_life(self) -> Numbers:
        """In minutes: old machines wear their parts out faster."""
        found: Numbers = TYPICAL_LIFE[self.model] * (1.15 - 0.015 * self.age[:, None]) * DAY
        return found

    def lives(self, window: Window) -> Lives:
        """All parts that are in a machine at some time of the window."""
        first, last = window.start.toordinal(), window.end.toordinal()
        stretches = [
            self._between_visits(component, number)
            for component, every in enumerate(VISIT_EVERY)
            for number in range(first // every - 1, last // every + 1)
        ]
        names = Lives.__dataclass_fields__
        whole = Lives(**{name: np.concatenate([getattr(some, name) for some in stretches]) for name in names})
        return whole.where((whole.end >= first * DAY) & (whole.start < last * DAY))

    def wear(self, lives: Lives, minutes: Whole) -> Numbers:
        """From 0, nothing shows, to 1, it fails: by machine, minute and component. What nobody sees."""
        found = np.zeros((self.machines, len(minutes), COMPONENTS))
        shown = lives.where((lives.wearing < minutes[-1]) & (lives.end > minutes[0]) & (lives.wearing < lives.failing))
        takes = (shown.failing - shown.wearing)[:, None]
        grown = np.clip((minutes - shown.wearing[:, None]) / takes, 0, 1)
        there = (minutes >= shown.start[:, None]) & (minutes < shown.end[:, None])
        part, place = np.nonzero(there)
        found[shown.machine[part], place, shown.component[part]] = grown[part, place]
        return found

    def errors(self, lives: Lives, day: date) -> Events:
        """Those that tell of a failure to come, and those that mean nothing."""
        telling = lives.where(lives.tells // DAY == day.toordinal())
        told = [
            Events(minute=some.tells, machine=some.machine, what=np.full(len(some.tells), kind))
            for component, kinds in enumerate(TOLD_BY)
            for some in [telling.where(telling.component == component)]
            for kind in kinds
        ]
        chance = random(self.seed, ERROR, day).random((self.machines, ERRORS, 2))
        machine, kind = np.nonzero(chance[:, :, 0] < IDLE_ERRORS)
        minute = day.toordinal() * DAY + (chance[machine, kind, 1] * DAY).astype(np.int64)
        return joined([*told, Events(minute=minute, machine=machine, what=kind)])

    def _draw(self, number: int) -> np.random.Generator:
        return random(self.seed, MACHINE, number)

    def _between_visits(self, component: int, number: int) -> Lives:
        """A part put in at the visit, the one put in when it fails, and so on until the next visit."""
        every, chance = VISIT_EVERY[component], random(self.seed, LIFE, number * COMPONENTS + component)
        unit, speed, luck = chance.random((self.machines, LIVES, 3)).transpose(2, 0, 1)
        length = self.typical_life[:, component, None] * (-np.log1p(-unit)) ** (1 / SHAPE)
        visit = ((number * every + self.first_visit[:, component]) * DAY + VISIT_AT)[:, None]
        failing = visit + np.cumsum(length.astype(np.int64) + 1, axis=1)
        start = np.concatenate([visit, failing[:, :-1]], axis=1)
        end = np.minimum(failing, visit + every * DAY)
        machine = np.broadcast_to(np.arange(self.machines)[:, None], failing.shape)
        whole = Lives(
            machine=machine,
            component=np.full(failing.shape, component),
            start=start,
            end=end,
            failing=failing,
            wearing=np.where(luck < SUDDEN, failing, failing - _between(SHOWS_FOR, speed)),
            tells=_tells(failing, luck, start, end),
        )
        return whole.where(start < visit + every * DAY)


def failures(lives: Lives, day: date) -> Events:
    return _on(day, lives.failed, "end")


def replacements(lives: Lives, day: date) -> Events:
    """Planned ones at the visit, forced ones when a part fails."""
    return _on(day, lives, "start")


def joined(events: list[Events]) -> Events:
    names = ("minute", "machine", "what")
    return Events(**{name: np.concatenate([getattr(some, name) for some in events]) for name in names}).ordered()


def random(seed: int, stream: int, number: date | int) -> np.random.Generator:
    """Philox takes a key as it is; seeding the default generator takes ten times as long."""
    number = number.toordinal() if isinstance(number, date) else number
    return np.random.Generator(np.random.Philox(key=np.array([seed, stream * 10_000_000 + number], dtype=np.uint64)))


def minute_of(day: date) -> int:
    return day.toordinal() * DAY


def hours_of(day: date) -> Whole:
    """Its 24 full hours."""
    return minute_of(day) + np.arange(24) * HOUR


def moment(minute: int) -> str:
    """As it stands in the files."""
    day, rest = divmod(minute, DAY)
    return f"{date.fromordinal(day)} {timedelta(minutes=rest).seconds // 3600:02d}:{rest % HOUR:02d}:00"


def _on(day: date, lives: Lives, when: str) -> Events:
    some = lives.where(getattr(lives, when) // DAY == day.toordinal())
    return Events(minute=getattr(some, when), machine=some.machine, what=some.component).ordered()


def _tells(failing: Whole, luck: Numbers, start: Whole, end: Whole) -> Whole:
    """The luck beyond sudden failures decides whether it tells at all, and how long before."""
    share = (luck - SUDDEN) / (1 - SUDDEN) / TELLS
    minute = failing - _between(TELLS_BEFORE, share)
    return np.where((share >= 0) & (share < 1) & (minute > start) & (minute < end), minute, 0)


def _between(bounds: tuple[int, int], share: Numbers) -> Whole:
    return (bounds[0] + (bounds[1] - bounds[0]) * share).astype(np.int64)
