"""What a Dag run is to do: a pure function of who started it, when, and what the form says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from nightshift.serverless import offered
from spark_jobs.declare import BadRequest, Parameters, Retrain, Tables, UseCase, Window
from spark_jobs.declare.learning import WAYS
from spark_jobs.declare.space import checked

T = TypeVar("T")
DAY = timedelta(days=1)
USUAL = "as this kind of run does"
DECLARED = "as declared"
DAYS_AND_WHY = ("first_day", "last_day", "reason")
OF_A_MODEL = ("retrain", "may_promote", "approval", "also", "parameters", "search", "version")


class Kind(StrEnum):
    """How a Dag run came to be; decides what it may do."""

    NIGHTLY = "nightly"
    FREQUENT = "frequent"  # over a day so far, of a use case that says how often
    FORM = "form"
    RANGE = "range"
    BACKFILL = "backfill"


@dataclass(frozen=True, kw_only=True)
class Form:
    """What a person typed, checked field by field."""

    first_day: date | None = None
    last_day: date | None = None
    retrain: Retrain | None = None
    may_promote: bool | None = None
    approval: bool | None = None
    also: str = ""
    parameters: object = None  # checked against what the use case declares
    search: str = ""  # as above
    version: str = ""
    reason: str = ""

    @classmethod
    def of(cls, conf: Mapping[str, Any], fields: Sequence[str] = (*DAYS_AND_WHY, *OF_A_MODEL)) -> "Form":
        given = {name: value for name, value in conf.items() if value not in (None, "", {})}
        for name in given:
            if name not in fields:
                raise BadRequest(name, f"is not a field of this form; it has {', '.join(fields)}")
        return cls(
            first_day=_day("first_day", given.get("first_day")),
            last_day=_day("last_day", given.get("last_day")),
            retrain=_choice("retrain", given, {"always": Retrain.ALWAYS, "never": Retrain.NEVER}),
            may_promote=_choice("may_promote", given, {"yes": True, "no": False}),
            approval=_choice("approval", given, {"yes": True}),
            also=str(given.get("also", "")),
            parameters=given.get("parameters"),
            search=_choice("search", given, {way: way for way in WAYS}, DECLARED) or "",
            version=_version(given.get("version", "")),
            reason=str(given.get("reason", "")),
        )


@dataclass(frozen=True, kw_only=True)
class Started:
    """What Airflow knows of a Dag run."""

    run_key: str
    run_type: str
    by: str
    run_after: date
    interval: Window | None  # None: a run without logical date
    until: datetime | None = None  # where its data interval ends
    undone_since: date | None = None  # the first day no night has finished


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Made once, by the first task; every later task reads it."""

    kind: Kind
    window: Window
    retrain: Retrain
    may_promote: bool
    version: str
    reason: str
    run_key: str
    by: str
    # Plans of earlier releases do not say:
    also: str = ""
    approval: bool = False  # a person is asked before anything is promoted
    parameters: Parameters = field(default_factory=dict)  # train with these instead of searching
    search: str = ""  # by another way than the use case declares
    until: datetime | None = None  # of the window there is what has arrived by then; None: all

    @property
    def name(self) -> str:
        """Its kind, days and, where the last of them is not over, how far it goes."""
        if self.until is None:
            return f"{self.kind} {self.window}"
        return f"{self.kind} {self.window} until {'24:00' if self.is_whole else f'{self.until:%H:%M}'}"

    @property
    def is_whole(self) -> bool:
        """Nothing more is to come in its last day's own time."""
        return self.window.over(self.until) == [self.window]

    @property
    def done_until(self) -> date:
        """The first day that is still to be done once this is: a day so far is not."""
        return self.window.end if self.is_whole else self.window.end - DAY

    @property
    def said_why(self) -> str:
        """What the form says, else what kind of run this is."""
        return self.reason or f"{self.kind} run over {self.window}"

    def to_dict(self) -> dict[str, Any]:
        window = {"start": self.window.start.isoformat(), "end": self.window.end.isoformat()}
        until = self.until and self.until.isoformat()
        return {**vars(self), "kind": str(self.kind), "retrain": str(self.retrain), "window": window, "until": until}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "Plan":
        start, end = (date.fromisoformat(given["window"][name]) for name in ("start", "end"))
        window = Window(start=start, end=end)
        kind, retrain = Kind(given["kind"]), Retrain(given["retrain"])
        until = datetime.fromisoformat(given["until"]) if given.get("until") else None
        return cls(**{**given, "kind": kind, "retrain": retrain, "window": window, "until": until})


def fields_of(use_case: Tables) -> tuple[str, ...]:
    """Of its form."""
    return (*DAYS_AND_WHY, *OF_A_MODEL) if isinstance(use_case, UseCase) else DAYS_AND_WHY


def plan_of(use_case: Tables, started: Started, form: Form, *, today: date) -> Plan:
    kind = _kind(use_case, started, form)
    if kind is Kind.BACKFILL:
        _refuse_in_backfill(form)
    _refuse_contradictions(form)
    return Plan(
        kind=kind,
        window=_window(kind, use_case, started, form, today),
        until=started.until if kind is Kind.FREQUENT else None,
        retrain=_retrain(kind, form),
        may_promote=kind is not Kind.BACKFILL and form.may_promote is not False,
        **(_training(use_case, form) if isinstance(use_case, UseCase) else {}),
        version=form.version,
        reason=form.reason,
        run_key=started.run_key,
        by=started.by,
    )


