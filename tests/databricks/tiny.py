"""A wheel of the right name whose job does what a file tells it: for tests of all that is around a job."""

from functools import cached_property
from pathlib import Path

from nightshift.databricks.wheel import Wheel

JOB = Path(__file__).with_name("tiny_job.py")


class Tiny(Wheel):
    @cached_property
    def version(self) -> str:
        return Wheel(self.checkout).version

    def files(self) -> dict[str, bytes]:
        return {"spark_jobs/__init__.py": b"", "spark_jobs/wheel.py": JOB.read_bytes()}
