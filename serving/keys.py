"""Who may ask: a file with a line for each client, its name and the hash of its key. A line taken out is a key revoked.

python -m serving.keys FILE NAME        a new key for a client, shown once
"""

import os
import re
import secrets
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from spark_jobs.declare import BadRequest, NightshiftError

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
HASH = re.compile(r"[0-9a-f]{64}")


class Keys:
    """The file as it stands: read again when it changes. One that cannot be read lets nobody in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._clients: Mapping[str, str] = {}

    def client(self, key: str) -> str | None:
        """Whose key it is. What is looked up is its hash, whose digits tell nothing of the key's."""
        return self._now().get(sha256(key.encode("utf-8", "surrogateescape")).hexdigest())

    @property
    def some(self) -> bool:
        return bool(self._now())

    def _now(self) -> Mapping[str, str]:
        try:
            found = self.path.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen != self._seen:
                self._clients, self._seen = read(self.path), seen
        except OSError:
            self._clients, self._seen = {}, None
        return self._clients


def read(path: Path) -> dict[str, str]:
    """Names by hashes. Several lines of one name are several keys of one client; what is no such line is none."""
    lines = (line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return {words[1]: words[0] for words in lines if len(words) == 2 and HASH.fullmatch(words[1])}


def new(path: Path, name: str) -> str:
    """Its hash is written, readable by the file's owner only."""
    if not NAME.fullmatch(name):
        raise BadRequest("NAME", f"is letters, digits, _, . and -, at most 64 of them; got {name!r}")
    key = secrets.token_urlsafe(32)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as file:  # noqa: PTH123 - with its rights
        file.write(f"{name} {sha256(key.encode()).hexdigest()}\n")
    return key


if __name__ == "__main__":
    try:
        print(new(Path(sys.argv[1]), sys.argv[2]))
    except NightshiftError as error:
        sys.exit(str(error))
