"""Versions on this machine's disk: what a service starts from while no registry answers.

One folder for each version, whole or not there: it is filled under another name. A small file names the one that is
live.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from serving.version import About

LIVE, ABOUT, MODEL = "live", "about.json", "model"
DRAFT = ".draft-"


@dataclass(frozen=True)
class Kept:
    """Of one model."""

    root: Path

    def folder(self, about: About) -> Path:
        return self.root / f"{about.version}-{about.files[:16] or 'unknown'}"

    def files(self, about: About) -> Path:
        return self.folder(about) / MODEL

    def keep(self, about: About, files: Path) -> Path:
        """A copy of its files; of one that is here already, what is known of it anew."""
        self.root.mkdir(parents=True, exist_ok=True)
        wanted = self.folder(about)
        if not (wanted / ABOUT).exists():
            shutil.rmtree(wanted, ignore_errors=True)
            draft = Path(mkdtemp(prefix=DRAFT, dir=self.root))
            try:
                shutil.copytree(files, draft / MODEL)
                (draft / ABOUT).write_text(json.dumps(about.told()))
                draft.rename(wanted)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        else:
            _write(wanted / ABOUT, json.dumps(about.told()))
        return wanted / MODEL

    def name_live(self, about: About) -> None:
        """Afterwards only this one and the one before it are kept: a roll back needs no registry's files."""
        before = self._live()
        _write(self.root / LIVE, self.folder(about).name)
        for path in self.root.iterdir():
            if path.is_dir() and path.name not in (self.folder(about).name, before):
                shutil.rmtree(path, ignore_errors=True)

    def live(self) -> About | None:
        """None where there is none that is whole."""
        name = self._live()
        path = self.root / name / ABOUT
        try:
            return About.of(json.loads(path.read_text())) if name else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _live(self) -> str:
        try:
            return (self.root / LIVE).read_text().strip()
        except OSError:
            return ""


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f"{DRAFT}{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)
