"""Where a workspace begins: the entry points of the wheel, which end as `__main__` does, but tell it by an error."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime

from spark_jobs import use_cases
from spark_jobs.__main__ import USELESS, done, log_to, say
from spark_jobs.declare import NightshiftError, Place, Stage, parse
from spark_jobs.declare.tags import VERDICT
from spark_jobs.declare.window import DAY


class JobEnded(NightshiftError):
    """Its first word says whether to try again can help; more is not shown to whoever waits for the run."""


def run() -> None:
    """A job that Airflow asked for. A workspace keeps the end of what it says to its output."""
    _ended_in_words(lambda: done(sys.argv[1:]))


def night() -> None:
    """A job that the workspace scheduled: nobody told it which days are meant, nor which version to judge."""
    _ended_in_words(lambda: by_night(with_days(sys.argv[1:])))


def take() -> None:
    """Predictions that were made elsewhere: lake, use case, and the folder of their files."""
    _ended_in_words(lambda: taken(*sys.argv[1:]))


def taken(lake: str, use_case: str, folder: str) -> None:
    from spark_jobs.lakehouse import Lake
    from spark_jobs.session import spark_session
    from spark_jobs.tables.brought import take

    key = use_cases.learning(use_case).features.key
    with spark_session(Place(lake=lake, landing="", tracking="", registry=""), "import") as spark:
        rows = take(Lake(spark, lake, use_case), key, folder)
    say({"rows": rows})


def _ended_in_words(work: Callable[[], None]) -> None:
    log_to(sys.stdout)
    try:
        work()
    except NightshiftError as error:
        how = "refused" if isinstance(error, USELESS) else "failed"
        raise JobEnded(f"{how}: {error}") from None


def with_days(argv: list[str]) -> list[str]:
    """Where they were left empty: yesterday."""
    today = datetime.now(UTC).date()
    usual = {"--start=": str(today - DAY), "--end=": str(today)}
    return [word + usual.get(word, "") for word in argv]


def by_night(argv: list[str]) -> None:
    """What is judged is the newest version, and once: where nothing was trained, Airflow skips it."""
    place, job = parse(argv)
    if job.stage is not Stage.EVALUATE or job.version:
        return done(argv)
    from spark_jobs.tracking import tracking

    with tracking(place, use_cases.load(job.use_case)) as book:
        newest = next(iter(book.versions()), None)
    if newest is not None and VERDICT not in newest.tags:
        return done([*argv, f"--version={newest.version}"])
    why = f"version {newest.version} has its verdict: {newest.tags[VERDICT]}" if newest else "there is no version yet"
    return say({"stage": str(job.stage), "skipped": why})
