"""How a laptop installs, starts and ends everything. Standard library only: it runs before anything is there."""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    # Before any other import: those would fail with less helpful words.
    sys.exit(
        "Nightshift needs Python 3.11, 3.12 or 3.13; this is {}.{}. "
        "Say which one to use, like this: make run PYTHON=python3.12".format(*sys.version_info[:2])
    )
