"""Finds use cases by their folders. Importing this, or any use_case.py, needs the standard library only."""

import importlib
from pathlib import Path
from types import ModuleType

from spark_jobs.declare import BadDeclaration, BadRequest, UseCase

FOLDER = Path(__file__).parent


def names() -> list[str]:
    return sorted(path.parent.name for path in FOLDER.glob("*/use_case.py"))


def load(name: str) -> UseCase:
    """One use case; a folder whose declaration is broken raises, and says which."""
    if name not in names():
        raise BadRequest("use_case", f"{name!r} is not one of {', '.join(names()) or '(none yet)'}")
    use_case = part(name, "use_case").USE_CASE
    if not isinstance(use_case, UseCase):
        raise BadDeclaration(f"{name}/use_case.py: USE_CASE must be a UseCase, got {type(use_case).__name__}")
    if use_case.name != name:
        raise BadDeclaration(f"folder {name} declares a use case named {use_case.name!r}: the names must be the same")
    return use_case


def part(name: str, module: str) -> ModuleType:
    """One module of a use case's folder: source, features, model or reports."""
    return importlib.import_module(f"{__name__}.{name}.{module}")


def discover() -> dict[str, UseCase]:
    return {name: load(name) for name in names()}
