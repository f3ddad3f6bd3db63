"""Follows one model's champion: asks the registry every few seconds, and puts another version in its place at once.

A request takes what is live when it comes, and keeps it to its end. What cannot be loaded leaves the old one in place.
"""

import gc
import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from serving.keeping import Kept
from serving.version import About, Version
from spark_jobs import use_cases
from spark_jobs.declare import NightshiftError, Place, Refused, Unreachable, tags
from spark_jobs.failures import cause
from spark_jobs.tracking.digest import digest
from spark_jobs.tracking.told import told

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

LOG = logging.getLogger(__name__)
AGAIN = 60.0  # seconds, after which what failed is tried again: files may have been half there, or a disk full


@dataclass(kw_only=True)
class Champion:
    """Of one model. `live` is read by requests and written by one thread, as a whole."""

    model: str
    place: Place
    kept: Kept
    version: str = ""  # this one for ever, instead of the champion
    early: bool = False  # begins before there is a champion
    reloaded: Callable[[str, str], None] = lambda *_: None  # told of the model and what became of a reload
    live: Version | None = None
    trouble: str = ""  # why the newest champion is not the one that answers
    away: str = ""  # since when the registry does not answer
    asked: bool = False  # the registry has answered since the start
    waits: bool = False  # for a first champion
    again: float = AGAIN
    _bad: str = field(default="", repr=False)  # a version that did not load: tried again when it changes, or later
    _tried: float = field(default=0.0, repr=False)

    def start(self) -> None:
        """From what is kept, else from the registry; with neither there is nothing to answer with."""
        if not self.version and (about := self.kept.live()) is not None:
            try:
                self.live = Version.load(about, self.kept.files(about))
                then = "no registry is asked" if self.alone else "the registry is asked next"
                LOG.info("%s: version %s, as it was kept here; %s", self.model, about.version, then)
                return
            except NightshiftError as error:
                LOG.warning("%s: what was kept here is not used: %s", self.model, error)
            except Exception as error:
                LOG.warning("%s: what was kept here cannot be read: %s", self.model, cause(error), exc_info=True)
        if self.alone:
            raise Refused(
                f"{self.model}: nothing that could answer is kept in {self.kept.root}, and no registry is named: name "
                "one, SERVE_REGISTRY=..."
            )
        if self.early:
            self.look()
        else:
            self._follow()

    @property
    def alone(self) -> bool:
        """No registry: what is kept here answers for ever."""
        return not self.place.registry

    @property
    def why_not(self) -> str:
        """There is nothing to answer with."""
        away = f"the registry does not answer since {self.away}" if self.away else "no version of it is champion yet"
        return self.trouble or away

    def look(self) -> None:
        """Never raises: whatever is wrong is said, and what is live goes on answering."""
        if self.alone:
            return
        try:
            self._follow()
        except Unreachable as error:
            if not self.away:
                self.away = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                with_what = f"version {self.live.about.version}" if self.live else "nothing to answer with"
                LOG.warning("%s goes on with %s: %s", self.model, with_what, error)
        except NightshiftError as error:
            self._say(str(error))
        except Exception as error:
            self._say(cause(error))
            LOG.debug("%s", self.model, exc_info=True)

    def _say(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self.reloaded(self.model, "failed")
            answers = f"version {self.live.about.version} goes on" if self.live else "nothing answers"
            LOG.error("%s: %s: %s", self.model, answers, trouble)
        self.waits = False

    def _follow(self) -> None:
        from spark_jobs.tracking import registry  # noqa: PLC0415 - seconds, which a kept version need not wait for

        use_case = use_cases.learning(self.model)
        with registry(self.place, use_case) as book:
            found = book.version(self.version) if self.version else book.champion()
            self._back()
            if found is None and self.early and self.live is None:
                self._wait()
                return
            if found is None:
                raise Refused(f"{self.model} has no champion yet: promote a version, or name one, VERSION=...")
            about = _about(self.model, found)
            this = f"{about.version} {about.files} {about.verdict}"
            if this == self._bad and not self._is_time():
                return
            if self.live is not None and self._same(about):
                self.trouble = self._bad = ""
                self._keep_at_last(self.live.about, book.files_of)
                return
            since = book.champion_since(about.version)
            try:
                self._load(replace(about, since=since), book.files_of)
            except Unreachable:
                raise
            except Exception:
                self._bad, self._tried = this, time.monotonic()
                raise
        self.trouble = self._bad = ""

    def _wait(self) -> None:
        if not self.waits:
            self.waits, self.trouble, self._bad = True, "", ""
            LOG.info("%s has no champion yet, and is waited for", self.model)

    def _same(self, about: About) -> bool:
        now = self.live.about if self.live else None
        return now is not None and replace(now, since="") == about

    def _load(self, about: About, files_of: Callable[..., object]) -> None:
        files = self.kept.files(about)
        if files.is_dir() and digest(files) != about.files:
            shutil.rmtree(self.kept.folder(about), ignore_errors=True)
        if not files.is_dir():
            with files_of(about.version) as folder:  # type: ignore[attr-defined] # a context of a folder
                loaded = Version.load(about, Path(folder))
                self._keep(about, Path(folder))
        else:
            loaded = Version.load(about, files)
        after = f", after {self.live.about.version}" if self.live else ""
        self.live, self.waits = loaded, False
        gc.freeze()
        self.reloaded(self.model, "loaded")
        LOG.info("%s: version %s answers now%s", self.model, about.version, after)
        self._name_live(about)

    def _keep(self, about: About, folder: Path) -> None:
        """A full disk keeps no copy, and no champion from answering."""
        try:
            self.kept.keep(about, folder)
        except OSError as error:
            self._tried = time.monotonic()
            LOG.warning("%s: version %s is not kept here: %s", self.model, about.version, error)

    def _keep_at_last(self, about: About, files_of: Callable[..., object]) -> None:
        if self.kept.files(about).is_dir() or not self._is_time():
            return
        with files_of(about.version) as folder:  # type: ignore[attr-defined] # as above
            if digest(Path(folder)) == about.files:
                self._keep(about, Path(folder))
        self._name_live(about)

    def _is_time(self) -> bool:
        return time.monotonic() - self._tried >= self.again

    def _name_live(self, about: About) -> None:
        try:
            if not self.version and self.kept.files(about).is_dir():
                self.kept.name_live(about)
        except OSError as error:
            LOG.warning("%s: version %s is not named here: %s", self.model, about.version, error)

    def _back(self) -> None:
        if not self.asked:
            gc.freeze()  # MLflow stays: nobody's request waits while Python looks whether it is garbage
        self.asked = True
        if self.away:
            LOG.info("%s: the registry answers again", self.model)
            self.away = ""


def follow(champions: list[Champion], every: float, over: threading.Event) -> threading.Thread:
    """In a thread of its own, until it is over."""

    def looking() -> None:
        while not over.wait(every):
            for champion in champions:
                champion.look()

    thread = threading.Thread(target=looking, name="champions", daemon=True)
    thread.start()
    return thread


def _about(model: str, found: "ModelVersion") -> About:
    known = found.tags
    return About(
        model=model,
        **told(found),
        files=known.get(tags.FILES, ""),
        verdict=known.get(tags.VERDICT, ""),
        reasons=known.get(tags.REASONS, ""),
        source=known.get(tags.SOURCE, ""),
    )
