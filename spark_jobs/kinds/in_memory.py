"""Models that are fitted in memory: one way to score a batch of rows, wherever it is, and one to be kept by MLflow."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

from spark_jobs.declare import Refused
from spark_jobs.kinds import Columns, Params, Why
from spark_jobs.kinds.reasons import given
from spark_jobs.kinds.words_anywhere import Words, matrix_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from pyspark.sql import DataFrame

    Numbers = np.ndarray[Any, Any]

WORDS_ANYWHERE = Path(__file__).with_name("words_anywhere.py")
MOST_WORDS = 255  # of a feature


@dataclass(frozen=True, kw_only=True)
class InMemory(ABC):
    """What a kind adds: how a matrix is predicted, what moved that, and its files."""

    columns: Columns
    settled: Params
    usual: Mapping[str, float] = field(default_factory=dict)  # means of the rows it was fitted on
    curves: Mapping[str, list[float]] = field(default_factory=dict)
    words: Words = field(default_factory=dict)

    numbers: ClassVar[str] = "float64"  # of the matrix it predicts
    files: ClassVar[str]  # the folder's name within a saved model

    @property
    @abstractmethod
    def anywhere(self) -> tuple[Path, ...]:
        """The modules that open it without our code; the first holds MLflow's `_load_pyfunc`."""

    @property
    @abstractmethod
    def needs(self) -> tuple[str, ...]:
        """The libraries these need beside pandas."""

    @property
    @abstractmethod
    def importance(self) -> "pd.DataFrame": ...

    @abstractmethod
    def predicted(self, matrix: "Numbers") -> "Numbers":
        """A line per label, a number per row."""

    @abstractmethod
    def moved(self, place: int, matrix: "Numbers") -> "Numbers":
        """Per row and feature how far it moved the prediction of one label, in the prediction's own unit.

        With where all rows begin, the features of a row sum to its prediction.
        """

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Its files, of which `read` of its kind makes it again."""

    def predict(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        import pandas as pd

        found = self.predicted(self._matrix(rows))
        return pd.DataFrame(dict(zip(self.columns.predictions, found, strict=True)), index=rows.index)

    def moves(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        import numpy as np
        import pandas as pd

        matrix, labels = self._matrix(rows), self.columns.labels
        with ThreadPoolExecutor(len(labels)) as pool:
            found = list(pool.map(lambda place: np.abs(self.moved(place, matrix)).mean(axis=0), range(len(labels))))
        names = [(label, feature) for label in labels for feature in self.columns.features]
        return pd.DataFrame(names, columns=["label", "feature"]).assign(moves=np.concatenate(found))

    def score(self, frame: "DataFrame", keep: Sequence[str], why: Why | None = None) -> "DataFrame":
        from spark_jobs.kinds.on_spark import scored

        return scored(self, frame, keep, why)

    def score_batch(self, batch: "pa.RecordBatch", keep: Sequence[str], why: Why | None = None) -> "pa.RecordBatch":
        """As `score` does, which gives it each batch of its frame."""
        import pyarrow as pa

        found = self.predicted(self._of_batch(batch, self.numbers))
        scored = {name: batch.column(name) for name in keep}
        scored |= {name: pa.array(values) for name, values in zip(self.columns.predictions, found, strict=True)}
        if why:
            scored["reasons"] = given(
                self, lambda rows: self._of_batch(batch.take(pa.array(rows)), "float64"), found, why
            )
        return pa.RecordBatch.from_pydict(scored)

    def save(self, folder: Path, reads: Mapping[str, str]) -> None:
        from spark_jobs.tracking.models import Portable, save_python_model

        with TemporaryDirectory() as name:
            own = Path(name) / self.files
            own.mkdir()
            self.write(own)
            # Whatever number comes, a matrix holds floats.
            types = {name: "string" if name in self.words else "double" for name in reads}
            portable = Portable(code=(*self.anywhere, WORDS_ANYWHERE), files=own, needs=self.needs)
            save_python_model(folder, portable, types, self.columns.predictions)

    def _matrix(self, rows: "pd.DataFrame") -> "Numbers":
        return matrix_of(rows, self.columns.features, self.words, self.numbers)

    def _of_batch(self, rows: "pa.RecordBatch", numbers: str) -> "Numbers":
        """As `matrix_of` has it. Of one row, which an application asks about, most of the time goes into calls."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        kind = pa.type_for_alias(numbers)
        found: Numbers = np.empty((len(rows), len(self.columns.features)), numbers)
        for place, name in enumerate(self.columns.features):
            column = rows.column(name)
            if name in self.words:
                among = _among(tuple(self.words[name]), column.type)
                column = pc.call_function("index_in", [column], among)
            if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
                column = column.cast(kind)
            found[:, place] = column.to_numpy(zero_copy_only=False)  # which makes the numbers those of a matrix
        return found


@lru_cache(maxsize=1024)
def _among(words: tuple[str, ...], kind: "pa.DataType") -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.SetLookupOptions(pa.array(words, kind))


def words_of(rows: "pd.DataFrame", columns: Columns) -> dict[str, tuple[str, ...]]:
    """Those that are learned, in their own order; of a great many the commonest, and the others count as missing."""

    def commonest(name: str) -> tuple[str, ...]:
        counts = rows[name].value_counts().reset_index(name="rows").sort_values(["rows", name], ascending=[False, True])
        return tuple(sorted(counts[name].head(MOST_WORDS)))

    return {name: commonest(name) for name in columns.categories}


def weights_of(rows: "pd.DataFrame", columns: Columns) -> "Numbers | None":
    """1 in the mean; None where all rows weigh the same."""
    import numpy as np

    if not columns.weight:
        return None
    found: Numbers = rows[columns.weight].to_numpy("float64", na_value=float("nan"))
    if not (np.isfinite(found) & (found > 0)).all():
        raise Refused(f"{columns.weight} says what a row weighs, so it must be above 0 in every row to learn from")
    mean: float = found.mean()
    return found / mean


def means_of(rows: "pd.DataFrame", columns: Columns) -> dict[str, float]:
    """Of what is there; a feature that is nowhere has none, and no word has."""
    means = rows[[name for name in columns.features if name not in columns.categories]].astype("float64").mean()
    return {str(name): float(mean) for name, mean in means.items() if mean == mean}  # noqa: PLR0124 - NaN is not
