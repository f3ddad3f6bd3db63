"""Settings of the tests: the only place that reads them."""

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


def pytest_report_header() -> str:
    folder = _published()
    return f"real data: {folder or 'none, simulated data stand in (NIGHTSHIFT_TEST_DATA names their folder)'}"


@pytest.fixture(scope="session")
def published() -> Path | None:
    """The folder with real data files. None: tests that can take either run on simulated data."""
    return _published()


def _published() -> Path | None:
    given = os.environ.get("NIGHTSHIFT_TEST_DATA")
    folder = Path(given) if given else CHECKOUT.parent / "shared" / "data"
    if given and not folder.is_dir():
        raise pytest.UsageError(f"NIGHTSHIFT_TEST_DATA={given} is no folder: name the one with the data files")
    return folder if folder.is_dir() else None
