"""The word that opens the engine. An open engine is a shell for whoever reaches it, so the word stays in one file."""

import secrets
import stat
from pathlib import Path

from spark_jobs.declare import Refused

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make(file: Path) -> None:
    """Once; nobody but its owner can read it at any moment."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(32), encoding="ascii")


def read(file: Path) -> str:
    """Refuses a file that is missing, empty or open to others."""
    try:
        mode, token = file.stat().st_mode, file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise Refused(f"the engine's token cannot be read: {error}. `make run` makes it when it starts") from None
    if mode & OTHERS:
        raise Refused(f"the engine's token {file} can be read by others: type `chmod 600 {file}`, then run again")
    if not token:
        raise Refused(f"the engine's token {file} is empty: remove it, and start `make run` again")
    return token
