"""Keeps parts running: one that ends by itself is started again, and given up on only when it keeps falling."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from local import airflow_config, parts, postgres, processes
from local.airflow_api import Airflow
from local.commands import LAST_LINES, CannotGoOn, tell
from local.home import USER, Home
from local.places import CHECKOUT

UP_WITHIN = 180.0
LOOKS_EVERY = 0.3
PAUSES = (0.5, 2.0, 5.0, 10.0)  # seconds before it is started again, for the first fall, the second ...
WITHIN = 180.0  # seconds in which falls are counted: one more than there are pauses is one too many

Part = subprocess.Popen[bytes]


@dataclass
class Services:
    """What one start has started."""

    home: Home
    commands: Callable[[Home], Mapping[str, Sequence[str]]] = parts.commands
    pauses: Sequence[float] = PAUSES
    parts: dict[str, Part] = field(default_factory=dict)
    given_up: str = ""  # why; nothing is started again then
    _falls: dict[str, list[float]] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)  # when the fallen are to be started
    _hands: threading.RLock = field(default_factory=threading.RLock)

    @property
    def airflow(self) -> Airflow:
        return Airflow(self.home.airflow_url, USER, airflow_config.password(self.home), self.check)

    def start(self, name: str) -> None:
        """In a group of its own: Ctrl-C in the terminal is for us, and we end the parts."""
        self.home.logs.mkdir(parents=True, exist_ok=True)
        with self._hands, self.log(name).open("ab") as log:
            self._due.pop(name, None)
            if name == parts.FOUNDATION:
                postgres.settle(self.home)
            self.parts[name] = subprocess.Popen(
                self.commands(self.home)[name],
                env=parts.environment(self.home, name),
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            self._write_down()

    def end(self, *names: str) -> None:
        """These parts and all they have started; all parts where none is named, the foundation last."""
        with self._hands:
            wanted = names or (*self.parts, *self._due)
            for name in wanted:
                self._due.pop(name, None)
            ending = {name: self.parts.pop(name) for name in wanted if name in self.parts}
            foundation = ending.pop(parts.FOUNDATION, None)
            _end(ending.values())
            if foundation:
                _end_foundation(foundation)
            self._write_down()

    def log(self, name: str) -> Path:
        return self.home.logs / f"{name}.log"

    def look(self) -> None:
        """Once around: who has fallen, and who is due to be started again."""
        with self._hands:
            for name in [name for name, part in self.parts.items() if part.poll() is not None]:
                self._fell(name)
            for name in [name for name, when in self._due.items() if when <= time.monotonic()]:
                if name == parts.FOUNDATION or self.founded():
                    self.start(name)

    def check(self) -> None:
        """Whoever waits for something asks this meanwhile."""
        if self.given_up:
            raise CannotGoOn(self.given_up)

    def wait(self, until: Callable[[], bool], what: str, within: float = UP_WITHIN) -> None:
        deadline = time.monotonic() + within
        while not until():
            self.check()
            if time.monotonic() > deadline:
                raise CannotGoOn(f"{what} did not happen within {within:.0f} s. See {self.home.logs}")
            time.sleep(LOOKS_EVERY)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """In the block somebody looks all the time, whatever else is done."""
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(over,), name="watch over parts", daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()

    def _watch(self, over: threading.Event) -> None:
        try:
            while not over.wait(LOOKS_EVERY):
                self.look()
        except (CannotGoOn, OSError) as error:
            self.given_up = str(error)

    def _fell(self, name: str) -> None:
        """Ends what it has left behind; then a pause that grows, or the end of all patience."""
        part, now = self.parts.pop(name), time.monotonic()
        alone = processes.Process(pid=part.pid, started="", parent=0, group=part.pid)
        processes.end(processes.left_by([alone]))
        falls = self._falls[name] = [fall for fall in self._falls.get(name, []) if now - fall < WITHIN] + [now]
        how = _ending(part.returncode)
        if len(falls) > len(self.pauses):
            raise CannotGoOn(self._last_words(name, f"{how} {len(falls)} times within {WITHIN / 60:.0f} minutes"))
        pause = self.pauses[len(falls) - 1]
        self._due[name] = now + pause
        self._write_down()
        tell(f"  {name} {how}: started again in {pause:g} s. Its last words: {self.log(name)}")

    def _last_words(self, name: str, how: str) -> str:
        lines = self.log(name).read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join([f"{name} {how}, so everything is ended. The last words in {self.log(name)}:", *lines])

    def founded(self) -> bool:
        """Nobody is started over a database that is away; where none belongs to the parts, nobody needs one."""
        if parts.FOUNDATION not in self.commands(self.home):
            return True
        foundation = self.parts.get(parts.FOUNDATION)
        return foundation is not None and postgres.is_ready(self.home, foundation.pid)

    def _write_down(self) -> None:
        """For the next start, or `make stop`, should we be killed."""
        alive = processes.running()
        entries = {name: vars(alive[part.pid]) for name, part in self.parts.items() if part.pid in alive}
        fresh = record(self.home).with_suffix(".new")
        fresh.write_text(json.dumps(entries), encoding="utf-8")
        fresh.replace(record(self.home))


def record(home: Home) -> Path:
    """The parts that run, by name."""
    return home.root / "running.json"


def recorded(home: Home) -> dict[str, processes.Process]:
    """Empty where nothing was left behind."""
    if not record(home).exists():
        return {}
    entries = json.loads(record(home).read_text(encoding="utf-8"))
    return {name: processes.Process(**entry) for name, entry in entries.items()}


def _end(ending: Iterable[Part]) -> None:
    ending, alive = tuple(ending), processes.running()
    processes.end([alive[part.pid] for part in ending if part.pid in alive])
    for part in ending:
        part.wait()


def _end_foundation(part: Part) -> None:
    """It alone is asked: it ends its own, quickly, and leaves nothing to repair."""
    with suppress(subprocess.TimeoutExpired):
        part.send_signal(signal.SIGINT)
        part.wait(processes.PATIENCE)
    _end([part])


def _ending(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended by itself with status {status}"
