"""What crosses from Airflow to Spark: one list of strings, there and back without loss."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import NoReturn

from spark_jobs.declare.errors import BadRequest
from spark_jobs.declare.learning import WAYS
from spark_jobs.declare.space import Parameters
from spark_jobs.declare.window import Window


class Stage(StrEnum):
    INGEST = "ingest"
    REFINE = "refine"
    FEATURES = "features"
    PROFILE = "profile"
    TRAIN = "train"
    EVALUATE = "evaluate"
    SCORE = "score"
    REPORT = "report"  # of a use case that learns nothing


EVERY_NIGHT = tuple(stage for stage in Stage if stage not in (Stage.PROFILE, Stage.REPORT))  # of one that learns
LEARNING = (Stage.PROFILE, Stage.TRAIN, Stage.EVALUATE)  # read all that is known
A_MONTH = timedelta(days=31)
MINUTES = "%Y-%m-%dT%H:%M"  # a moment, in UTC
RESULT = '{"nightshift": 1,'  # how the line of a job begins that says what came of it


class Retrain(StrEnum):
    IF_DUE = "if due"
    ALWAYS = "always"
    NEVER = "never"


SOURCES = ("simulated", "public", "own")
BUCKETS = ("s3://", "s3a://")  # Spark says s3a to what everybody else calls s3
TRACKING, UNITY = "databricks", "databricks-uc"  # MLflow's names of a workspace's own tracking and registry
WORKSPACE_FOLDER = "/Shared/nightshift"  # whose parent everybody in a workspace can read
OVER = "spark.nightshift.over"  # set in an engine's session whose work is no longer wanted


def is_bucket(address: str) -> bool:
    return address.startswith(BUCKETS)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a target keeps things. No secrets: it stands in process lists and logs."""

    lake: str
    landing: str
    tracking: str
    registry: str
    engine: str = ""  # where the Spark Connect server answers: sc://localhost:15002; none where Spark is all around
    token: str = ""  # the file that holds the word for it, readable by its owner only
    source: str = "simulated"
    simulation: str = ""  # the simulator's knobs: "broken=0.01,seed=3"

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise BadRequest("source", f"is one of {', '.join(SOURCES)}, got {self.source!r}")

    def model_name(self, use_case: str) -> str:
        """A registry of a catalog wants its names in full."""
        return f"{self.lake}.{use_case}" if self.registry == UNITY else use_case

    def experiment(self, use_case: str) -> str:
        """Of a workspace: a path in it."""
        return f"{WORKSPACE_FOLDER}/{self.lake}/{use_case}" if self.tracking == TRACKING else use_case

    def exports(self, use_case: str) -> str:
        """Where lists for people go: into the lake, or beside the landing files where the lake is a catalog."""
        return self._beside("export", use_case)

    def checkpoint(self, use_case: str, table: str) -> str:
        """Where a stream keeps how far it is."""
        return self._beside("streams", use_case) + f"/{table}"

    def _beside(self, what: str, use_case: str) -> str:
        if "/" in self.lake:
            return f"{self.lake}/{use_case}/{what}"
        return f"{self.landing.rpartition('/')[0]}/{what}/{use_case}"

    def argv(self) -> list[str]:
        return _options({f.name: str(getattr(self, f.name)) for f in fields(self)})


