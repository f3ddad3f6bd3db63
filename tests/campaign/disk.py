"""A file system of a few megabytes, which can be filled and closed without harm to the machine."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

LEFT = 40_000  # bytes: enough to begin to write
INSTEAD = (
    "This scenario needs a small file system for the lake, and mounting one is not permitted here: {why}. "
    "Run the campaign as root, or in a container with --cap-add SYS_ADMIN."
)


@dataclass
class SmallDisk:
    folder: Path
    megabytes: int = 64
    refused: str = ""  # why there is none

    def mount(self) -> None:
        """Without one the lake lies on the machine's own disk; only the scenarios that need it fail."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.refused = self._mount("-t", "tmpfs", "-o", f"size={self.megabytes}m", "nightshift-campaign")

    def unmount(self) -> None:
        if not self.refused:
            subprocess.run([_program("umount"), "--lazy", self.folder], check=True)

    @contextmanager
    def full(self) -> Iterator[None]:
        self._demand()
        ballast = self.folder / ".ballast"
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(self.folder).free - LEFT)
        try:
            yield
        finally:
            ballast.unlink()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Rights would not stop root."""
        self._demand()
        self._mount("-o", "remount,ro")
        try:
            yield
        finally:
            self._mount("-o", "remount,rw")

    def _demand(self) -> None:
        if self.refused:
            pytest.fail(INSTEAD.format(why=self.refused))

    def _mount(self, *options: str) -> str:
        done = subprocess.run([_program("mount"), *options, self.folder], capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stderr.strip()


def _program(name: str) -> str:
    return shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin") or name
