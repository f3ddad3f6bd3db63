"""`make run`: start everything, show what a night is, stay up until Ctrl-C."""

import os
import signal
import sys
import time
from types import FrameType

from local import first_nights, install, services
from local.commands import tell
from local.home import from_environment
from local.summary import summary
from local.supervision import Services
from spark_jobs.declare import NightshiftError

INTERRUPTED = 130


def main() -> int:
    home = from_environment()
    services.make_room(home)
    install.main()
    with services.started(home) as up:
        tell(f"  Airflow answers on {home.airflow_url}, MLflow on {home.mlflow_url}")
        done = first_nights.all_of_them(up)
        tell(summary(up, done))
        if not os.environ.get("ONCE"):
            _stay(up)
    return 0 if first_nights.succeeded(done) else 1


def _stay(up: Services) -> None:
    tell("\nCtrl-C ends everything.")
    while True:
        up.check()
        time.sleep(1)


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # what a shell starts with & ignores the first
        signal.signal(ending, _interrupted)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (NightshiftError, OSError) as error:  # a server that did not answer is one of the latter
        sys.exit(f"\n{error}")
