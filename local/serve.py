"""`make serve`: a champion over HTTP, with the registry of this home. In the Spark environment, without Spark."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from types import FrameType

from local.at_hand import registry_of
from local.commands import CannotGoOn, tell
from local.home import Home, check_ports, from_environment, number
from local.places import CHECKOUT
from local.typed import model_of
from spark_jobs.declare import NightshiftError

LIKE_THIS = "make serve MODEL=census_income"
PORT = 8200


def main(home: Home, typed: Mapping[str, str]) -> int:
    """The service is a process of its own; it ends when this one is told to."""
    model = model_of(typed, like=LIKE_THIS)
    port = number(typed, "SERVE_PORT", PORT, range(1024, 65536))
    check_ports({"SERVE_PORT": port}, f"Choose another: {LIKE_THIS}")
    with ExitStack() as stack:
        told = {
            "NIGHTSHIFT_HOME": str(home.root),
            "SERVE_PORT": str(port),
            "PYTHONPATH": os.environ.get("PYTHONPATH") or str(CHECKOUT),
        }
        try:
            told["SERVE_REGISTRY"] = stack.enter_context(registry_of(home))
        except CannotGoOn as error:
            if not (home.root / "serving" / "kept" / model / "live").exists():
                raise
            tell(f"  The registry is not there, so what was kept here answers: {error}")
        service = subprocess.Popen([sys.executable, "-m", "serving"], cwd=CHECKOUT, env={**os.environ, **told})
        return _until_it_ends(service)


def _until_it_ends(service: "subprocess.Popen[bytes]") -> int:
    def ended(_signal: int, _frame: FrameType | None) -> None:
        service.terminate()

    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, ended)
    code = service.wait()
    return 0 if code in (0, -signal.SIGTERM, -signal.SIGINT) else code


if __name__ == "__main__":
    try:
        sys.exit(main(from_environment(), os.environ))
    except NightshiftError as error:
        sys.exit(str(error))