@dataclass(frozen=True, kw_only=True)
class Job:
    """One stage of one use case over one window."""

    stage: Stage
    use_case: str
    window: Window
    run: str = ""  # the MLflow run of the Dag run this job belongs to
    retrain: Retrain = Retrain.IF_DUE
    version: str = ""  # the model version to evaluate, or to score with instead of the champion
    also: str = ""  # a candidate that is fitted only on request
    parameters: Parameters = field(default_factory=dict)  # train with these instead of searching
    search: str = ""  # by another way than the use case declares
    until: datetime | None = None  # of the window there is what has arrived by then; None: all

    def __post_init__(self) -> None:
        if self.until and (self.until.utcoffset() is None or self.until.second or self.until.microsecond):
            raise BadRequest("until", f"is a whole minute of a known time zone, got {self.until}")
        if self.version and not self.version.isdigit():
            raise BadRequest("version", f"is a number, got {self.version!r}")
        if self.search and self.search not in WAYS:
            raise BadRequest("search", f"is one of {', '.join(WAYS)}, got {self.search!r}")

    @property
    def days_over(self) -> list[Window]:
        """Of the window, the days to which nothing more is to come in their time."""
        return self.window.over(self.until)

    @property
    def small(self) -> bool:
        """Holds so few rows that to compile code for its queries costs more than it saves. A wrong guess costs time."""
        return self.stage not in LEARNING and self.window.end - self.window.start <= A_MONTH

    def argv(self) -> list[str]:
        window = {"start": self.window.start.isoformat(), "end": self.window.end.isoformat()}
        parameters = json.dumps(self.parameters, sort_keys=True) if self.parameters else ""
        extra = {"run": self.run, "retrain": str(self.retrain), "version": self.version, "also": self.also}
        extra |= {"parameters": parameters, "search": self.search}
        extra["until"] = self.until.astimezone(UTC).strftime(MINUTES) if self.until else ""
        usual = {"retrain": Retrain.IF_DUE}
        given = {name: value for name, value in extra.items() if value != usual.get(name, "")}
        return [str(self.stage), self.use_case, *_options(window | given)]


def _options(values: dict[str, str]) -> list[str]:
    # One word each, so that a value may begin with a dash.
    return [f"--{name}={value}" for name, value in values.items()]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadRequest("job", message)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"is a day like 2024-01-31, got {text!r}") from None


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, MINUTES).replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"is a minute like 2024-01-31T10:20 (UTC), got {text!r}") from None


def _parameters(text: str) -> Parameters:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(isinstance(values, Mapping) for values in given.values()):
        raise argparse.ArgumentTypeError(f'is JSON like {{"boosting": {{"eta": 0.1}}}}, got {text!r}')
    return given


def _parser() -> _Parser:
    parser = _Parser(prog="python -m spark_jobs", description="One stage of one use case over one window.")
    place, job = parser.add_argument_group("place"), parser.add_argument_group("job")
    for name in ("lake", "landing", "tracking", "registry"):
        place.add_argument(f"--{name}", required=True)
    for name, usual in (("engine", ""), ("token", ""), ("source", "simulated"), ("simulation", "")):
        place.add_argument(f"--{name}", default=usual)
    job.add_argument("stage", choices=list(Stage))
    job.add_argument("use_case")
    job.add_argument("--start", type=_day, required=True)
    job.add_argument("--end", type=_day, required=True, help="the first day that is not in the window")
    job.add_argument("--run", default="")
    job.add_argument("--retrain", choices=list(Retrain), default=Retrain.IF_DUE)
    job.add_argument("--version", default="")
    job.add_argument("--also", default="", help="a candidate that is fitted only on request")
    job.add_argument("--parameters", type=_parameters, default={}, help="train with these instead of searching")
    job.add_argument("--search", default="", help=f"by another way than declared: {', '.join(WAYS)}")
    job.add_argument(
        "--until", type=_moment, help="of the window there is what has arrived by then, as 2024-01-31T10:20"
    )
    return parser


def parse(argv: list[str]) -> tuple[Place, Job]:
    """The inverse of `[*place.argv(), *job.argv()]`."""
    given = vars(_parser().parse_args(argv))
    window = Window(start=given.pop("start"), end=given.pop("end"))
    place = Place(**{f.name: given.pop(f.name) for f in fields(Place)})
    stage, retrain = Stage(given.pop("stage")), Retrain(given.pop("retrain"))
    return place, Job(stage=stage, retrain=retrain, window=window, **given)
