"""What a request is told that is not answered."""

from serving.settings import Limits
from spark_jobs.declare import NightshiftError


class Told(NightshiftError):
    """A status of HTTP, and a sentence for who asked: what was given, what is allowed."""

    def __init__(self, status: int, says: str, *, wait: int = 0) -> None:
        super().__init__(says)
        self.status = status
        self.wait = wait  # seconds, until asking again may help


def refuse_many(rows: int, columns: int, limits: Limits) -> None:
    if rows > limits.rows:
        raise Told(413, f"one request asks about at most {limits.rows:,} rows, got {rows:,}: send them in several")
    if columns > limits.columns:
        raise Told(413, f"a row has at most {limits.columns:,} columns, got {columns:,}")
