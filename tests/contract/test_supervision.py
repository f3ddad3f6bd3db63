"""Parts that fall, with small programs in their place."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import processes, services
from local.commands import CannotGoOn
from local.home import Home
from local.supervision import Services, record, recorded

STAYS = "import time; time.sleep(60)"
FALLS = "import sys; sys.exit('no room')"
WITH_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {STAYS!r}])"
SOON = (0.0, 0.0, 0.0, 0.0)


@contextmanager
def running(root: Path, *pauses: float, **programs: str) -> Iterator[Services]:
    """As `make run` has them."""
    commands = {name: [sys.executable, "-c", program] for name, program in programs.items()}
    up = Services(Home(root=root), lambda _home: commands, pauses or SOON)
    try:
        for name in programs:
            up.start(name)
        with up.watched():
            yield up
    finally:
        up.end()


def back(up: Services, name: str, former: int) -> Callable[[], bool]:
    """Started again, and written down."""
    return lambda: name in (now := recorded(up.home)) and now[name].pid != former


def test_a_part_that_was_killed_is_started_again_and_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, one=STAYS, other=STAYS) as up:
        killed, untouched = up.parts["one"].pid, up.parts["other"].pid
        os.kill(killed, signal.SIGKILL)
        up.wait(back(up, "one", killed), "its return", within=10)
        assert up.parts["other"].pid == untouched
    said = f"one was ended by SIGKILL: started again in 0 s. Its last words: {tmp_path}/logs/one.log"
    assert capsys.readouterr().out.count(said) == 1


def test_what_a_fallen_part_had_started_is_ended_before_it_starts_again(tmp_path: Path) -> None:
    with running(tmp_path, one=WITH_CHILD) as up:
        leader = processes.running()[up.parts["one"].pid]
        up.wait(lambda: len(processes.family([leader])) == 2, "its child", within=10)
        family = processes.family([leader])
        os.kill(leader.pid, signal.SIGKILL)
        up.wait(back(up, "one", leader.pid), "its return", within=10)
        assert processes.living(family) == set()


def test_a_part_that_keeps_falling_is_given_up_on_with_its_last_words(tmp_path: Path) -> None:
    with running(tmp_path, one=FALLS) as up:
        with pytest.raises(CannotGoOn, match=r"one ended by itself with status 1 5 times(?s:.*)no room"):
            up.wait(lambda: False, "nothing", within=20)
        assert up.parts == {}


def test_pauses_grow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running(tmp_path, 0.0, 0.2, one=FALLS) as up, pytest.raises(CannotGoOn, match="3 times"):
        up.wait(lambda: False, "nothing", within=20)
    assert [line.partition("again in ")[2].partition(" s")[0] for line in capsys.readouterr().out.splitlines()] == [
        "0",
        "0.2",
    ]


def test_a_part_that_was_ended_on_purpose_stays_away(tmp_path: Path) -> None:
    with running(tmp_path, one=STAYS, other=STAYS) as up:
        up.end("one")
        up.look()
        assert set(up.parts) == {"other"}
        killed = up.parts["other"].pid
        os.kill(killed, signal.SIGKILL)
        up.wait(back(up, "other", killed), "its return", within=10)  # so somebody has looked since
        assert set(up.parts) == {"other"}


def test_a_part_that_was_started_again_is_ended_by_the_next_start_when_its_own_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, one=WITH_CHILD) as up:
        killed = up.parts["one"].pid
        os.kill(killed, signal.SIGKILL)
        up.wait(back(up, "one", killed), "its return", within=10)
        left = up.parts.pop("one")  # from here on its starter knows nothing of it
        leader = processes.running()[left.pid]
        up.wait(lambda: len(processes.family([leader])) == 2, "its child", within=10)
        assert services.stop(up.home) == 2
        assert left.poll() is not None
        assert not record(up.home).exists()


def test_children_of_a_recorded_part_are_found_when_it_is_gone_itself(tmp_path: Path) -> None:
    with running(tmp_path, one=WITH_CHILD) as up:
        left = up.parts.pop("one")
        leader = processes.running()[left.pid]
        up.wait(lambda: len(processes.family([leader])) == 2, "its child", within=10)
        [child] = processes.family([leader]) - {leader}
        os.kill(left.pid, signal.SIGKILL)
        left.wait()
        assert services.stop(up.home) == 1
        assert processes.living([child]) == set()


def test_a_start_beside_a_living_one_is_refused_and_ends_nothing(tmp_path: Path) -> None:
    with running(tmp_path, one=STAYS) as up, services.alone(up.home):
        for other in (services.make_room, services.stop):
            with pytest.raises(CannotGoOn, match=f"already runs with {tmp_path}"):
                other(up.home)
        assert up.parts["one"].poll() is None
