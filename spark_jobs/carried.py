"""A Python function that goes to Spark's workers carries this project's code with it, as it is where it was made.

So workers need nothing of ours installed, an edited use case runs without a restart of the engine, and two versions
run side by side. Sent as Spark's own artifacts, the code would cost every job Python processes of its own, and their
start; so it travels in the function, deflated.
"""

import sys
import zlib
from functools import cache
from pathlib import Path
from pickle import dumps
from typing import Any

PACKAGE = "spark_jobs"


class Carried:
    """An object, and the code it was made with: unpickled, it is the object."""

    def __init__(self, thing: object) -> None:
        self.thing = thing

    def __reduce__(self) -> Any:
        from pyspark import cloudpickle

        return unpacked, (*code(), cloudpickle.dumps(self.thing))  # type: ignore[no-untyped-call] # pyspark's copy


def carry_code() -> None:
    """From now on every Python function that Spark sends to its workers is carried."""
    from pyspark import cloudpickle, serializers
    from pyspark.sql.connect import expressions, plan

    # cloudpickle takes what can be imported here for known on the other side; this module brings what is not.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # type: ignore[no-untyped-call] # as above

    class Carrying(serializers.CloudPickleSerializer):
        def dumps(self, thing: object) -> bytes:
            packed: bytes = super().dumps(Carried(thing))  # type: ignore[no-untyped-call] # as above
            return packed

    for module in (expressions, plan):
        vars(module)["CloudPickleSerializer"] = Carrying


@cache
def code() -> tuple[str, bytes]:
    """Its hash, and every module's source by name: read once, so that a job stays with the version it began with."""
    from hashlib import sha256

    root = Path(__file__).parent
    sources = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        package = parts[-1] == "__init__"
        sources[".".join(parts[:-1] if package else parts)] = (package, path.read_text(encoding="utf-8"))
    packed = zlib.compress(dumps(sources), 9)
    return sha256(packed).hexdigest(), packed


def unpacked(version: str, packed: bytes, thing: bytes) -> Any:
    """On a worker: makes this version of the code the one that is imported, then the object. Pickled by value."""
    import pickle
    import sys
    import zlib
    from importlib.abc import Loader, MetaPathFinder
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    class Sources(MetaPathFinder, Loader):
        nightshift = version

        def __init__(self) -> None:
            self.sources = pickle.loads(zlib.decompress(packed))  # noqa: S301 - what our own job has packed

        def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
            known = self.sources.get(name)
            return ModuleSpec(name, self, is_package=known[0], origin=f"<{name}>") if known else None

        def exec_module(self, module: ModuleType) -> None:
            module.__file__ = f"<{module.__name__}>"
            source = compile(self.sources[module.__name__][1], module.__file__, "exec")
            exec(source, vars(module))  # noqa: S102 - that is what importing is

    here = next((finder for finder in sys.meta_path if hasattr(finder, "nightshift")), None)
    if getattr(here, "nightshift", None) != version:
        sys.meta_path[:] = [Sources(), *(finder for finder in sys.meta_path if finder is not here)]
        for name in [name for name in sys.modules if name.partition(".")[0] == "spark_jobs"]:
            del sys.modules[name]
    return pickle.loads(thing)  # noqa: S301 - as above
