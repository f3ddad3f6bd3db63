"""Runs an entry point of an installed package, as a workspace does: an error is written down with its trace."""

import json
import sys
import traceback
from importlib.metadata import distribution
from pathlib import Path

told, package, entry, *parameters = sys.argv[1:]
sys.argv = [entry, *parameters]
try:
    (found,) = [one for one in distribution(package).entry_points if one.name == entry]
    found.load()()
except BaseException as error:  # noqa: BLE001 - whatever ends it
    trace = traceback.format_exc()
    Path(told).write_text(json.dumps({"error": f"{type(error).__name__}: {error}", "error_trace": trace}))
    sys.exit(1)
