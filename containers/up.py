"""`make stack`: secrets once, images, everything started, and waited for until it is well."""

import re
import shutil
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from containers import settings
from containers.compose import CHECKOUT, Stack, check_docker, from_environment
from local.commands import CannotGoOn, step, tell
from local.home import check_ports
from spark_jobs.declare import NightshiftError

PASSED = (*settings.BUILD, "http_proxy", "https_proxy", "no_proxy")
WELL_WITHIN = 300.0
CERTIFICATES = CHECKOUT / "containers" / "certificates"
SERVING = re.compile(r"[-_]serving[-_]\d+$")
MACHINE = Path("/usr/local/share/ca-certificates")  # where Debian keeps the authorities of one's own


def main() -> None:
    stack = from_environment()
    check_docker()
    if not stack.is_up():
        check_ports(stack.ports, "Choose another: make stack")
    settings.keep(stack.settings, stack.said)
    with step("Building four images"):
        build(stack)
    with step("Making what secrets are missing"):
        make_secrets(stack)
    with step("Starting"):
        start(stack)
    tell(where(stack))


def build(stack: Stack) -> None:
    """Two at once; layers that have not changed are taken as they are."""
    trust(stack)
    with ThreadPoolExecutor(1) as pool:
        small = [pool.submit(build_one, stack, one, f"containers/{one}/Dockerfile") for one in ("store", "serving")]
        for side in ("spark", "airflow"):
            build_one(stack, side, "containers/Dockerfile", "--target", side)
        for one in small:
            one.result()


def trust(stack: Stack) -> None:
    """While images are built, the authorities of a proxy that reads along."""
    given = stack.said.get("STACK_CERTIFICATES")
    for authority in [*MACHINE.glob("*.crt"), *([Path(given)] if given else [])]:
        shutil.copy(authority, CERTIFICATES / f"{authority.stem}.crt")


def build_one(stack: Stack, side: str, file: str, *options: str) -> None:
    told = [f"OWNER={stack.owner}", *([f"BASE={stack.base}"] if stack.base else [])]
    known = stack.environment()
    told += [name for name in PASSED if name in known]
    arguments = [word for one in told for word in ("--build-arg", one)]
    stack.docker("build", "-q", "-f", file, *options, *arguments, "-t", stack.image(side), ".")


def make_secrets(stack: Stack, *anew: str) -> None:
    """By the image, so that this machine needs Docker only."""
    for folder in (stack.secrets, stack.serving):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stack.give(folder)
    run = ["run", "--rm", "--network", "none", "--user", stack.owner, "-v", f"{stack.secrets}:/secrets"]
    python = "/opt/nightshift/.venv/spark/bin/python"
    stack.docker(*run, stack.image("spark"), python, "-m", "containers.secrets", "/secrets", *anew)


def start(stack: Stack, *how: str) -> None:
    stack.compose("up", "-d", "--remove-orphans", *how, "--scale", f"spark-worker={stack.workers}")
    deadline = time.monotonic() + WELL_WITHIN
    while (waited := unwell(stack)) and not _only_models_lack(waited):
        if time.monotonic() > deadline:
            raise CannotGoOn(f"Not well after {WELL_WITHIN:.0f} s: {waited}. Look at their logs.")
        time.sleep(1)


def _only_models_lack(waited: Mapping[str, str]) -> bool:
    """Nights go on without: a champion of an older release cannot be served, and the next one can."""
    lacks = all(SERVING.search(name) and state == "unhealthy" for name, state in waited.items())
    if lacks:
        tell("  A champion is there that cannot answer: the log of serving says why. All else is well.")
    return lacks


def unwell(stack: Stack) -> dict[str, str]:
    """What is neither well nor, like `prepare`, done."""
    found = stack.containers()
    done = {name for name, state in found.items() if "prepare" in name and state == "Exited (0)"}
    return {name: state for name, state in found.items() if state != "healthy" and name not in done}


def where(stack: Stack) -> str:
    password = Path(stack.secrets / "airflow-admin").read_text(encoding="utf-8").strip()
    admin, store = stack.secrets / "mlflow-admin", stack.secrets / "store-jobs"
    return "\n".join(
        [
            "",
            f"  Airflow  http://localhost:{stack.ports['AIRFLOW_PORT']}   admin, first password {password}",
            f"  MLflow   http://localhost:{stack.ports['MLFLOW_PORT']}   admin, password in {admin}",
            f"  Models   http://localhost:{stack.ports['SERVE_PORT']}   a key for a client: make stack-key NAME=...",
            f"  Store    http://localhost:{stack.ports['STORE_PORT']}   raw files: bucket landing, key in {store}",
            "",
        ]
    )


if __name__ == "__main__":
    try:
        main()
    except (NightshiftError, OSError) as error:
        sys.exit(f"\n{error}")
