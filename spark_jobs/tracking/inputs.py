"""The data of a run, as MLflow shows them: one dataset per Delta table and part."""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

CONTEXT = "mlflow.data.context"  # MLflow's own name for what data were used for


@dataclass(frozen=True, kw_only=True)
class Used:
    """Rows of one version of a Delta table, and what a run used them for."""

    table: str  # layer/name
    place: str  # a path, or catalog.schema.table
    version: int
    part: str  # train, validate or judge
    start: datetime
    end: datetime
    rows: int

    @property
    def source(self) -> dict[str, str | int]:
        where = "path" if "/" in self.place else "delta_table_name"
        return {where: self.place, "delta_table_version": self.version}

    @property
    def profile(self) -> dict[str, str | int]:
        return {"num_rows": self.rows, "from": self.start.isoformat(), "to": self.end.isoformat()}

    @property
    def digest(self) -> str:
        """Begins with the version; MLflow keeps one profile per name and digest, so the rows are in it too."""
        content = json.dumps([self.source, self.profile, self.part], sort_keys=True)
        return f"version-{self.version}-{sha256(content.encode()).hexdigest()[:8]}"


def as_input(used: Used) -> "DatasetInput":
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=used.table,
        digest=used.digest,
        source_type="delta_table",
        source=json.dumps(used.source),
        profile=json.dumps(used.profile),
    )
    return DatasetInput(dataset, [InputTag(CONTEXT, used.part)])
