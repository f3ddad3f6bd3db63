"""`make run` of the copy, with a shorter first range: `python make_run.py COPY DAYS`."""

import runpy
import sys
from functools import partial
from pathlib import Path

from local import airflow_config, first_nights, home, install, services

copy, days = Path(sys.argv[1]), int(sys.argv[2])
for module in (airflow_config, home, services):
    vars(module)["CHECKOUT"] = copy
first_nights.all_of_them = partial(first_nights.all_of_them, days=days)
install.main = lambda: None  # the tests run in an installed checkout

runpy.run_module("local.run", run_name="__main__")
