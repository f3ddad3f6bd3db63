"""What people are to see of a report's newest day. Texts are SQL of the report's columns."""

from dataclasses import dataclass

from spark_jobs.declare.errors import BadDeclaration


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A bar for each thing, the longest first."""

    title: str
    by: str  # names the things
    length: str = "count(*)"  # of the rows of one thing
    where: str = "true"


@dataclass(frozen=True, kw_only=True)
class Hours:
    """A bar for each hour of the day, of those without rows too."""

    title: str
    at: str = "hour"  # when
    length: str = "count(*)"  # of the rows of one hour
    where: str = "true"


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Rows themselves, in the order of their columns."""

    title: str
    columns: tuple[str, ...]
    where: str = "true"

    def __post_init__(self) -> None:
        if not self.columns or len(set(self.columns)) != len(self.columns):
            raise BadDeclaration(f"picture {self.title!r}: name each column once, got {self.columns}")


Picture = Bars | Hours | Listed
