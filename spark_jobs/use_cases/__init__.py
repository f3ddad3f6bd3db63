"""Finds use cases by their folders. Importing this, or any use_case.py, needs the standard library only."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from spark_jobs.declare import BadDeclaration, BadRequest, Tables, UseCase

FOLDER = Path(__file__).parent
MEASURES = "spark_jobs.measures"  # what several use cases measure alike
# What is declared is compared by its value, and pictures and reports change no model.
MAKE_NO_NUMBER = {"plots", "two_classes_plots", "drawing", "reports", "source", "use_case"}


def names() -> list[str]:
    return sorted(path.parent.name for path in FOLDER.glob("*/use_case.py"))


def load(name: str) -> Tables:
    """One use case, with the tables it reads; a folder whose declaration is broken raises, and says which."""
    use_case = _declared(name)
    if use_case.reads is None:
        return use_case
    if use_case.source not in names():
        raise BadDeclaration(f"{name} reads tables of {use_case.source}, which is not one of {', '.join(names())}")
    return use_case.on(_declared(use_case.source))


def learning(name: str) -> UseCase:
    """One that has a model."""
    found = load(name)
    if not isinstance(found, UseCase):
        raise BadRequest("use_case", f"{name} ends in tables and has no model; those that learn: {', '.join(models())}")
    return found


def that_learn() -> dict[str, UseCase]:
    return {name: use_case for name, use_case in discover().items() if isinstance(use_case, UseCase)}


def models() -> list[str]:
    """The names of those that learn, and so of their models."""
    return list(that_learn())


def _declared(name: str) -> Tables:
    if name not in names():
        raise BadRequest("use_case", f"{name!r} is not one of {', '.join(names()) or '(none yet)'}")
    use_case = part(name, "use_case").USE_CASE
    if not isinstance(use_case, Tables):
        raise BadDeclaration(f"{name}/use_case.py: USE_CASE is a UseCase or Tables, got {type(use_case).__name__}")
    if use_case.name != name:
        raise BadDeclaration(f"folder {name} declares a use case named {use_case.name!r}: the names must be the same")
    return use_case


def part(name: str, module: str) -> ModuleType:
    """One module of a use case's folder: source, features, model or reports."""
    return importlib.import_module(f"{__name__}.{name}.{module}")


def text(name: str, module: str) -> str:
    """The source of a module and of those it imports from its own folder and from `measures`, but for those that make
    no number."""
    return "\n".join(source for _, source in sorted(_texts(part(name, module), {}).items()))


def _texts(module: ModuleType, seen: dict[str, str]) -> dict[str, str]:
    seen[module.__name__] = source = inspect.getsource(module)
    for package in {MEASURES, module.__name__.rpartition(".")[0]}:
        for name in {*_imported(source, package)} - MAKE_NO_NUMBER:
            if f"{package}.{name}" not in seen:
                _texts(importlib.import_module(f"{package}.{name}"), seen)
    return seen


def _imported(source: str, package: str) -> Iterator[str]:
    """Names of the package's modules, wherever in the source they are imported."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            paths = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            paths = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (path.removeprefix(f"{package}.").split(".")[0] for path in paths if path.startswith(f"{package}."))


def discover() -> dict[str, Tables]:
    return {name: load(name) for name in names()}
