"""`make backup`, `make restore`, `make stack-import`, `make stack-rotate`: all the stack knows, out and in."""

import configparser
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from containers import secrets
from containers.compose import Stack, check_docker, from_environment
from containers.up import make_secrets, start
from local import parts, postgres, services
from local.commands import CannotGoOn, step, tell
from local.home import Home
from local.home import from_environment as laptop
from local.supervision import Services
from spark_jobs.declare import NightshiftError

KEY = "airflow-fernet"  # without it, what Airflow's database keeps encrypted is lost
WRITERS = ("scheduler", "triggerer", "dag-processor", "api-server", "engine", "spark-worker", "mlflow")
PYTHON = ".venv/spark/bin/python"


def backup(stack: Stack) -> None:
    """Of a stack that goes on working."""
    folder = Path(os.environ.get("TO") or stack.folder / "backups" / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}").resolve()
    draft = folder.with_name(f"{folder.name}.unfinished")
    if folder.exists():
        raise CannotGoOn(f"{folder} is there already: choose another, with TO=...")
    with step(f"Saving to {folder}"):
        _empty(draft, stack)
        said = _inside(stack, "save", "/kept", mounts=[f"{draft}:/kept"])
        shutil.copy(stack.secrets / KEY, draft / KEY)
        draft.rename(folder)
    tell(f"{said}\n  Keep it where only you can read it. Back again: make restore FROM={folder}")


def restore(stack: Stack) -> None:
    folder = Path(os.environ.get("FROM") or "").resolve()
    if not (folder / KEY).exists():
        raise CannotGoOn(f"{folder} is no backup: name the folder that `make backup` printed, with FROM=...")
    _put_back(stack, folder, [f"{folder}:/kept:ro"])


def bring(stack: Stack) -> None:
    """A laptop's lake, landing folder, registry and history. The laptop's own stay as they are."""
    home = laptop()
    if not home.lake.exists():
        raise CannotGoOn(f"{home.root} holds no lake: name another with NIGHTSHIFT_HOME=...")
    with tempfile.TemporaryDirectory(prefix="nightshift-") as name:
        folder = Path(name)
        with step(f"Saving the databases of {home.root}"):
            dump(home, folder)
            stack.give(folder)
        mounts = [f"{folder / f'{one}.dump'}:/kept/{one}.dump:ro" for one in postgres.DATABASES]
        places = {"lake": home.lake, "landing": home.root / "landing", "mlflow": home.mlflow / "artifacts"}
        mounts += [f"{place}:/kept/{bucket}:ro" for bucket, place in places.items()]
        _put_back(stack, folder, mounts)


def dump(home: Home, folder: Path) -> None:
    """With nobody at work there: what the databases say and what lies in the lake are of one moment."""
    with services.alone(home):
        up = Services(home)
        up.start(parts.FOUNDATION)
        try:
            up.wait(up.founded, "PostgreSQL's start")
            for database in postgres.DATABASES:
                file = folder / f"{database}.dump"
                passwords = {"PGPASSFILE": str(home.root / "postgres" / f"{database}.pgpass")}
                given = ["--host", str(postgres.sockets(home)), "--username", database, "--format=custom"]
                command = [str(postgres.PROGRAMS / "pg_dump"), *given, f"--file={file}", database]
                said = subprocess.run(command, env=os.environ | passwords, capture_output=True, text=True, check=False)
                if said.returncode:
                    raise CannotGoOn(f"pg_dump of {database} failed: {said.stderr[-2000:]}")
        finally:
            up.end()
    config = configparser.ConfigParser(interpolation=None)
    config.read(home.airflow / "airflow.cfg", encoding="utf-8")
    (folder / KEY).touch(mode=0o600)
    (folder / KEY).write_text(config["core"]["fernet_key"], encoding="utf-8")


def _put_back(stack: Stack, folder: Path, mounts: list[str]) -> None:
    with step("Making what secrets are missing"):
        make_secrets(stack)
    with step("Asking what is there"):
        stack.compose("run", "--rm", "-T", "-e", "RESTORING=yes", "prepare")  # starts database and store too
        _inside(stack, "refuse")
    with step("Ending what writes; database and store stay up"):
        stack.compose("stop", *WRITERS)
    with step("Putting all of it back"):
        secrets.write(stack.secrets / KEY, (folder / KEY).read_text(encoding="utf-8"))
        stack.give(stack.secrets)
        said = _inside(stack, "put-back", "/kept", mounts=mounts)
    tell(said)
    with step("Starting"):  # migrations too, where an older release made it
        start(stack)


def _inside(stack: Stack, *words: str, mounts: Sequence[str] = ()) -> str:
    given = [word for one in mounts for word in ("-v", one)]
    replace = ["-e", f"REPLACE={os.environ.get('REPLACE', '')}"]
    run = ["run", "--rm", "-T", "--no-deps", *replace, *given, "prepare"]
    return stack.compose(*run, PYTHON, "-m", "containers.keeping", *words)


def rotate(stack: Stack) -> None:
    """New secrets for all parts; people's own passwords stay, and so does the key of what Airflow keeps encrypted."""
    with step("Making new secrets"):
        make_secrets(stack, *secrets.ROTATED)
    with step("Starting every part anew"):
        stack.compose("stop", *WRITERS, "spark-master", "postgres", "store")
        start(stack, "--force-recreate")


def _empty(folder: Path, stack: Stack) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    stack.give(folder)


ACTS = {"backup": backup, "restore": restore, "import": bring, "rotate": rotate}

if __name__ == "__main__":
    try:
        check_docker()
        ACTS[sys.argv[1]](from_environment())
    except (NightshiftError, OSError) as error:
        sys.exit(f"\n{error}")
