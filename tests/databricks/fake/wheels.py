"""Environments of runs: a wheel, really installed, over the libraries of the Spark side."""

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from local.places import SPARK, python, site_packages, uv

CHECK = """
import json, sys
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from packaging.requirements import Requirement
bad = []
for text in requires(sys.argv[1]) or []:
    wanted = Requirement(text)
    if wanted.marker is None or wanted.marker.evaluate():
        try:
            if not wanted.specifier.contains(version(wanted.name)):
                bad.append(f"{text}: {version(wanted.name)} is there")
        except PackageNotFoundError:
            bad.append(f"{text}: not found")
print(json.dumps(bad))
"""


class NotInstalled(Exception):
    """What pip said."""


@dataclass
class Environments:
    """One for each wheel, made when it is first asked for."""

    root: Path
    made: dict[str, Path] = field(default_factory=dict)
    hands: Lock = field(default_factory=Lock)

    def of(self, wheel: Path, package: str) -> Path:
        """The Python that has it."""
        with self.hands:
            if wheel.name not in self.made:
                try:
                    self.made[wheel.name] = self.make(wheel, package)
                except NotInstalled:
                    shutil.rmtree(self.root / wheel.stem)
                    raise
            return self.made[wheel.name]

    def make(self, wheel: Path, package: str) -> Path:
        folder = self.root / wheel.stem
        _do([str(python(SPARK)), "-m", "venv", "--without-pip", str(folder)])
        ours = next((folder / "lib").glob("python*/site-packages"))
        (ours / "runtime.pth").write_text(f"{site_packages(SPARK)}\n")
        interpreter = python(folder)
        _do([uv(), "pip", "install", "--quiet", "--offline", "--no-deps", "--python", str(interpreter), str(wheel)])
        if bad := json.loads(_do([str(interpreter), "-c", CHECK, package])):
            raise NotInstalled("; ".join(bad))
        return interpreter


def _do(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstalled(done.stderr.strip() or done.stdout.strip())
    return done.stdout
