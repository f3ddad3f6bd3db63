"""`python -m containers.health WHAT`: status 0 if it is well.

WHAT is postgres, engine, host:port, a URL, or `airflow PART`.
"""

import json
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from containers.places import POSTGRES

AIRFLOW = "http://api-server:8080/api/v2/monitor/health"
DOOR = "127.0.0.1:15003"


def well(what: str, part: str = "") -> bool:
    if what == "postgres":
        return subprocess.run([POSTGRES / "pg_isready", "-q", "-h", "127.0.0.1"], check=False).returncode == 0
    if what == "airflow":
        return bool(json.loads(_read(AIRFLOW))[part]["status"] == "healthy")
    if what == "engine":
        return not _halted() and well(DOOR)
    if what.startswith("http"):
        return bool(_read(what))
    host, port = what.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5):
        return True


def _halted() -> bool:
    """Java stands still where the lake is out of reach."""
    told = (file.read_text(encoding="utf-8") for file in Path("/proc").glob("[0-9]*/stat"))
    return any(line.rpartition(")")[2].split()[0] == "T" for line in told)


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=8) as answer:  # noqa: S310 - addresses of our own
        found: bytes = answer.read()
        return found


if __name__ == "__main__":
    try:
        sys.exit(0 if well(*sys.argv[1:]) else 1)
    except (OSError, LookupError, TypeError, ValueError) as error:  # no answer, or one that says nothing
        sys.exit(f"{' '.join(sys.argv[1:])}: {error}")
