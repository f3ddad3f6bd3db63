"""`make stop`: ends what an earlier start left running, which only happens when that start was killed."""

import sys

from local import services
from local.commands import tell
from local.home import from_environment
from spark_jobs.declare import NightshiftError

if __name__ == "__main__":
    try:
        tell(f"Ended {services.stop(from_environment())} processes.")
    except NightshiftError as error:
        sys.exit(str(error))
