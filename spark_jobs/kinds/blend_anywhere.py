"""A blend as an MLflow Python function: copied into every model, beside the modules of its members."""

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class Blend:
    def __init__(self, members: list[Any]) -> None:
        self.members = members

    def predict(self, rows: "pd.DataFrame", params: object = None) -> "pd.DataFrame":  # noqa: ARG002 - MLflow's signature
        found: list[pd.DataFrame] = [member.predict(rows) for member in self.members]
        return sum(found[1:], start=found[0]) / len(found)


def _load_pyfunc(folder: str) -> Blend:
    """The name MLflow calls."""
    own = Path(folder)
    kinds = json.loads((own / "blend.json").read_text())["kinds"]
    modules = (import_module(f"{kind}_anywhere") for kind in kinds)
    return Blend([module._load_pyfunc(str(own / str(place))) for place, module in enumerate(modules)])
