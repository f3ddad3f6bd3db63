"""A Docker daemon: the one there is, or one of our own for as long as the tests last."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BASE = "debian:bookworm-slim"  # made here where no registry can be reached; else what the Dockerfiles name

# The published one does not hold them.
LEFT = ("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt/lists")


def answers() -> bool:
    return shutil.which("docker") is not None and _run("docker", "version").returncode == 0


def missing() -> str:
    """Why none can be started; empty where one can."""
    if answers():
        return ""
    if os.getuid() != 0:
        return "no Docker daemon answers, and only root could start one"
    lacks = [name for name in ("dockerd", "docker", "docker-compose", "debootstrap") if shutil.which(name) is None]
    return f"no Docker daemon answers, and there is no {', no '.join(lacks)} to start one" if lacks else ""


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Why it could not be started, where it could not."""
    if answers():
        yield ""
        return
    socket = f"unix://{folder}/socket"
    command = [
        "dockerd",
        "--data-root",
        folder / "data",
        "--exec-root",
        folder / "exec",
        "-p",
        folder / "pid",
        "-H",
        socket,
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen([*map(str, command)], stdout=log, stderr=log) as daemon:
        os.environ["DOCKER_HOST"] = socket
        try:
            deadline = time.monotonic() + 60
            while not answers() and daemon.poll() is None and time.monotonic() < deadline:
                time.sleep(0.5)
            yield "" if answers() else f"a daemon did not start: {(folder / 'log').read_text()[-1000:]}"
        finally:
            del os.environ["DOCKER_HOST"]
            daemon.terminate()


def base(folder: Path) -> str:
    """Empty: the Dockerfiles' own can be had. Else an image of the same Debian, from its packages."""
    named = next(
        line.partition("=")[2]
        for line in Path("containers/Dockerfile").read_text(encoding="utf-8").splitlines()
        if line.startswith("ARG BASE=")
    )
    if _run("docker", "pull", "-q", named).returncode == 0:
        return ""
    if _run("docker", "image", "inspect", BASE).returncode == 0:
        return BASE
    root = folder / "base"
    made = _run("debootstrap", "--variant=minbase", "bookworm", str(root))
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
    for left in LEFT:
        shutil.rmtree(root / left, ignore_errors=True)
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run(["docker", "import", "-", BASE], stdin=tar.stdout, capture_output=True, check=True)
    shutil.rmtree(root, ignore_errors=True)
    return BASE


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False)
