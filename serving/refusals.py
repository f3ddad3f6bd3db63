"""What a request is told that is not answered."""

from spark_jobs.declare import NightshiftError


class Told(NightshiftError):
    """A status of HTTP, and a sentence for who asked: what was given, what is allowed."""

    def __init__(self, status: int, says: str, *, wait: int = 0) -> None:
        super().__init__(says)
        self.status = status
        self.wait = wait  # seconds, until asking again may help