def _training(use_case: UseCase, form: Form) -> dict[str, Any]:
    """What the form says of it."""
    return {
        "approval": use_case.approval or form.approval is True,
        "also": _also(use_case, form),
        "parameters": {} if form.parameters is None else checked(use_case.search.spaces, form.parameters),
        "search": use_case.search.asked(form.search).by if form.search else "",
    }


def nights_left_out(use_case: Tables, started: Started) -> int:
    """How many missed nights are more than one night makes up for."""
    if started.run_type != "scheduled" or started.interval is None or started.undone_since is None:
        return 0
    return max(0, (started.interval.start - use_case.most_missed - started.undone_since).days)


def why_not_now(use_case: Tables, plan: Plan, started: Started) -> str:
    """Airflow backfills every interval of a day, and each would make the whole day again: the last one does."""
    if plan.kind is not Kind.BACKFILL or not use_case.every or started.until is None:
        return ""
    if started.until.astimezone(UTC).time() == time():
        return ""
    return f"a back-fill makes a day whole, in its run that ends at midnight; the form makes {plan.window} in one run"


def _kind(use_case: Tables, started: Started, form: Form) -> Kind:
    if started.run_type == "scheduled":
        return Kind.FREQUENT if use_case.every else Kind.NIGHTLY
    if started.run_type == "backfill":
        return Kind.BACKFILL
    return Kind.RANGE if form.first_day or form.last_day else Kind.FORM


def _window(kind: Kind, use_case: Tables, started: Started, form: Form, today: date) -> Window:
    if kind is Kind.RANGE:
        return _range(use_case, form, today)
    if kind is Kind.FORM:
        return Window.of(started.run_after - DAY)
    if started.interval is None:
        raise BadRequest("logical_date", f"a {kind} run needs one, and this run has none")
    return started.interval if kind is Kind.BACKFILL else _night(use_case, started.interval, started.undone_since)


def _night(use_case: Tables, interval: Window, undone_since: date | None) -> Window:
    earliest = interval.start - use_case.most_missed
    start = min(interval.start, max(earliest, undone_since or interval.start))
    return Window(start=start, end=interval.end)


def _range(use_case: Tables, form: Form, today: date) -> Window:
    first, last = form.first_day, form.last_day
    if first is None or last is None:
        missing = "first_day" if first is None else "last_day"
        raise BadRequest(missing, "is missing: give both days, or none for yesterday")
    if last < first:
        raise BadRequest("last_day", f"{last} lies before first_day {first}")
    if last >= today:
        raise BadRequest("last_day", f"is at most yesterday (UTC), {today - DAY}, got {last}")
    window = Window.of(first, last)
    if len(window.days) > use_case.longest.days:
        raise BadRequest("last_day", f"one run takes at most {use_case.longest.days} days, got {len(window.days)}")
    return window


def _refuse_in_backfill(form: Form) -> None:
    for name in ("first_day", "last_day"):
        if getattr(form, name):
            raise BadRequest(name, "a back-fill brings its own days: leave the field out, or use the form")
    for name in ("may_promote", "approval"):
        if getattr(form, name):
            raise BadRequest(name, "a back-fill never promotes: leave the field out, or use the form")
    for name in ("parameters", "search"):
        if getattr(form, name) and form.retrain is not Retrain.ALWAYS:
            raise BadRequest(name, "a back-fill trains only where retrain is always: say so, or leave the field out")


def _refuse_contradictions(form: Form) -> None:
    if form.approval and form.may_promote is False:
        raise BadRequest("approval", "there is nothing to approve where may_promote is no: leave one of them out")
    if form.parameters is not None and form.retrain is Retrain.NEVER:
        raise BadRequest("parameters", "they are to train with, and retrain says never: leave one of them out")
    if form.search and form.retrain is Retrain.NEVER:
        raise BadRequest("search", "it is a training, and retrain says never: leave one of them out")
    if form.parameters is not None and form.search:
        raise BadRequest("parameters", f"they are instead of a search, and one by {form.search} is asked for too")
    if form.parameters is not None and form.also:
        raise BadRequest("parameters", f"they are instead of a search, and {form.also} beside one: leave one out")


def _retrain(kind: Kind, form: Form) -> Retrain:
    """Who gives parameters or asks for a search wants a training, due or not."""
    usually = Retrain.NEVER if kind is Kind.BACKFILL else Retrain.IF_DUE
    return Retrain.ALWAYS if form.parameters is not None or form.search else form.retrain or usually


def _day(field: str, value: object) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise BadRequest(field, f"is a day such as 2024-02-29, got {value!r}") from None


def _choice(field: str, given: Mapping[str, Any], choices: Mapping[str, T], usual: str = USUAL) -> T | None:
    value = given.get(field, usual)
    if value == usual:
        return None
    if value not in choices:
        raise BadRequest(field, f"is one of {', '.join([usual, *choices])}; got {value!r}")
    return choices[value]


def _also(use_case: UseCase, form: Form) -> str:
    known = offered(use_case)
    if form.also and form.also not in known:
        raise BadRequest("also", f"is one of {', '.join(known) or 'none'}, got {form.also!r}")
    return form.also


def _version(value: object) -> str:
    text = str(value)
    if text and not (text.isdigit() and int(text) > 0):
        raise BadRequest("version", f"is the number of a model version, got {value!r}")
    return text
