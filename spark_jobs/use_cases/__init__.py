"""Finds use cases by their folders. Importing this, or any use_case.py, needs the standard library only."""

import importlib
import inspect
import re
from collections.abc import Set
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


def text(name: str, module: str, without: Set[str]) -> str:
    """The source of a module and of those it imports from its own folder, without some."""
    return "\n".join(source for _, source in sorted(_texts(part(name, module), without, {}).items()))


def _texts(module: ModuleType, without: Set[str], seen: dict[str, str]) -> dict[str, str]:
    seen[module.__name__] = source = inspect.getsource(module)
    package = re.escape(module.__name__.rpartition(".")[0])
    imported = re.findall(rf"^from {package} import (\w+)|^(?:from|import) {package}\.(\w+)", source, re.MULTILINE)
    for name in {either or other for either, other in imported} - without:
        path = f"{module.__name__.rpartition('.')[0]}.{name}"
        if path not in seen:
            _texts(importlib.import_module(path), without, seen)
    return seen


def discover() -> dict[str, UseCase]:
    return {name: load(name) for name in names()}
