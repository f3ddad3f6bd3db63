"""What a laptop does before anything of ours is installed."""

import configparser
import os
import socket
import stat
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from local import airflow_config, install, java, parts, processes
from local.first_nights import last_night
from local.home import Home, check_ports, from_environment
from spark_jobs.declare import BadRequest


def a_java(home: Path, version: str) -> Path:
    """A folder that looks like one; its `java` says what it was told."""
    (home / "bin").mkdir(parents=True)
    (home / "release").write_text(f'JAVA_VERSION="{version}"\n')
    (home / "bin" / "java").write_text('#!/bin/sh\nfor word; do echo "$word"; done\n')
    (home / "bin" / "java").chmod(0o755)
    return home


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 3, 1, 1, 59, tzinfo=UTC), date(2026, 2, 27)),
        (datetime(2026, 3, 1, 2, 0, tzinfo=UTC), date(2026, 2, 28)),
        (datetime(2026, 3, 1, 23, 0, tzinfo=UTC), date(2026, 2, 28)),
    ],
)
def test_the_newest_night_is_about_the_day_before_the_last_two_o_clock(now: datetime, day: date) -> None:
    assert last_night(now) == day


def test_a_java_that_spark_does_not_run_on_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newest, good = a_java(tmp_path / "25", "25.0.1"), a_java(tmp_path / "21", "21.0.8")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("JAVA_HOME", str(newest))
    monkeypatch.setenv("PATH", f"{newest}/bin:{good}/bin")
    assert java.found() == good
    monkeypatch.setenv("PATH", f"{newest}/bin")
    assert java.found() is None


def test_a_launcher_never_comes_to_run_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, launcher = a_java(tmp_path / "21", "21.0.8"), tmp_path / "launcher"
    java.launcher(good, launcher)
    (launcher / "release").write_text('JAVA_VERSION="21.0.8"\n')
    monkeypatch.setenv("JAVA_HOME", str(launcher))  # as it stands in the surroundings of a job
    monkeypatch.setenv("PATH", f"{launcher}/bin:{good}/bin")
    assert java.found() == good


def test_java_is_started_without_a_module_it_lacks(tmp_path: Path) -> None:
    home = a_java(tmp_path / "runtime", "21.0.8")
    java.launcher(home, tmp_path / "launcher")
    words = ["-cp", "/j/delta.jar:/s/jars/*", "--add-modules=jdk.incubator.vector"]
    said = subprocess.run(
        [tmp_path / "launcher/bin/java", *words, "an argument with $spaces"], capture_output=True, text=True, check=True
    ).stdout
    assert said.splitlines() == ["-cp", "/j/delta.jar:/s/jars/*", "an argument with $spaces"]


def test_a_port_in_use_is_refused_by_the_name_of_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as other:
        free, used = other.getsockname()[1], taken.getsockname()[1]
        other.close()
        with pytest.raises(BadRequest, match=f"MLFLOW_PORT: port {used} is in use"):
            check_ports(Home(root=tmp_path, airflow_port=free, mlflow_port=used).ports, "Choose another: make run")


@pytest.mark.parametrize("given", ["80", "70000", "eighty", "-1"])
def test_a_port_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(BadRequest, match="AIRFLOW_PORT: is a number from 1024 to 65535"):
        from_environment({"AIRFLOW_PORT": given})


def test_settings_of_the_stack_that_a_shell_still_holds_change_nothing_of_a_laptop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its engine holds this lake; jobs that wrote another one would be alone there."""
    ours = {
        "SPARK_TARGET": "local",
        "NIGHTSHIFT_LAKE": f"{tmp_path}/lake",
        "NIGHTSHIFT_LANDING": f"{tmp_path}/landing",
        "NIGHTSHIFT_MLFLOW_PAGES": "http://127.0.0.1:5000",
    }
    for name in ours:
        monkeypatch.setenv(name, "the stack's")
    told = parts.environment(Home(root=tmp_path), "scheduler")
    assert {name: told[name] for name in ours} == ours


def test_a_part_is_made_once_and_again_when_what_it_is_made_from_changes_or_it_is_gone(tmp_path: Path) -> None:
    made, part = list[str](), tmp_path / "part"

    def make() -> None:
        made.append("made")
        part.touch()

    for ingredients in (["1.0"], ["1.0"], ["1.1"]):
        install.once(part, "a part", ingredients, make)
    assert len(made) == 2
    part.unlink()
    install.once(part, "a part", ["1.1"], make)
    assert len(made) == 3


def test_a_part_whose_making_failed_is_made_again(tmp_path: Path) -> None:
    def fail() -> None:
        (tmp_path / "part").touch()
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        install.once(tmp_path / "part", "a part", ["1.0"], fail)
    made: list[str] = []
    install.once(tmp_path / "part", "a part", ["1.0"], lambda: made.append("made"))
    assert made == ["made"]


def test_a_second_start_keeps_keys_and_password_and_takes_the_new_port(tmp_path: Path) -> None:
    files = [tmp_path / "airflow" / name for name in ("airflow.cfg", "passwords.json")]
    airflow_config.write(Home(root=tmp_path, airflow_port=8080))
    before = [file.read_text() for file in files]
    airflow_config.write(Home(root=tmp_path, airflow_port=8181))
    assert [file.read_text().replace("8181", "8080") for file in files] == before
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    config = configparser.ConfigParser(interpolation=None)
    config.read(files[0])
    assert len({config["core"]["fernet_key"], config["api"]["secret_key"], config["api_auth"]["jwt_secret"]}) == 3


def test_ending_a_process_ends_a_child_that_left_its_group_and_does_not_listen() -> None:
    child = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], start_new_session=True)"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "up\n"
        family = processes.family([processes.running()[started.pid]])
        assert len(family) == 2
        processes.end([processes.running()[started.pid]], patience=0.5)
        assert family & set(processes.running().values()) == set()


def test_a_process_that_got_the_number_of_an_earlier_one_is_left_alone() -> None:
    ours = processes.running()[os.getpid()]
    earlier = processes.Process(pid=ours.pid, started="long ago", parent=ours.parent, group=ours.group)
    assert processes.living([earlier]) == set()
    assert processes.living([ours]) == {ours}
