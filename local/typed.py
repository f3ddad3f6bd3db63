"""What was typed after `make`, refused before anything takes a while."""

from collections.abc import Mapping

from spark_jobs import use_cases
from spark_jobs.declare import BadRequest


def model_of(typed: Mapping[str, str], *others: str, like: str) -> str:
    """MODEL= is one of ours; it and the others must have been typed."""
    for name in ("MODEL", *others):
        if not typed.get(name):
            raise BadRequest(name, f"is missing. Like this: {like}")
    model = typed["MODEL"]
    if model not in use_cases.models():
        raise BadRequest("MODEL", f"is one of {', '.join(use_cases.models())}, got {model!r}")
    return model


def version_of(typed: Mapping[str, str]) -> str:
    """Empty: the champion."""
    version = typed.get("VERSION", "")
    if version and not (version.isascii() and version.isdigit()):
        raise BadRequest("VERSION", f"is a number, got {version!r}")
    return version
