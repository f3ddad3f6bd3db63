"""A wheel of the right name whose job does what a file tells it: for tests of all that is around a job."""

from functools import cached_property
from pathlib import Path

from nightshift.databricks.wheel import Wheel
from tests.databricks.fake.server import Workspace

JOB = Path(__file__).with_name("tiny_job.py")


class Tiny(Wheel):
    @cached_property
    def version(self) -> str:
        return Wheel(self.checkout).version

    def files(self) -> dict[str, bytes]:
        return {"spark_jobs/__init__.py": b"", "spark_jobs/wheel.py": JOB.read_bytes()}


def deployed(there: Workspace, wheels: Path, environments: Path) -> None:
    """Installed once for all tests that share these environments: the code is the same."""
    tiny = Tiny()
    wheels.mkdir(parents=True)
    (wheels / tiny.name).write_bytes(tiny.built())
    there.runs.environments.root = environments
    if (ready := environments / Path(tiny.name).stem / "bin" / "python").exists():
        there.runs.environments.made[tiny.name] = ready
