"""The mean of what models of other kinds predict, each fitted with its own parameters, scored in one pass.

`members` lists them: [{"kind": "xgboost", "params": {...}}, ...]; what is settled has the same shape.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from spark_jobs.declare import BadDeclaration
from spark_jobs.kinds import KINDS, Columns, Params, kind
from spark_jobs.kinds.in_memory import InMemory

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from pyspark.sql import SparkSession

    Numbers = np.ndarray[Any, Any]

IN_MEMORY = True
LIBRARIES: tuple[str, ...] = ("xgboost", "sklearn.ensemble", "sklearn.linear_model", "sklearn.metrics")
NEEDS_CLASSIC = False
ANYWHERE = Path(__file__).with_name("blend_anywhere.py")


@dataclass(frozen=True)
class Member:
    kind: str
    model: InMemory


@dataclass(frozen=True, kw_only=True)
class Blend(InMemory):
    members: tuple[Member, ...]

    files: ClassVar[str] = "members"

    @property
    def anywhere(self) -> tuple[Path, ...]:
        theirs = (path for member in self.members for path in member.model.anywhere)
        return tuple(dict.fromkeys([ANYWHERE, *theirs]))

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for member in self.members for name in member.model.needs))

    @property
    def importance(self) -> "pd.DataFrame":
        """The mean of its members'."""
        import pandas as pd

        every = pd.concat([member.model.importance for member in self.members])
        return every.groupby(["label", "feature"], sort=False, as_index=False)["importance"].mean()

    def predicted(self, matrix: "Numbers") -> "Numbers":
        return self._mean(lambda model: model.predicted(matrix))

    def moved(self, place: int, matrix: "Numbers") -> "Numbers":
        return self._mean(lambda model: model.moved(place, matrix))

    def write(self, folder: Path) -> None:
        for place, member in enumerate(self.members):
            own = folder / str(place)
            own.mkdir()
            member.model.write(own)
        kinds = [member.kind for member in self.members]
        (folder / "blend.json").write_text(json.dumps({"kinds": kinds}))

    def _mean(self, asked: "Callable[[InMemory], Numbers]") -> "Numbers":
        total = asked(self.members[0].model)
        for member in self.members[1:]:
            total = total + asked(member.model)
        return total / len(self.members)


def check(params: Params) -> None:
    members = params.get("members")
    if not members or not all(isinstance(one, dict) and {*one} == {"kind", "params"} for one in members):
        raise BadDeclaration(f"kind blend: `members` lists {{'kind': ..., 'params': {{...}}}}, got {members!r}")
    allowed = [name for name in KINDS if kind(name).IN_MEMORY]
    for one in members:
        if one["kind"] not in allowed:
            raise BadDeclaration(f"kind blend: a member is of {', '.join(allowed)}, got {one['kind']!r}")
        getattr(kind(one["kind"]), "check", lambda _: None)(one["params"])


def fit(rows: "pd.DataFrame", params: Params, columns: Columns, watched: "pd.DataFrame | None" = None) -> Blend:
    check(params)
    fitted = (kind(one["kind"]).fit(rows, one["params"], columns, watched) for one in params["members"])
    kinds = (one["kind"] for one in params["members"])
    return _blended([Member(name, cast(InMemory, model)) for name, model in zip(kinds, fitted, strict=True)])


def load(folder: Path, columns: Columns, spark: "SparkSession | None") -> Blend:  # noqa: ARG001 - other kinds need Spark
    return read(folder / "data" / Blend.files, columns)


def read(own: Path, columns: Columns) -> Blend:
    kinds = json.loads((own / "blend.json").read_text())["kinds"]
    models = (cast(Any, kind(name)).read(own / str(place), columns) for place, name in enumerate(kinds))
    return _blended([Member(name, model) for name, model in zip(kinds, models, strict=True)])


def _blended(members: list[Member]) -> Blend:
    first = members[0].model
    settled = {"members": [{"kind": one.kind, "params": dict(one.model.settled)} for one in members]}
    return Blend(members=tuple(members), columns=first.columns, settled=settled, usual=first.usual, words=first.words)
