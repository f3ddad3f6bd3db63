"""Finds a Java that Spark runs on, or makes one of the PyPI package do."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

GOOD = (17, 21)

VECTOR = "jdk.incubator.vector"

# Spark asks for a module that the packaged runtime lacks, and works without it.
LAUNCHER = """#!/bin/sh
# Java {version}
for word; do
    shift
    case "$word" in
        --add-modules={missing}) continue ;;
    esac
    set -- "$@" "$word"
done
exec "{home}/bin/java" "$@"
"""


def found() -> Path | None:
    """The home of the first Java 17 or 21 among JAVA_HOME and PATH (on macOS: and what the system knows)."""
    return next((home for home in _homes() if not _is_launcher(home) and version(home) in GOOD), None)


def version(home: Path) -> int | None:
    exact = exact_version(home)
    return int(exact.split(".")[0]) if exact else None


def exact_version(home: Path) -> str:
    """From the file every Java brings, or else by asking it; empty where there is none."""
    release = home / "release"
    if release.exists():
        text = release.read_text(encoding="utf-8")
    elif (home / "bin" / "java").exists():
        text = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, check=False).stderr
    else:
        return ""
    number = re.search(r'(?:JAVA_VERSION=|version )"(\d[\d._]*)', text)
    return number.group(1) if number else ""


def launcher(home: Path, place: Path) -> None:
    """A Java home at `place` that runs the one at `home`."""
    if place.is_symlink() or not place.is_dir():
        place.unlink(missing_ok=True)
    java = place / "bin" / "java"
    java.parent.mkdir(parents=True, exist_ok=True)
    missing = "-" if _has(home, VECTOR) else VECTOR
    java.write_text(LAUNCHER.format(version=exact_version(home), home=home, missing=missing), encoding="utf-8")
    java.chmod(0o755)


def _is_launcher(home: Path) -> bool:
    """A launcher of ours, which the engine has as its JAVA_HOME: it must not come to run itself."""
    java = home / "bin" / "java"
    return java.is_file() and java.read_bytes().startswith(LAUNCHER.partition("{")[0].encode())


def _homes() -> Iterator[Path]:
    if own := os.environ.get("JAVA_HOME"):
        yield Path(own)
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if java := shutil.which("java", path=folder or "."):
            yield Path(java).resolve().parent.parent
    if sys.platform == "darwin":
        yield from map(Path, _known_to_macos())


def _known_to_macos() -> Iterator[str]:
    for wanted in GOOD:
        answer = subprocess.run(
            ["/usr/libexec/java_home", "-v", str(wanted)], capture_output=True, text=True, check=False
        )
        if answer.returncode == 0:
            yield answer.stdout.strip()


def _has(home: Path, module: str) -> bool:
    listed = subprocess.run([home / "bin" / "java", "--list-modules"], capture_output=True, text=True, check=False)
    return module in listed.stdout
