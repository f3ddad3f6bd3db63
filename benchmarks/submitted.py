"""A job as `spark-submit` starts it: Java is up already, and nothing is set but what was given to it."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # spark-submit puts this file's own folder there

from spark_jobs import __main__ as entry  # noqa: E402 - needs the path above
from spark_jobs import session  # noqa: E402 - as above

if __name__ == "__main__":
    session.java_settings = lambda **_: {}
    sys.exit(entry.main(sys.argv[1:]))
