"""One page about rows in memory, complete in itself: made by a library that asks nothing but a frame."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

QUIET = {"YDATA_PROFILING_NO_ANALYTICS": "true"}  # else it tells its makers how many rows and columns it was shown


def page(rows: "pd.DataFrame", title: str) -> str:
    """HTML with everything in it. Scatter plots of all pairs would take ten times as long and say little more."""
    os.environ.update(QUIET)
    with _silence():
        from data_profiling import ProfileReport

        gaps = None if rows.notna().all(axis=None) else {"bar": True, "matrix": True, "heatmap": True}
        made = ProfileReport(
            rows, title=title, progress_bar=False, pool_size=1, interactions=None, missing_diagrams=gaps
        )
        text: str = made.to_html()
    return text


@contextmanager
def _silence() -> Iterator[None]:
    """It draws a progress bar whatever it is told, and warns of its own future and of that of others."""
    talkers = [logging.getLogger(name) for name in ("matplotlib", "numba", "visions", "data_profiling")]
    levels = [talker.level for talker in talkers]
    for talker in talkers:
        talker.setLevel(logging.ERROR)
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for talker, level in zip(talkers, levels, strict=True):
            talker.setLevel(level)
