"""How often a use case runs: as Airflow's schedule has it, and as people say it."""

from datetime import timedelta

NIGHTLY = "0 2 * * *"  # UTC
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def cron(every: timedelta | None) -> str:
    """Intervals of this length, from midnight on."""
    if every is None:
        return NIGHTLY
    if every < HOUR:
        return f"*/{every // MINUTE} * * * *"
    return f"0 */{every // HOUR} * * *" if every < DAY else "0 0 * * *"


def in_words(every: timedelta) -> str:
    for length, word in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if not every % length:
            count = every // length
            return f"every {word}" if count == 1 else f"every {count} {word}s"
    raise ValueError(every)
