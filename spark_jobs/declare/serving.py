"""What a service must hold with a version before it is promoted."""

from dataclasses import dataclass
from datetime import timedelta

from spark_jobs.declare.errors import BadDeclaration


@dataclass(frozen=True, kw_only=True)
class Serving:
    """So many judge rows are asked about over HTTP, of a service that is started for it, in a process of its own."""

    rows: int = 200
    starts_within: timedelta = timedelta(seconds=30)
    answers_within: timedelta = timedelta(milliseconds=100)  # half of the rows, asked one by one
    gigabytes: float = 1.0  # at its greatest; Linux says, elsewhere nobody knows

    def __post_init__(self) -> None:
        nothing = timedelta()
        if self.rows < 1 or self.gigabytes <= 0 or min(self.starts_within, self.answers_within) <= nothing:
            raise BadDeclaration(
                "serving: rows, starts_within, answers_within and gigabytes are more than nothing, got "
                f"{self.rows}, {self.starts_within}, {self.answers_within} and {self.gigabytes}"
            )
