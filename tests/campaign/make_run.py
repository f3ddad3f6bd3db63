"""`make run` of the copy, with a shorter first range: `python make_run.py COPY DAYS`."""

import runpy
import sys
from functools import partial
from pathlib import Path

from local import first_nights, install
from tests.end_to_end.checkout import running_from

copy, days = Path(sys.argv[1]), int(sys.argv[2])
first_nights.all_of_them = partial(first_nights.all_of_them, days=days)
install.main = lambda: None  # the tests run in an installed checkout

with running_from(copy):
    runpy.run_module("local.run", run_name="__main__")
