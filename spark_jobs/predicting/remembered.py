"""Rows that say the same are asked about once: files of people and of samples repeat many, and reasons take long."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MOST = 1 << 17  # rows; some 50 MB with their answers


@dataclass(kw_only=True)
class Remembered:
    """Rows by what they say, numbered as they are asked about; answers have to come in that order."""

    _numbers: dict[str, int] = field(default_factory=dict)
    _answers: pa.Table | None = None

    @property
    def full(self) -> bool:
        return len(self._numbers) > MOST

    def numbered(self, columns: Sequence[Any]) -> tuple[Any, Any]:
        """The number of every row, and the places of those that nobody has asked about."""
        found = _keys(columns).dictionary_encode()
        distinct, of_row = found.dictionary.to_pylist(), found.indices.to_numpy()
        new = [place for place, key in enumerate(distinct) if key not in self._numbers]
        for place in new:
            self._numbers[distinct[place]] = len(self._numbers)
        numbers = np.array([self._numbers[key] for key in distinct], dtype="int64")
        _, first = np.unique(of_row, return_index=True)
        return numbers[of_row], first[new]

    def told(self, answers: pa.Table) -> None:
        """The next of them."""
        every = [table for table in (self._answers, answers) if table is not None]
        self._answers = pa.concat_tables(every).combine_chunks()

    def answers(self, numbers: Any) -> pa.Table:
        return cast(pa.Table, self._answers).take(pa.array(numbers))


def _keys(columns: Sequence[Any]) -> Any:
    """A text for each row. Each value stands behind its length, so that no two rows have the same by accident."""
    parts = [part for column in columns for part in (pc.cast(pc.binary_length(column), pa.string()), column)]
    keys = pc.binary_join_element_wise(*parts, ",", null_handling="replace", null_replacement="-")
    return keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys
