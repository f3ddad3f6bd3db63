"""A version of a model, ready to be asked: its rows are checked, scored and decided as a night does it."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from serving.checked import Checking, Rows
from serving.sql import compiled
from spark_jobs import use_cases
from spark_jobs.declare import BadDeclaration, Kind, NightshiftError, Refused, UseCase, wanted, wanted_features
from spark_jobs.kinds import KINDS, Columns, Why, kind
from spark_jobs.kinds.in_memory import InMemory
from spark_jobs.sql import with_constants
from spark_jobs.tracking.digest import digest

THREADS, PART = os.cpu_count() or 1, 250  # rows, below which a part is not worth a thread
PARTS = ThreadPoolExecutor(THREADS, thread_name_prefix="parts")
Computed = Callable[[Mapping[str, Any], int], Any]


class CannotAnswer(NightshiftError):
    """A model that raises, or that does not answer each row: its version is at fault, not who asks."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What is known of a version beside its files."""

    model: str
    version: str
    kind: str
    features: tuple[str, ...]
    constants: Mapping[str, float]
    files: str  # the hash of what its kind reads
    run: str = ""
    verdict: str = ""
    reasons: str = ""  # of the verdict, in words
    source: str = ""  # simulated, public or own data
    since: str = ""  # champion

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "About":
        return cls(**{**told, "features": tuple(told["features"])})

    def told(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Question:
    """Rows that were given, checked, and of the good ones what the model reads."""

    rows: Rows
    batch: pa.RecordBatch
    why: Why | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """To each row a line of `table`, or why it is refused."""

    about: About
    rows: Rows
    table: pa.RecordBatch  # of the good rows


@dataclass(frozen=True, kw_only=True)
class Version:
    about: About
    use_case: UseCase
    model: InMemory
    asked: Checking  # rows as people have them
    features: Checking  # as the model reads them
    made: Mapping[str, Computed] = field(default_factory=dict)  # of the features, those that are made of a raw row
    decisions: Mapping[str, Computed] = field(default_factory=dict)

    @classmethod
    def load(cls, about: About, folder: Path) -> "Version":
        """Nothing of the folder is read before its files are known to be those that were registered."""
        use_case = use_cases.learning(about.model)
        _refuse(about, folder)
        names, today = about.features, Columns.of(use_case)
        columns = Columns(features=names, labels=today.labels, predictions=today.predictions)
        asked = wanted(use_case, names)
        model: Any = kind(about.kind).load(folder, columns, None)
        found = cls(
            about=about,
            use_case=use_case,
            model=model,
            asked=Checking.of(asked),
            features=Checking.of(wanted_features(use_case, names)),
            made=_made(use_case, names) if asked.raw else {},
            decisions=_decisions(use_case, about.constants),
        )
        with suppress(CannotAnswer):  # who asks is told so; but nobody waits for what a library does the first time
            found.answer(found.question_of_features({}, 1))
        return found

    @cached_property
    def why(self) -> Why | None:
        return Why.of(self.use_case, self.about.constants)

    def question(self, given: Mapping[str, Any], length: int, *, reasons: bool) -> Question:
        """Of rows as people have them: features, or what is delivered of a thing."""
        rows = self.asked.rows(given, length)
        found = rows.columns
        if self.asked.wanted.raw:
            good = length if rows.good is None else len(rows.good)
            made = {name: made(found, good) for name, made in self.made.items() if name in self.about.features}
            found = {**found, **made}
        return Question(rows=rows, batch=self._read(found), why=self.why if reasons else None)

    def question_of_features(self, given: Mapping[str, Any], length: int) -> Question:
        """What MLflow's own server is asked."""
        rows = self.features.rows(given, length)
        return Question(rows=rows, batch=self._read(rows.columns))

    def _read(self, columns: Mapping[str, Any]) -> pa.RecordBatch:
        return pa.RecordBatch.from_pydict({name: columns[name] for name in self.about.features})

    def answer(self, question: Question) -> Answer:
        """Alone."""
        return self._answer(question, self._predicted(question.batch, question.why))

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        """By one call of the model, which costs as much for one row as for some; no reasons are given."""
        table = self._predicted(pa.concat_batches([one.batch for one in questions]), None)
        ends = list(accumulate(len(one.batch) for one in questions))
        starts = [0, *ends[:-1]]
        cuts = [table.slice(start, end - start) for start, end in zip(starts, ends, strict=True)]
        return [self._answer(one, cut) for one, cut in zip(questions, cuts, strict=True)]

    def _predicted(self, batch: pa.RecordBatch, why: Why | None) -> pa.RecordBatch:
        if not len(batch):
            return pa.RecordBatch.from_pydict({})
        scored = self._of_model(batch, why)
        known = dict(zip(scored.schema.names, scored.columns, strict=True))
        decided = {name: decide(known, len(batch)) for name, decide in self.decisions.items()}
        said = {name: decided.get(name, known.get(name)) for name in self.use_case.predictions}
        if why is not None:
            said["reasons"] = known["reasons"]
        return pa.RecordBatch.from_pydict(said)

    def _of_model(self, batch: pa.RecordBatch, why: Why | None) -> pa.RecordBatch:
        try:
            scored = self._in_parts(batch, why)
        except (Exception, SystemExit) as error:
            raise CannotAnswer(f"version {self.about.version} of {self.about.model} raised an error") from error
        if len(scored) != len(batch):
            what = f"version {self.about.version} of {self.about.model}"
            raise CannotAnswer(f"{what} gave {len(scored)} predictions of {len(batch)} rows")
        return scored

    def _in_parts(self, batch: pa.RecordBatch, why: Why | None) -> pa.RecordBatch:
        """Many rows, by several threads: libraries of models let others work while they do."""
        count = min(THREADS, len(batch) // PART)
        if count < 2:
            return self.model.score_batch(batch, [], why)
        edges = [len(batch) * place // count for place in range(count + 1)]
        parts = [batch.slice(start, end - start) for start, end in pairwise(edges)]
        found = list(PARTS.map(lambda part: self.model.score_batch(part, [], why), parts))
        return pa.concat_batches(found)

    def _answer(self, question: Question, table: pa.RecordBatch) -> Answer:
        """A row of which nothing is predicted is refused too."""
        rows = question.rows
        foretold = [table.column(name) for name in self.model.columns.predictions] if len(table) else []
        nothing = np.isnan(np.array([one.to_numpy(zero_copy_only=False) for one in foretold])).any(axis=0)
        if not nothing.any():
            return Answer(about=self.about, rows=rows, table=table)
        good = np.arange(rows.length) if rows.good is None else rows.good
        says = f"version {self.about.version} predicts nothing of such a row"
        reasons = rows.reasons | {place: [says] for place in good[nothing].tolist()}
        left = Rows(length=rows.length, columns={}, good=good[~nothing], reasons=reasons)
        return Answer(about=self.about, rows=left, table=table.filter(pa.array(~nothing)))


def _refuse(about: About, folder: Path) -> None:
    what = f"version {about.version} of {about.model}"
    if about.kind not in KINDS or not kind_in_memory(about.kind):
        raise Refused(
            f"{what} is of kind {about.kind}, which scores frames of Spark, and a service has none: let a candidate of "
            "kind xgboost, sklearn or blend become champion, or score in files with make predict"
        )
    if not about.files:
        raise Refused(
            f"{what} was registered without a hash of its files, so nobody knows whether they are still the same: "
            "train it again (retrain: always) and promote what comes of it"
        )
    if digest(folder) != about.files:
        raise Refused(
            f"{what}: its files are not those that were registered, so they are not loaded; bring the version back "
            "from where it was copied to, or train it again"
        )


def kind_in_memory(name: str) -> bool:
    return name != "spark_ml"  # whose module alone needs Spark


def _made(use_case: UseCase, features: tuple[str, ...]) -> dict[str, Computed]:
    table = use_case.tables[0]
    kinds: dict[str, Kind] = {column.name: column.kind for column in table.columns}
    if strange := [name for name in features if name not in kinds and name not in use_case.features.made]:
        raise BadDeclaration(
            f"{use_case.name}: a model that is served makes {strange[0]} of one raw row, and nothing says how: name it "
            "in `made` of its features, as SQL of that row"
        )
    return {name: compiled(sql, kinds) for name, sql in use_case.features.made.items()}


def _decisions(use_case: UseCase, constants: Mapping[str, float]) -> dict[str, Computed]:
    module = use_cases.part(use_case.name, "model")
    kinds = dict.fromkeys(use_case.predictions[: len(use_case.labels.columns)], Kind.NUMBER)
    found = {name: with_constants(sql, constants) for name, sql in getattr(module, "decisions", dict)().items()}
    beyond = use_case.predictions[len(use_case.labels.columns) :]
    if strange := [name for name in beyond if name not in found]:
        raise BadDeclaration(
            f"{use_case.name}/model.py: {strange[0]} is decided by a function of Spark, and a service has none: say it "
            "as SQL of the row's predictions in `decisions`"
        )
    return {name: compiled(sql, kinds) for name, sql in found.items()}
