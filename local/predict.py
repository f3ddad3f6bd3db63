"""`make predict`: rows of a file in, the same rows with what a model says of them out. In the Spark environment."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from grpc import RpcError
from pyspark.errors import PySparkException

from local.at_hand import engine_for, registry_of
from local.commands import CannotGoOn, step, tell
from local.home import Home, from_environment
from local.typed import model_of, version_of
from spark_jobs import use_cases
from spark_jobs.declare import BadRequest, NightshiftError, Place, UseCase
from spark_jobs.declare.wanted import named
from spark_jobs.failures import cause, explained
from spark_jobs.predicting.asked import as_delivered, asked, version_to_ask
from spark_jobs.predicting.file import Told, predict
from spark_jobs.predicting.given import ENDINGS, Format, Given, given
from spark_jobs.predicting.question import Version
from spark_jobs.session import spark_session
from spark_jobs.tracking import tracking

LIKE_THIS = "make predict MODEL=wine_quality FILE=wines.csv"
INTERRUPTED = 130
SMALL = 1 << 20  # bytes of a file that is read sooner than code to read it is compiled
WIDTH = 30  # characters of the bar
EVERY = 10.0  # seconds between two lines, where there is no terminal


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What was typed after `make predict`."""

    use_case: UseCase
    file: Path
    out: Path
    version: str

    @classmethod
    def of(cls, typed: Mapping[str, str]) -> "Typed":
        model = model_of(typed, "FILE", like=LIKE_THIS)
        file, version = Path(typed["FILE"]).expanduser(), version_of(typed)
        out = Path(typed.get("OUT") or file.with_name(f"{file.stem}.scored.csv")).expanduser()
        return cls(use_case=use_cases.learning(model), file=file, out=out, version=version)

    @property
    def format(self) -> Format:
        return ENDINGS[self.out.suffix.lower()]

    def refuse_out(self) -> None:
        """Before anything takes a while."""
        if self.out.suffix.lower() not in ENDINGS:
            raise BadRequest("OUT", f"ends in {', '.join(ENDINGS)}, which says how it is written; got {self.out}")
        if not self.out.parent.is_dir() or self.out.is_dir():
            raise BadRequest("OUT", f"is a file in a folder that is there, got {self.out}")
        if self.out.exists() and self.out.samefile(self.file):
            raise BadRequest("OUT", f"{self.out} is the file to predict, which stays as it is: name another one")


@dataclass(kw_only=True)
class Bar:
    """How far it is: a bar on a terminal, a line now and then elsewhere."""

    moves: bool = field(default_factory=sys.stdout.isatty)
    began: float = field(default_factory=time.monotonic)
    _told: float = field(default_factory=time.monotonic)

    def show(self, told: Told) -> None:
        now = time.monotonic()
        done = f"{told.read:4.0%}  {told.rows:,} rows  {now - self.began:.0f} s"
        if self.moves:
            tell(f"\r  {'#' * int(WIDTH * told.read):.<{WIDTH}} {done}", end="")
        elif told.read < 1 and now - self._told > EVERY:
            self._told = now
            tell(f"  {done}")

    def end(self) -> None:
        if self.moves:
            tell("")


def main(home: Home, typed: Mapping[str, str]) -> None:
    wanted = Typed.of(typed)
    delimiters, begun = as_delivered(wanted.use_case)
    file = given(wanted.file, delimiters, begun)
    wanted.refuse_out()
    place = Place(lake=str(wanted.out.parent), landing=str(file.path), tracking="", registry="", engine=home.engine_url)
    try:
        done = _predicted(home, wanted, file)
    except (PySparkException, RpcError, OSError) as error:
        raise explained(error, place) or CannotGoOn(f"{file.path}: {cause(error)}") from None
    tell(done)


def _predicted(home: Home, wanted: Typed, file: Given) -> str:
    """What became of it, in a sentence."""
    bar = Bar()
    with TemporaryDirectory(prefix="nightshift-") as folder, ExitStack() as stack:
        version = _version(home, wanted, file, Path(folder), stack)
        told = predict(version, file, wanted.out, wanted.format, bar.show)
    bar.end()
    problems = f"; {told.problems:,} cannot be scored, and the column problem says why" if told.problems else ""
    return f"  {told.rows:,} rows, by version {version.about.version} of {wanted.use_case.name}{problems}: {wanted.out}"


def _version(home: Home, wanted: Typed, file: Given, folder: Path, stack: ExitStack) -> Version:
    """The registry is needed until the model is here; the engine, which sees no lake, until the stack is closed."""
    use_case, name = wanted.use_case, f"make predict {os.getpid()}"
    with registry_of(home) as url:
        where = Place(lake=str(folder / "lake"), landing="", tracking=url, registry=url)
        with tracking(where, use_case) as book:
            about = version_to_ask(book, wanted.version)
            columns = asked(use_case, about)
            columns.require(file, use_case)
            if ignored := columns.ignored(file):
                tell(f"  Not read, for {use_case.name} does not know them: {named(ignored)}")
            with step("Opening an engine"):
                place = stack.enter_context(engine_for(home, where, folder))
                small = file.path.stat().st_size < SMALL
                spark = stack.enter_context(spark_session(place, name, small=small))
            model = about.model(book, use_case, spark)
    return Version(spark=spark, use_case=use_case, about=about, model=model, asked=columns)


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupted)
    try:
        main(from_environment(), os.environ)
    except KeyboardInterrupt:
        tell("\nInterrupted: nothing was written.")
        sys.exit(INTERRUPTED)
    except NightshiftError as error:
        sys.exit(str(error))
