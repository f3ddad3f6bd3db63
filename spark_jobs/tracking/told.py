"""What the tags of a registered version tell, before its model is loaded."""

import json
from typing import TYPE_CHECKING, Any

from spark_jobs.declare import Refused, tags

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


def told(found: "ModelVersion", *further: str) -> dict[str, Any]:
    """Its number, run, kind, what it reads, and its constants, by these names; `further` tags must be there too."""
    needed = (tags.KIND, tags.FEATURES, *further, tags.CONSTANTS)
    if missing := [name for name in needed if name not in found.tags]:
        raise Refused(
            f"version {found.version} of {found.name} has no tag {', '.join(missing)}, so nobody knows what it reads: "
            "use a version that the stage train registered"
        )
    return {
        "version": str(found.version),
        "run": str(found.run_id or ""),
        "kind": found.tags[tags.KIND],
        "features": tuple(found.tags[tags.FEATURES].split(",")),
        "constants": json.loads(found.tags[tags.CONSTANTS]),
    }
