"""`python -m engine --port= --token= --lake= --folder=`: becomes the Spark Connect server of this lake."""

import argparse
import ctypes
import fcntl
import os
import shutil
import signal
import sys
from pathlib import Path

import pyspark

from engine.settings import JAVA, MEMORY, settings
from spark_jobs import token
from spark_jobs.declare import NightshiftError, Refused

PR_SET_PDEATHSIG = 1  # the kernel's number for it
CHECKOUT = Path(__file__).resolve().parents[1]


def main(argv: list[str]) -> None:
    given = _parser().parse_args(argv)
    if given.with_starter:
        _end_with_starter()
    _hold(given.lake)
    folder = _emptied(given.folder.resolve())
    secret = token.read(given.token)
    told = settings(port=given.port, token=secret, folder=folder, cores=given.cores, memory=given.memory)
    file = folder / "engine.conf"
    file.touch(mode=0o600)  # the token stands in it, and so in no argument list and no environment
    file.write_text("".join(f"{name} {value}\n" for name, value in told.items()), encoding="utf-8")
    os.chdir(folder)
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    command = [str(submit), "--properties-file", str(file), str(CHECKOUT / "engine" / "serving.py")]
    os.execve(submit, command, _surroundings(folder))  # noqa: S606 - it takes our place, and our number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine", description="The Spark Connect server of one lake.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", type=Path, required=True, help="the file that holds it")
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="for its temporary files; emptied at each start")
    parser.add_argument("--cores", default="*")
    parser.add_argument("--memory", default=MEMORY)
    parser.add_argument("--with-starter", action="store_true", help="ends when the process that starts it does")
    return parser


def _end_with_starter() -> None:
    """Should that be killed; macOS knows nothing of the kind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _hold(lake: Path) -> None:
    """One engine is one writer of commits: the lock lives as long as the process that this one becomes."""
    lake.mkdir(parents=True, exist_ok=True)
    lock = os.open(lake / ".engine", os.O_RDONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refused(f"another engine already works on {lake}: end that one first, or choose another lake") from None
    os.set_inheritable(lock, True)


def _emptied(folder: Path) -> Path:
    """What an engine that was killed left lying about goes with the next start."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # a disk of its own stays where it is mounted
    return folder


def _surroundings(folder: Path) -> dict[str, str]:
    """Workers find our daemon here; the code of a function comes with it, and goes before what lies here."""
    own = ("PATH", "HOME", "USER", "LANG", "LC_ALL")
    kept = {name: value for name, value in os.environ.items() if name in own or name.startswith("AWS_")}
    return kept | {
        "JAVA_HOME": str(JAVA),
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(CHECKOUT),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "TMPDIR": str(folder),
        # Workers are forked, and a fork beside a second thread may hang: Arrow's allocator would start one.
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
    }


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NightshiftError as error:
        sys.exit(str(error))
