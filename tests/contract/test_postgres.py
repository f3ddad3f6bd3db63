"""The real server, alone: who gets in, and how it comes back."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from local import parts, postgres
from local.commands import CannotGoOn
from local.home import Home
from local.supervision import Services


def only_postgres(home: Home) -> dict[str, list[str]]:
    return {parts.FOUNDATION: postgres.command(home)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Its path is too long for a socket, has a space in it, and is closed to other users."""
    home = Home(root=tmp_path_factory.mktemp("a home of " + "many words " * 5 + "end") / "home")
    postgres.make(home)
    return home


@pytest.fixture
def server(home: Home) -> Iterator[Services]:
    services = Services(home, only_postgres)
    services.start(parts.FOUNDATION)
    services.wait(services.founded, "PostgreSQL's start", within=30)
    yield services
    services.end()


def asked(home: Home, database: str, query: str, role: str = "") -> Any:
    where = postgres.url(home, database).replace("+psycopg2", "")
    with psycopg2.connect(where, **({"user": role} if role else {})) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall() if cursor.description else None


def test_each_has_a_database_that_the_other_cannot_open(home: Home, server: Services) -> None:
    for mine, theirs in (("airflow", "mlflow"), ("mlflow", "airflow")):
        asked(home, mine, "CREATE TABLE IF NOT EXISTS kept (said text)")
        with pytest.raises(psycopg2.OperationalError, match=r"no pg_hba\.conf entry"):
            password = (home.root / "postgres" / f"{mine}.pgpass").read_text().strip().rpartition(":")[2]
            psycopg2.connect(host=str(postgres.sockets(home)), user=mine, password=password, dbname=theirs)
    with pytest.raises(psycopg2.OperationalError, match=r"no pg_hba\.conf entry"):
        psycopg2.connect(host=str(postgres.sockets(home)), user="owner", dbname="postgres")


def test_without_the_right_password_nobody_gets_in(home: Home, server: Services) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(host=str(postgres.sockets(home)), user="airflow", password="guessed", dbname="airflow")  # noqa: S106 - no secret, but a wrong guess


def test_passwords_stand_in_files_of_their_owner_only_and_in_no_command(home: Home) -> None:
    commands = " ".join(word for command in parts.commands(home).values() for word in command)
    for database in postgres.DATABASES:
        file = home.root / "postgres" / f"{database}.pgpass"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text().strip().rpartition(":")[2] not in commands
    assert stat.S_IMODE(postgres.data_of(home).stat().st_mode) == 0o700


def test_it_answers_on_no_port(home: Home, server: Services) -> None:
    [[addresses, on_disk]] = asked(
        home, "airflow", "SELECT current_setting('listen_addresses'), current_setting('fsync')"
    )
    assert (addresses, on_disk) == ("", "on")


def test_killed_it_comes_back_with_all_it_has_confirmed(home: Home, server: Services) -> None:
    asked(home, "mlflow", "CREATE TABLE IF NOT EXISTS kept (said text)")
    asked(home, "mlflow", "INSERT INTO kept VALUES ('before the kill')")
    held = psycopg2.connect(postgres.url(home, "mlflow").replace("+psycopg2", ""))  # its process outlives the first
    killed = server.parts[parts.FOUNDATION].pid
    os.kill(killed, signal.SIGKILL)
    with server.watched():
        server.wait(lambda: server.founded() and server.parts[parts.FOUNDATION].pid != killed, "its return", within=30)
    held.close()
    assert ("before the kill",) in asked(home, "mlflow", "SELECT said FROM kept")


def test_a_stranger_with_the_number_of_a_server_that_was_killed_stops_nobody(home: Home) -> None:
    """As after the machine was switched off."""
    as_its_user = postgres.command(home)[: -2 * len(postgres.SETTINGS) - 5]
    stranger = subprocess.Popen([*as_its_user, sys.executable, "-c", "import time; time.sleep(60)"])
    left = postgres.data_of(home) / "postmaster.pid"
    left.write_text(f"{stranger.pid}\n{postgres.data_of(home)}\n0\n5432\n\n\n\nready\n")
    services = Services(home, only_postgres)
    assert not postgres.is_ready(home, 1)
    services.start(parts.FOUNDATION)
    try:
        services.wait(services.founded, "PostgreSQL's start", within=30)
        assert stranger.poll() is None
    finally:
        services.end()
        stranger.kill()
        stranger.wait()


def test_a_server_that_nobody_watches_is_ended_before_the_next_one_starts(home: Home, server: Services) -> None:
    forgotten = server.parts.pop(parts.FOUNDATION)
    server.start(parts.FOUNDATION)
    server.wait(server.founded, "PostgreSQL's start", within=30)
    assert forgotten.poll() is not None


def test_half_a_database_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new" / "data").mkdir(parents=True)
    (tmp_path / "postgres.new" / "data" / "half").touch()
    postgres.make(Home(root=tmp_path))
    assert (tmp_path / "postgres" / "data" / "PG_VERSION").exists()
    assert not (tmp_path / "postgres" / "data" / "half").exists()


@pytest.mark.parametrize("file", ["airflow/airflow.db", "mlflow/mlflow.db"])
def test_a_home_with_sqlite_in_it_is_refused_and_left_as_it_is(file: str, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).touch()
    with pytest.raises(CannotGoOn, match=f"mv {tmp_path} {tmp_path}-sqlite"):
        postgres.make(Home(root=tmp_path))
    assert not (tmp_path / "postgres").exists()
