"""What a version asks of the rows of a file: their columns, how their text is checked, what its model reads of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from spark_jobs import use_cases
from spark_jobs.declare import Refused, UseCase, Wanted, tags, wanted
from spark_jobs.declare.wanted import named
from spark_jobs.learning.registered import Registered, registered
from spark_jobs.predicting.given import Begun, Given, refused
from spark_jobs.tracking import Tracking


@dataclass(frozen=True, kw_only=True)
class Asked(Wanted):
    """With the function that makes of its rows what the model reads."""

    features: Callable[[Mapping[str, DataFrame]], DataFrame]

    def require(self, given: Given, use_case: UseCase) -> None:
        if lacks := [name for name in self.names if name not in given.names]:
            takes = f"the columns of its raw table {self.table.name}, by the names in their header"
            if not self.raw:
                takes = "features by name, as gold/features has them, for it makes them of more than one row"
            says = f"lacks {', '.join(lacks)}. It has {named(given.names)}; {use_case.name} takes {takes}"
            raise refused(given.path, says)

    def ignored(self, given: Given) -> list[str]:
        return [name for name in given.names if name not in self.table.header]


def asked(use_case: UseCase, about: Registered) -> Asked:
    found = wanted(use_case, about.features)
    if found.raw:
        return Asked(**vars(found), features=use_cases.part(use_case.name, "features").features)
    return Asked(**vars(found), features=lambda frames: frames["features"].select("at", *about.features))


def as_delivered(use_case: UseCase) -> tuple[str, Begun]:
    """The delimiters of its raw files, and how a published one that has no header would begin with one."""
    if not use_case.of_one_row:
        return ",", str
    begun: Begun = getattr(use_cases.part(use_case.source, "source"), "begun", str)
    return use_case.tables[0].delimiter, begun


def version_to_ask(book: Tracking, wanted: str) -> Registered:
    """The champion, or the version that is named; one that was withdrawn is not asked."""
    model, known = book.model, {str(one.version): one for one in book.versions()}
    if not known:
        raise Refused(f"{model} has no version yet: a night trains one (`make run`, then the Dag {model})")
    of_it = ", ".join(sorted(known, key=int))
    champion = None if wanted else book.champion()
    if not wanted and champion is None:
        raise Refused(f"{model} has no champion yet. Name one of its versions, VERSION=...: {of_it}")
    number = wanted or str(champion and champion.version)
    if number not in known:
        raise Refused(f"VERSION: {model} has no version {number}; it has {of_it}")
    found = known[number]
    if tags.WITHDRAWN in found.tags:
        told = json.loads(found.tags[tags.WITHDRAWN])
        raise Refused(
            f"version {number} of {model} was withdrawn {told['since']} by {told['by']}: {told['why']}. Name another "
            f'one, VERSION=..., or bring it back: make rollback MODEL={model} VERSION={number} REASON="..."'
        )
    return registered(found)
